"""Cornac's GRU4Rec: session-parallel training with a sampled softmax, each person's history as one session.

Source: Hidasi & Karatzoglou, Recurrent Neural Networks with Top-k Gains, CIKM 2018; https://cornac.readthedocs.io.
Cornac trains a fixed number of epochs and has no callback, so its progress bar is where this script counts epochs,
validates, and stops. Cornac scores one event of one person at a time; here its network steps through many people at
once, which gives the same scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .road import TOP, Events, Ints, Training, begin, finish, ndcg, timed

BATCH = 256


def main() -> None:
    """Fit, rank, write."""
    import torch
    from cornac.data import SequentialDataset
    from cornac.models import GRU4Rec
    from cornac.models.gru4rec import recom_gru4rec

    task, versions = begin(["cornac", "torch", "numpy"])
    settings = task.settings
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(task.seed)
    train = task.train.select(np.flatnonzero(task.train.lengths > 1))
    rows = [(str(row), str(row), int(item)) for row, item in zip(train.rows, train.items, strict=True)]
    sessions = SequentialDataset.build([(*row, place) for place, row in enumerate(rows)], fmt="USIT", seed=task.seed)
    inputs, targets = task.validation_sample(settings["validation_users"])
    item_codes = np.array(list(sessions.iid_map), dtype=np.int32)  # by Cornac's own index
    index = np.full(task.n_codes, -1)
    index[item_codes] = np.arange(len(item_codes))
    names = ("layers", "loss", "batch_size", "learning_rate", "momentum", "n_sample", "sample_alpha", "logq")
    chosen = {name: settings[name] for name in (*names, "dropout_p_embed", "dropout_p_hidden")}
    model = GRU4Rec(**chosen, n_epochs=settings["epochs"], constrained_embedding=True, seed=task.seed)

    def rank(events: Events, k: int) -> Ints:
        batches = [
            events.select(rows) for rows in np.array_split(np.arange(events.n_users), events.n_users // BATCH + 1)
        ]
        return np.concatenate([rank_batch(model.model, batch, k, item_codes, index) for batch in batches])

    training = Training(task, lambda: ndcg(rank(inputs, TOP), targets), lambda: model.model.state_dict())
    recom_gru4rec.trange = Bar(training)
    model.fit(sessions)
    model.model.load_state_dict(training.best_weights)
    _, seconds = timed(lambda: rank(task.test, TOP))
    facts = {**training.facts(), "serve_seconds": seconds, "versions": versions}
    finish(task, rank(task.test, task.depth), facts)


class Bar:
    """Stand in for the progress bar `trange`: count epochs until the training ends."""

    def __init__(self, training: Training) -> None:
        self.training, self.loss = training, float("nan")

    def __call__(self, *_: Any, **__: Any) -> Bar:
        return self

    def __iter__(self) -> Iterator[int]:
        ended, number = False, 0
        while not ended:
            number += 1
            yield number
            ended = self.training.ends_after(self.loss)

    def set_postfix(self, loss: float) -> None:
        """Take the epoch's mean loss so far."""
        self.loss = float(loss)


def rank_batch(network: Any, events: Events, k: int, item_codes: Ints, index: Ints) -> Ints:
    """Return the top k unseen item codes of each row (n_users, k), padded with 0.

    `item_codes (n_items,)` are the codes by Cornac's index, `index (n_codes,)` the other way, -1 for unknown titles.
    """
    import torch

    network.eval()
    known = index[events.items] >= 0
    lengths = np.bincount(events.rows[known], minlength=events.n_users)
    order = np.argsort(-lengths, kind="stable")  # the longest first: who is still running is always a prefix
    row_of = np.empty_like(order)
    row_of[order] = np.arange(len(order))
    steps = np.zeros((events.n_users, max(1, lengths.max())), dtype=np.int64)
    places = np.arange(known.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    steps[row_of[events.rows[known]], places] = index[events.items[known]]
    with torch.no_grad():
        hidden = [torch.zeros(events.n_users, size) for size in network.layers]
        for step in range(steps.shape[1]):
            running = int((lengths > step).sum())
            if running == 0:
                break
            states = [state[:running] for state in hidden]
            network.hidden_step(network.Wy(torch.from_numpy(steps[:running, step])), states)
            for state, new in zip(hidden, states, strict=True):
                state[:running] = new
        scores = (hidden[-1] @ network.Wy.weight.T + network.By.weight.T)[:, : len(item_codes)].numpy()[row_of]
    scores[events.rows[known], index[events.items[known]]] = -np.inf
    scores[lengths == 0] = -np.inf
    k_found = min(k, scores.shape[1])
    best = np.argpartition(-scores, k_found - 1, axis=1)[:, :k_found]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable"), 1)
    codes = np.where(np.isfinite(np.take_along_axis(scores, best, 1)), item_codes[best], 0)
    return np.pad(codes, ((0, 0), (0, k - k_found)))


if __name__ == "__main__":
    main()
