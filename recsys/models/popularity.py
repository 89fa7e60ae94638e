"""Popularity: everyone gets what most people watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recsys.config import Settings
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout
from recsys.models.base import Recommender, Scores


@dataclass(frozen=True)
class PopularityConfig(Settings):
    """Popularity has nothing to set."""


class PopularityRecommender(Recommender):
    """Score a title by the number of people who watched it."""

    name = "popularity"
    Config = PopularityConfig

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        self._counts = count_watchers(data.histories, data.n_codes)

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        return np.tile(self._counts, (histories.n_users, 1))

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        """Call titles alike when about as many people watched them: the difference of the logs, negated."""
        logs = np.log1p(self._counts)
        scores: Scores = -np.abs(logs[codes][:, None] - logs[None, :])
        return scores

    def _save(self, folder: Path) -> None:
        np.savez(folder / "popularity.npz", counts=self._counts)

    def _load(self, folder: Path) -> None:
        with np.load(folder / "popularity.npz", allow_pickle=False) as arrays:
            self._counts = arrays["counts"]


def count_watchers(histories: Histories, n_codes: int) -> Scores:
    """Count the people who watched each title, shape (n_codes,); who watched it twice counts once."""
    pairs = np.sort(histories.rows * n_codes + histories.items)
    first = np.ones(len(pairs), dtype=bool)
    first[1:] = pairs[1:] != pairs[:-1]
    return np.bincount(pairs[first] % n_codes, minlength=n_codes).astype(np.float32)
