"""Item neighbours with `implicit`: a title is recommended for the titles like it that a person watched."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.config import Choice, Range, Settings, setting
from recsys.models.base import Scores
from recsys.models.collaborative import CollaborativeRecommender


@dataclass(frozen=True)
class ItemKNNConfig(Settings):
    """Set the neighbourhood; the defaults were chosen on validation parts of Kaggle and MovieLens-1M."""

    similarity: str = setting(
        "tfidf",
        "how titles are compared",
        choices=("cosine", "tfidf", "bm25"),
        search=Choice("cosine", "tfidf", "bm25"),
    )
    neighbours: int = setting(20, "most similar titles kept for each title", low=1, search=Range(5, 500, log=True))
    bm25_k1: float = setting(
        1.2,
        "bm25: how slowly a person's many titles saturate",
        low=0.0,
        search=Range(0.1, 100, log=True, when=("similarity", "bm25")),
    )
    bm25_b: float = setting(
        0.75,
        "bm25: how much a title's popularity is discounted",
        low=0.0,
        high=1.0,
        search=Range(0, 1, when=("similarity", "bm25")),
    )


class ItemKNNRecommender(CollaborativeRecommender):
    """Score a title by the similarity of those of its nearest neighbours that a person watched.

    Titles are compared by who watched them: `cosine`, or with people weighted by `tfidf` or `bm25` (one who watches
    everything says little). The score sums over the neighbours *of the candidate* (Deshpande and Karypis 2004 sum
    over those of the watched titles): measured on Kaggle and MovieLens-1M, that ranks better for every similarity
    (HR@10 .265 against .221, and .085 against .075), because the popular are neighbours of everything.

    A title without any watched neighbour comes after all others, the popular first, with a score from -1 to 0.
    """

    name = "item-knn"
    Config = ItemKNNConfig
    config: ItemKNNConfig

    def _learn(self, seen: Any, progress: bool) -> dict[str, npt.NDArray[Any]]:
        from implicit import nearest_neighbours
        from implicit.utils import ParameterWarning

        config = self.config
        n = config.neighbours + 1  # implicit counts a title among its own neighbours
        model = {
            "cosine": lambda: nearest_neighbours.CosineRecommender(n),
            "tfidf": lambda: nearest_neighbours.TFIDFRecommender(n),
            "bm25": lambda: nearest_neighbours.BM25Recommender(n, K1=config.bm25_k1, B=config.bm25_b),
        }[config.similarity]()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ParameterWarning)  # implicit warns of its own weighted matrix's type
            model.fit(seen, show_progress=progress)
        found = model.similarity.tocoo()
        rows, columns, values = _nearest(found.row, found.col, found.data, config.neighbours)
        starts = np.searchsorted(rows, np.arange(seen.shape[1] + 1))
        return {"starts": starts, "neighbours": columns.astype(np.int32), "similarities": values.astype(np.float32)}

    def _adopt(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        from scipy.sparse import csr_matrix

        super()._adopt(arrays)
        n_codes = len(arrays["popularity"])
        self._neighbours = csr_matrix(
            (arrays["similarities"], arrays["neighbours"], arrays["starts"]), shape=(n_codes, n_codes)
        )  # row: a title, columns: its neighbours
        self._for_candidates = self._neighbours.T.tocsr()

    def _scores_of(self, seen: Any) -> Scores:
        scores: Scores = (seen @ self._for_candidates).toarray()
        return np.where(scores > 0, scores, self.arrays["popularity"] - 1)

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        """Return the similarity of each title's neighbours; only they are candidates."""
        scores: Scores = self._neighbours[codes].toarray()
        return np.where(scores > 0, scores, np.float32(-np.inf))


def _nearest(
    rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer], values: npt.NDArray[np.floating], n: int
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer], npt.NDArray[np.floating]]:
    """Keep each row's n highest values off the diagonal, ordered by row, then value; ties by column."""
    keep = (rows != columns) & (values > 0)
    rows, columns, values = rows[keep], columns[keep], values[keep]
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    first = np.arange(len(rows)) - np.searchsorted(rows, rows) < n
    return rows[first], columns[first], values[first]
