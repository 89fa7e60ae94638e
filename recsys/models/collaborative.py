"""What the models over `implicit` share: a history as a set of titles, empty histories, saved arrays, threads."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST
from recsys.errors import ConfigError
from recsys.models.base import Recommender, Scores
from recsys.models.popularity import count_watchers


class CollaborativeRecommender(Recommender):
    """Learn which titles the same people watch; order, ratings and times of a history play no part.

    Known people and strangers are served alike, from the set of titles in the history: what `implicit` learns about
    the people of the training data is not used afterwards. A history without a known title gets the popular titles,
    scored by the share of people who watched them.

    A subclass computes its arrays in `_learn` and scores with them; they are all that is saved.
    """

    @abstractmethod
    def _learn(self, seen: Any, progress: bool) -> dict[str, npt.NDArray[Any]]:
        """Fit on a matrix (n_users, n_codes) as of `interaction_matrix` and return the arrays to serve with."""

    @abstractmethod
    def _scores_of(self, seen: Any) -> Scores:
        """Return the scores (n_users, n_codes) of histories given as a matrix like that of `_learn`."""

    def _adopt(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take up fitted or loaded arrays; a subclass may derive more from them."""
        self.arrays = arrays

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        seen = interaction_matrix(data.histories, data.n_codes)
        people = max(1, int((np.diff(seen.indptr) > 0).sum()))
        with implicit_alone():
            arrays = self._learn(seen, progress and sys.stderr.isatty())  # implicit knows bars only
        self._adopt({**arrays, "popularity": count_watchers(data.histories, data.n_codes) / np.float32(people)})

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        seen = interaction_matrix(histories, self.data.n_codes)
        scores = self._scores_of(seen)
        scores[np.diff(seen.indptr) == 0] = self.arrays["popularity"]
        return scores

    def _save(self, folder: Path) -> None:
        np.savez(folder / "arrays.npz", **self.arrays)  # type: ignore[arg-type]  # no array is called allow_pickle

    def _load(self, folder: Path) -> None:
        with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
            self._adopt(dict(arrays))


def interaction_matrix(histories: Histories, n_codes: int) -> Any:
    """Return a scipy CSR matrix (n_users, n_codes) with 1 where a user watched a title, however often.

    Padding and unknown titles leave no mark.
    """
    from scipy.sparse import csr_matrix

    known = histories.keep_events(histories.items >= FIRST)
    marks = np.ones(known.n_events, dtype=np.float32)
    index = np.int32 if known.n_events < np.iinfo(np.int32).max else np.int64
    matrix = csr_matrix((marks, known.items, known.offsets.astype(index)), shape=(known.n_users, n_codes))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def to_dense(product: Any) -> Scores:
    """Return the product of a sparse matrix with a sparse or a dense one as a dense array."""
    dense: Scores = product if isinstance(product, np.ndarray) else product.toarray()
    return dense


@contextmanager
def implicit_alone() -> Iterator[None]:
    """Keep BLAS to one thread while implicit works: its own threads and those of OpenBLAS slow each other down.

    Factors that overflow, as too high a learning rate makes them, are reported as the settings' fault.
    """
    from implicit.recommender_base import ModelFitError
    from threadpoolctl import threadpool_limits

    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    except ModelFitError as error:
        raise ConfigError(
            f"The training ran out of the range of numbers ({error}).",
            "Set a lower learning_rate, or a regularization above 0.",
        ) from error
