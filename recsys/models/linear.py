"""EASE: a linear model of titles by titles, solved exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from recsys.config import Range, Settings, setting
from recsys.errors import ConfigError
from recsys.machine import GB, available_memory, usable_cores
from recsys.models.base import Scores
from recsys.models.collaborative import CollaborativeRecommender, to_dense

BLOCK = 1024
"""Rows of the title-by-title matrix that are worked on at a time, so that nothing of its size is made besides."""

Matrix = npt.NDArray[np.floating]


@dataclass(frozen=True)
class EASEConfig(Settings):
    """Set the regression; the defaults were chosen on validation parts of Kaggle and MovieLens-1M."""

    regularization: float = setting(
        100.0, "weight of the squared size of the weights", low=1e-3, search=Range(3, 3000, log=True)
    )
    discount: float = setting(
        0.1, "a score is divided by the title's number of watchers to this power", low=0.0, high=2.0, search=Range(0, 1)
    )
    max_titles: int | None = setting(None, "only the most watched titles get weights (none: all)", low=1)


class EASERecommender(CollaborativeRecommender):
    """Predict who watches a title from the other titles they watched: a linear model in closed form (Steck 2019).

    With X the matrix (people, titles) of who watched what, the weights B minimise
    `|X - X B|^2 + regularization |B|^2` under the constraint that no title predicts itself (a zero diagonal):
    `P = (X'X + regularization I)^-1`, `B_ij = -P_ij / P_jj` (Steck, Embarrassingly Shallow Autoencoders for Sparse
    Data, WWW 2019, equation 8). A history's scores are the sum of its titles' rows of B.

    Title by title, that is 4 bytes times the square of the number of titles (0.6 GB for 12,294), in memory and in the
    model's folder. Where it does not fit, `max_titles` gives weights to the most watched titles only; all others come
    after them, by popularity. A `slim` model keeps a few weights a title.
    """

    name = "ease"
    Config = EASEConfig
    config: EASEConfig

    def _learn(self, seen: Any, progress: bool) -> dict[str, npt.NDArray[Any]]:
        watchers = np.diff(seen.tocsc().indptr)
        order = np.argsort(-watchers, kind="stable")[: self.config.max_titles]
        codes = np.sort(order[watchers[order] > 0])
        if len(codes) == 0:
            return {"codes": codes.astype(np.int32), "weights": np.zeros((0, 0), dtype=np.float32)}
        kept = seen[:, codes]
        dtype = _precision(kept, self.config.regularization)
        self.facts |= {"titles_with_weights": len(codes), "precision": dtype.name}
        with _enough_memory(len(codes), dtype), threadpool_limits(usable_cores(), user_api="blas"):
            weights = self._solve(kept, dtype)
        discount = (watchers[codes] ** self.config.discount).astype(np.float32)
        arrays = {"codes": codes.astype(np.int32)}
        if isinstance(weights, np.ndarray):
            weights /= discount
            return arrays | {"weights": weights}
        weights.data /= discount[weights.indices]
        return arrays | {"values": weights.data, "columns": weights.indices, "starts": weights.indptr}

    def _solve(self, seen: Any, dtype: np.dtype[Any]) -> Any:
        """Return the weights (n_titles, n_titles), dense or CSR, from a CSR matrix of the titles that get any."""
        return solve_weights(gram_matrix(seen, dtype), self.config.regularization)

    def _adopt(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        from scipy.sparse import csr_matrix

        super()._adopt(arrays)
        self._weights: Any = arrays.get("weights")
        if self._weights is None:
            n_titles = len(arrays["codes"])
            parts = arrays["values"], arrays["columns"], arrays["starts"]
            self._weights = csr_matrix(parts, shape=(n_titles, n_titles))

    def _scores_of(self, seen: Any) -> Scores:
        codes, popularity = self.arrays["codes"], self.arrays["popularity"]
        kept = seen[:, codes]
        known = to_dense(kept @ self._weights)  # (n_users, titles with weights)
        lowest = known.min(axis=1, initial=0.0, keepdims=True)
        scores: Scores = lowest - 1 + popularity  # popularity is at most 1, and that of a title without weights less
        scores[:, codes] = known
        scores[np.diff(kept.indptr) == 0] = popularity
        return scores

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        """Return each title's row of weights, how much it says for others; only positive ones count."""
        kept = self.arrays["codes"]
        place, inside = np.searchsorted(kept, codes), np.flatnonzero(np.isin(codes, kept))
        scores = np.full((len(codes), len(self.arrays["popularity"])), -np.inf, dtype=np.float32)
        weights = to_dense(self._weights[place[inside]])
        scores[np.ix_(inside, kept)] = np.where(weights > 0, weights, np.float32(-np.inf))
        return scores


def gram_matrix(seen: Any, dtype: np.dtype[Any]) -> Matrix:
    """Count the people who watched both of any two titles: X'X of a CSR matrix, dense (n_titles, n_titles)."""
    by_title = seen.T.tocsr()
    gram = np.empty((by_title.shape[0],) * 2, dtype=dtype)
    for start in range(0, len(gram), BLOCK):
        gram[start : start + BLOCK] = (by_title[start : start + BLOCK] @ seen).toarray()
    return gram


def solve_weights(gram: Matrix, regularization: float) -> npt.NDArray[np.float32]:
    """Return EASE's weights (n_titles, n_titles), float32, from a symmetric gram matrix, which is overwritten.

    Cholesky's factor and the inverse take the gram matrix's own memory.

    Raises ConfigError when rounding leaves the matrix without a Cholesky factor.
    """
    from scipy.linalg import get_lapack_funcs

    factorise, invert = get_lapack_funcs(("potrf", "potri"), (gram,))
    gram[np.diag_indices_from(gram)] += regularization
    factor, failed = factorise(gram.T, lower=True, overwrite_a=True, clean=False)  # gram.T: the order LAPACK wants
    if not failed:
        inverse, failed = invert(factor, lower=True, overwrite_c=True)
    if failed:
        raise ConfigError(
            f"With regularization={regularization:g} the regression has no stable solution.", "Set a higher one."
        )
    weights = _mirror(inverse.T)
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32, copy=False)


def _mirror(upper: Matrix) -> Matrix:
    """Copy the upper triangle of a matrix onto its lower one, in place."""
    for start in range(0, len(upper), BLOCK):
        stop = start + BLOCK
        upper[stop:, start:stop] = upper[start:stop, stop:].T
        corner = upper[start:stop, start:stop]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
    return upper


def _precision(seen: Any, regularization: float) -> np.dtype[Any]:
    """Choose float32 unless X'X + rI is too ill-conditioned: its condition is at most its largest row sum / r + 1.

    The bound is generous. On 1,500 titles of MovieLens-1M with r = 3, it times float32's epsilon is .026, and float32
    still has weights within 1e-5 of those of float64.
    """
    row_sums = seen.T @ (seen @ np.ones(seen.shape[1]))
    condition = float(row_sums.max()) / regularization + 1
    return np.dtype(np.float32 if condition * np.finfo(np.float32).eps < 0.05 else np.float64)


@contextmanager
def _enough_memory(n_titles: int, dtype: np.dtype[Any]) -> Iterator[None]:
    """Refuse a regression that does not fit into memory, before it starts or when it turns out.

    The ConfigError names the number of titles that would do.
    """
    each = dtype.itemsize + (4 if dtype.itemsize > 4 else 0)  # float64 is rounded to float32 in the end
    needed, free = each * n_titles**2, available_memory()
    try:
        if free is not None and needed > free:
            raise MemoryError
        yield
    except MemoryError:
        room = needed / 2 if free is None or needed <= free else free
        fitting = int((room / each) ** 0.5)
        fitting = fitting // 1000 * 1000 or max(1, fitting)
        raise ConfigError(
            f"EASE needs {needed / GB:.1f} GB of memory for the weights between {n_titles:,} titles, and "
            + (f"{free / GB:.1f} GB are free." if room == free else "the system gave less."),
            f"Give weights to the most watched titles only: --set max_titles={fitting}.",
        ) from None
