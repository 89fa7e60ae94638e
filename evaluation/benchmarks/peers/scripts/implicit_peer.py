"""implicit's ALS and item-kNN, used as its documentation says: fit on the train matrix, recommend from the test rows.

Source: https://benfred.github.io/implicit/tutorial_lastfm.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .road import TOP, Events, Ints, Task, begin, finish, timed


def main() -> None:
    """Fit, rank, write."""
    from implicit.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender, bm25_weight
    from threadpoolctl import threadpool_limits

    task, versions = begin(["implicit", "numpy", "scipy"])
    settings = task.settings
    als = settings["model"] == "als"
    train, test = matrix(task, task.train), matrix(task, task.test)
    model: Any
    if als:
        names = ("factors", "regularization", "alpha", "iterations")
        model = AlternatingLeastSquares(**{name: settings[name] for name in names}, random_state=task.seed)
        # the tutorial weighs the matrix of titles by people, and fits on its transpose
        train = bm25_weight(train.T, K1=settings["K1"], B=settings["B"]).T.tocsr()
    else:
        kinds = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
        model = kinds[settings["similarity"]](K=settings["K"])

    def rank(k: int) -> Ints:
        rows = np.arange(task.test.n_users)
        recalculate = {"recalculate_user": True} if als else {}
        codes, scores = model.recommend(rows, test, N=k, filter_already_liked_items=True, **recalculate)
        # what fills a list up is scored 0 by the neighbours, and the lowest float by ALS: seen titles among it
        return np.where((codes >= 2) & (scores > (np.finfo(np.float32).min if als else 0)), codes, 0)

    with threadpool_limits(1, "blas"):  # implicit asks for it: its own threads do the work
        _, train_seconds = timed(lambda: model.fit(train, show_progress=False))
        _, seconds = timed(lambda: rank(TOP))
        codes = front(rank(task.depth))
    print(f"fitted in {train_seconds:.1f} s", flush=True)
    finish(task, codes, {"train_seconds": train_seconds, "serve_seconds": seconds, "versions": versions})


def matrix(task: Task, events: Events) -> Any:
    """Return the people-by-titles matrix of 0 and 1, one column an item code."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(events.items), dtype=np.float32)
    found = csr_matrix((ones, (events.rows, events.items)), shape=(events.n_users, task.n_codes))
    found.data[:] = 1  # a title watched twice is watched
    return found


def front(codes: Ints) -> Ints:
    """Move the codes of each row before the zeros between them.

    >>> front(np.array([[0, 5, 0, 7]])).tolist()
    [[5, 7, 0, 0]]
    """
    return np.take_along_axis(codes, np.argsort(codes == 0, axis=1, kind="stable"), axis=1)


if __name__ == "__main__":
    main()
