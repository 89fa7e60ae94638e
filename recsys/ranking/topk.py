"""Pick each row's best k, deterministically."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recsys.dataset.vocabulary import PADDING


class TopK(NamedTuple):
    """Hold ranked item codes and scores, best first, both (n_rows, k).

    Where a row has fewer than k candidates the rest is `PADDING` with score -inf; frames drop these places.
    """

    codes: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]


def top_k(scores: npt.NDArray[np.float32], k: int) -> TopK:
    """Return the k highest scores of each row; equal scores are ordered by code, -inf is no candidate.

    `scores` is (n_rows, n_codes). The order of ties makes the answer the same for one row or a million.

    >>> top_k(np.array([[-np.inf, 1.0, 3.0, 3.0]], dtype=np.float32), 2).codes.tolist()
    [[2, 3]]
    """
    n_codes = scores.shape[1]
    k = min(k, n_codes)
    if k < n_codes:
        codes = np.argpartition(scores, n_codes - k, axis=1)[:, n_codes - k :]
    else:
        codes = np.broadcast_to(np.arange(n_codes), scores.shape).copy()
    values = np.take_along_axis(scores, codes, axis=1)
    threshold = values.min(axis=1, keepdims=True)
    # a partition takes any of the tied at the border; the lowest codes must win
    cut_ties = (scores == threshold).sum(axis=1) > (values == threshold).sum(axis=1)
    for row in np.flatnonzero(cut_ties & (threshold[:, 0] > -np.inf)):
        better = np.flatnonzero(scores[row] > threshold[row])
        tied = np.flatnonzero(scores[row] == threshold[row])[: k - len(better)]
        codes[row] = np.concatenate([better, tied])
    values = np.take_along_axis(scores, codes, axis=1)
    order = np.lexsort((codes, -values), axis=1)
    codes = np.take_along_axis(codes, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    return TopK(np.where(values > -np.inf, codes, PADDING).astype(np.int32), values.astype(np.float32, copy=False))
