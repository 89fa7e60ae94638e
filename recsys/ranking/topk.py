"""Pick each row's best k, deterministically."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recsys.dataset.vocabulary import PADDING

LOWEST = np.finfo(np.float32).min
BLOCKS = 64
"""The fewest blocks whose maxima give the lower bound."""
BLOCKS_PER_PLACE = 8
"""Blocks for each of the k places: more bring the bound nearer to the k-th score, but are slower to search."""
CROWD = 4
"""So many scores for each of the k places that reach the bound are sorted; where more do, most of them are tied."""


class TopK(NamedTuple):
    """Hold ranked item codes and scores, best first, both (n_rows, k).

    Where a row has fewer than k candidates the rest is `PADDING` with score -inf; frames drop these places.
    """

    codes: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]


def top_k(scores: npt.NDArray[np.float32], k: int) -> TopK:
    """Return the k highest scores of each row; equal scores are ordered by code, -inf is no candidate.

    `scores` is (n_rows, n_codes). The order of ties makes the answer the same for one row or a million. Only what
    reaches a lower bound of the row's k-th score is sorted, which is several times faster than `np.argpartition` on
    every row, and of a crowd of ties at the bound only the first k.

    >>> top_k(np.array([[-np.inf, 1.0, 3.0, 3.0]], dtype=np.float32), 2).codes.tolist()
    [[2, 3]]
    """
    n_rows, n_codes = scores.shape
    k = min(k, n_codes)
    bound = _lower_bound(scores, k)  # (n_rows,)
    rows, codes = np.divmod(np.flatnonzero(_reaching(scores, bound, k)), n_codes)
    values = scores[rows, codes]
    order = np.lexsort((-values, rows))  # stable: equal scores stay in the order of their codes
    rows, codes, values = rows[order], codes[order], values[order]
    places = np.arange(len(rows)) - np.searchsorted(rows, np.arange(n_rows))[rows]
    best = places < k
    rows, places = rows[best], places[best]
    ranked = TopK(np.full((n_rows, k), PADDING, dtype=np.int32), np.full((n_rows, k), -np.inf, dtype=np.float32))
    ranked.codes[rows, places] = codes[best]
    ranked.scores[rows, places] = values[best]
    return ranked


def _lower_bound(scores: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.float32]:
    """Return (n_rows,): a finite value that at least k scores of the row reach, where the row has k candidates.

    The k-th highest of the maxima of disjoint blocks is such a value, close to the k-th highest score and quick to
    find when there are several blocks for each of the k places.
    """
    n_rows, n_codes = scores.shape
    n_blocks = max(BLOCKS, BLOCKS_PER_PLACE * k)
    size = n_codes // n_blocks
    if size > 1:
        scores = scores[:, : n_blocks * size].reshape(n_rows, size, n_blocks).max(axis=1)
    place = scores.shape[1] - k
    return np.maximum(np.partition(scores, place, axis=1)[:, place], LOWEST)


def _reaching(scores: npt.NDArray[np.float32], bound: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.bool_]:
    """Mark what may win a place, (n_rows, n_codes): all scores above the row's bound, and the first at the bound.

    Where a crowd is tied (a linear model gives 0 to most titles), only the first k of it can win.
    """
    reaching = scores >= bound[:, None]
    if np.count_nonzero(reaching) <= CROWD * k * len(scores):
        return reaching
    for row in np.flatnonzero(reaching.sum(axis=1) > CROWD * k):
        tied = np.flatnonzero(scores[row] == bound[row])
        reaching[row, tied[k:]] = False
    return reaching
