"""Bring the scores of different models to one scale, user by user, without changing any user's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import FIRST
from recsys.models.base import Scores
from recsys.models.composite.recommender import RANK_CONSTANT


@dataclass(frozen=True, eq=False)
class Seen:
    """Point at the titles that are no candidates: those in the users' histories.

    Shapes: `rows, codes (n_seen,)`, each pair once, `counts (n_users,)` titles a user.
    """

    rows: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, histories: Histories, n_codes: int) -> Self:
        pairs = np.unique(histories.rows * n_codes + histories.items)
        rows, codes = np.divmod(pairs, n_codes)
        known = codes >= FIRST
        rows, codes = rows[known], codes[known]
        return cls(rows, codes, np.bincount(rows, minlength=histories.n_users))


def z_score(scores: Scores, seen: Seen, sharpness: float) -> Scores:
    """Give each user's candidates mean 0 and variance 1; changes `scores` (n_users, n_codes).

    Source: Montague, Aslam, Relevance score normalization for metasearch, CIKM 2001 (ZMUV).
    """
    titles = scores[:, FIRST:]
    n = np.maximum(titles.shape[1] - seen.counts, 1)
    hidden = scores[seen.rows, seen.codes]
    scores[seen.rows, seen.codes] = 0
    mean = (titles.sum(axis=1) / n).astype(np.float32)
    scores -= mean[:, None]
    scores[seen.rows, seen.codes] = 0
    deviation = np.sqrt(np.einsum("ij,ij->i", titles, titles) / n).astype(np.float32)
    deviation[deviation < 1e-12] = 1
    scores[seen.rows, seen.codes] = hidden - mean[seen.rows]
    scores /= deviation[:, None]
    return scores


def log_odds(scores: Scores, seen: Seen, sharpness: float) -> Scores:
    """Multiply by one number a model, its `sharpness`; changes `scores`.

    Up to a constant a user these are log-probabilities of a softmax, so that their weighted sum is a logarithmic
    opinion pool. Source: Genest, Zidek, Combining probability distributions, Statistical Science 1 (1986), equation 3.
    """
    scores *= np.float32(sharpness)
    return scores


def probability(scores: Scores, seen: Seen, sharpness: float) -> Scores:
    """Give each user's candidates the probabilities of a softmax; changes `scores`.

    The weighted sum is a linear opinion pool (Genest, Zidek 1986, section 2): the mixture of what the models expect.
    Seen titles are in its order too; above the best candidate they go on in a straight line, where exp might overflow.
    """
    scores *= np.float32(sharpness)
    titles = scores[:, FIRST:]
    hidden = scores[seen.rows, seen.codes]
    scores[seen.rows, seen.codes] = -np.inf
    top = titles.max(axis=1, keepdims=True, initial=np.finfo(np.float32).min)
    np.exp(titles - top, out=titles)
    total = titles.sum(axis=1, keepdims=True)
    above = hidden - top[seen.rows, 0]
    scores[seen.rows, seen.codes] = np.where(above > 0, 1 + above, np.exp(np.minimum(above, 0)))
    titles /= np.maximum(total, 1e-30)
    return scores


def reciprocal_rank(scores: Scores, seen: Seen, sharpness: float) -> Scores:
    """Return 61 / (60 + rank) among each user's candidates; a seen title is ranked right before the next one of them.

    Source: Cormack, Clarke, Büttcher, Reciprocal rank fusion outperforms Condorcet and individual rank learning
    methods, SIGIR 2009. Ties are ranked by code.
    """
    candidate = np.ones(scores.shape, dtype=np.int32)
    candidate[:, :FIRST] = 0
    candidate[seen.rows, seen.codes] = 0
    order = np.argsort(-scores, axis=1, kind="stable")
    sorted_candidates = np.take_along_axis(candidate, order, axis=1)
    ranks = np.cumsum(sorted_candidates, axis=1) - sorted_candidates + 1
    before = scores[seen.rows, seen.codes]
    np.put_along_axis(scores, order, ((RANK_CONSTANT + 1) / (RANK_CONSTANT + ranks)).astype(np.float32), axis=1)
    # seen titles between the same two candidates: the best of them half a rank before the next, then a third ...
    there = scores[seen.rows, seen.codes]
    order = np.lexsort((seen.codes, -before, -there, seen.rows))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(seen.rows[order]) != 0) | (np.diff(there[order]) != 0)
    place = np.arange(len(order))
    place -= np.maximum.accumulate(np.where(first, place, 0))
    ranks_seen = (RANK_CONSTANT + 1) / there[order] - 1 / (place + 2)
    scores[seen.rows[order], seen.codes[order]] = (RANK_CONSTANT + 1) / ranks_seen
    return scores


SCALES: dict[str, Callable[[Scores, Seen, float], Scores]] = {
    "z-score": z_score,
    "log-odds": log_odds,
    "probability": probability,
    "rank": reciprocal_rank,
}
"""How scores are made comparable: (scores (n_users, n_codes), seen titles, sharpness of the model)."""


def find_sharpness(scores: Scores, seen: Seen, targets: Histories) -> float:
    """Return the factor under which a softmax of the scores gives the targets the highest likelihood.

    This is temperature scaling. Source: Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks, ICML
    2017, section 4.2. `scores` (n_users, n_codes) are left as they are.
    """
    from scipy.optimize import minimize_scalar

    logits = scores[:, FIRST:].astype(np.float32)
    logits[seen.rows, seen.codes - FIRST] = -np.inf
    rows, codes = targets.rows, targets.items - FIRST
    logits[rows, codes] = scores[rows, targets.items]
    logits -= logits.max(axis=1, keepdims=True)
    wanted = logits[rows, codes]
    finite = logits[np.isfinite(logits)]
    spread = float(finite.std()) if len(finite) else 0.0
    if spread < 1e-12:
        return 1.0

    def loss(log_factor: float) -> float:
        factor = np.exp(log_factor) / spread
        partition = np.log(np.exp(logits * np.float32(factor)).sum(axis=1))
        return float((partition[rows] - wanted * factor).mean())

    found = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded", options={"xatol": 0.02})
    return float(np.exp(found.x) / spread)
