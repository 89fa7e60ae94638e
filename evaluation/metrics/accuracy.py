"""Accuracy: what the 1-based ranks of each user's held-out titles in the full ranking are worth, one value a user.

With one target a user, as in leave-one-out, recall@k and hit_rate@k are the same number, and so are map@k and mrr@k.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.ranks import Ranks

PerUser = npt.NDArray[np.float64]


def recall(ranks: Ranks, k: int) -> PerUser:
    """Compute the share of the user's targets among the first k: |targets in top k| / |targets|.

    Source: Manning, Raghavan, Schütze, Introduction to Information Retrieval (2008), section 8.3.
    """
    return _hits(ranks, k) / ranks.n_targets


def precision(ranks: Ranks, k: int) -> PerUser:
    """Compute the share of the first k that are targets: |targets in top k| / k.

    Source: Manning, Raghavan, Schütze (2008), section 8.4; k stays the denominator when a list is shorter.
    """
    return _hits(ranks, k) / k


def hit_rate(ranks: Ranks, k: int) -> PerUser:
    """Say whether any target is among the first k: 1 or 0.

    Source: Deshpande, Karypis, Item-based top-N recommendation algorithms, TOIS 22 (2004), equation 9.
    """
    return (ranks.best <= k).astype(np.float64)


def ndcg(ranks: Ranks, k: int) -> PerUser:
    """Compute the normalised discounted cumulative gain of binary relevance.

    DCG@k = sum over targets of rank r <= k of 1 / log2(r + 1), divided by the DCG of the ideal list, which has
    min(|targets|, k) targets first. Source: Järvelin, Kekäläinen, TOIS 20 (2002), with log base 2.
    """
    inside = ranks.values <= k
    gains = np.where(inside, 1 / np.log2(np.where(inside, ranks.values, 1) + 1), 0.0)
    ideal = np.cumsum(1 / np.log2(np.arange(2, min(k, int(ranks.n_targets.max())) + 2)))
    values: PerUser = _sum_per_user(ranks, gains) / ideal[np.minimum(ranks.n_targets, k) - 1]
    return values


def mrr(ranks: Ranks, k: int | None = None) -> PerUser:
    """Compute the reciprocal rank of the best-placed target: 1 / r, and 0 beyond k where a k is given.

    Source: Voorhees, The TREC-8 Question Answering Track Report (1999).
    """
    reciprocal = 1 / ranks.best
    return reciprocal if k is None else np.where(ranks.best <= k, reciprocal, 0.0)


def average_precision(ranks: Ranks, k: int) -> PerUser:
    """Compute the average precision at k; its mean over users is MAP@k.

    AP@k = 1 / min(|targets|, k) * sum over targets of rank r <= k of (targets ranked at r or better) / r. With the
    lesser of |targets| and k below, a list of nothing but targets is worth 1 at every k; `trec_eval` divides by
    |targets|. Source: McFee, Bertin-Mahieux, Ellis, Lanckriet, The Million Song Dataset Challenge, WWW 2012 companion,
    section 3.
    """
    place = np.arange(len(ranks.values)) - np.repeat(ranks.offsets[:-1], ranks.n_targets) + 1
    precisions = np.where(ranks.values <= k, place / ranks.values, 0.0)
    values: PerUser = _sum_per_user(ranks, precisions) / np.minimum(ranks.n_targets, k)
    return values


def _hits(ranks: Ranks, k: int) -> PerUser:
    return _sum_per_user(ranks, (ranks.values <= k).astype(np.float64))


def _sum_per_user(ranks: Ranks, values: PerUser) -> PerUser:
    return np.bincount(ranks.users, weights=values, minlength=ranks.n_users).astype(np.float64, copy=False)
