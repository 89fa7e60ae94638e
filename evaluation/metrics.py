"""Metrics: plain functions, one value a user, chosen by texts such as "ndcg@10".

Accuracy metrics take the 1-based ranks of each user's held-out titles in the full ranking; list metrics take the
recommended lists. With one target a user, as in leave-one-out, recall@k and hit_rate@k are the same number.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.ranks import Ranks
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError

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


def coverage(lists: npt.NDArray[np.integer], k: int, n_titles: int) -> float:
    """Compute the share of the catalogue that appears in at least one user's first k.

    `lists` is (n_users, at least k) of item codes, padded with 0. One number for all users, not one a user. Source:
    Ge, Delgado-Battenfeld, Jannach, Beyond accuracy, RecSys 2010 (catalogue coverage).
    """
    shown = np.unique(lists[:, :k])
    return float((shown >= FIRST).sum() / n_titles)


RANK_METRICS: dict[str, Callable[[Ranks, int], PerUser]] = {
    "recall": recall,
    "precision": precision,
    "hit_rate": hit_rate,
    "ndcg": ndcg,
    "mrr": mrr,
}
LIST_METRICS: dict[str, Callable[[npt.NDArray[np.integer], int, int], float]] = {"coverage": coverage}
WITHOUT_CUTOFF: dict[str, Callable[[Ranks], PerUser]] = {"mrr": mrr}
"""The metrics that also mean something over the whole ranking, so that "mrr" needs no "@k"."""

DEFAULT_CUTOFFS = (5, 10, 20)
DEFAULT_METRICS = ("recall", "ndcg", "hit_rate", "mrr", "coverage")


class Metric(NamedTuple):
    """Hold a metric's name and cutoff (None: the whole ranking)."""

    name: str
    k: int | None

    def __str__(self) -> str:
        return self.name if self.k is None else f"{self.name}@{self.k}"


def parse_metric(text: str) -> Metric:
    """Read a text such as "ndcg@10".

    >>> parse_metric("ndcg@10")
    Metric(name='ndcg', k=10)
    >>> parse_metric("Hit-Rate@5"), parse_metric("mrr")
    (Metric(name='hit_rate', k=5), Metric(name='mrr', k=None))
    """
    name, at, cutoff = text.strip().partition("@")
    name = name.strip().lower().replace("-", "_")
    known = [*RANK_METRICS, *LIST_METRICS]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        remedy = f"Did you mean '{close[0]}'? " if close else ""
        raise InputError(f"There is no metric '{name}' (in '{text}').", f"{remedy}Known: {', '.join(known)}.")
    if not at:
        if name not in WITHOUT_CUTOFF:
            raise InputError(f"'{name}' needs a cutoff.", f"For example '{name}@10'.")
        return Metric(name, None)
    return Metric(name, parse_cutoff(cutoff))


def parse_cutoffs(text: str) -> list[int]:
    """Read cutoffs such as "5,10,20".

    >>> parse_cutoffs("5, 10")
    [5, 10]
    """
    cutoffs = [parse_cutoff(part) for part in text.replace(",", " ").split()]
    if not cutoffs:
        raise InputError("At least one cutoff k is needed, got none.", "For example: --k 5,10,20.")
    return cutoffs


def parse_cutoff(text: str | int) -> int:
    """Read a cutoff k: a whole number of at least 1."""
    try:
        k = int(text)
    except ValueError:
        raise InputError(f"A cutoff k must be a whole number, got '{text}'.", "For example: --k 5,10,20.") from None
    if k < 1:
        raise InputError(f"A cutoff k must be at least 1, got {k}.", "For example: --k 5,10,20.")
    return k


def metrics_at(names: Iterable[str] = DEFAULT_METRICS, cutoffs: Sequence[int] = DEFAULT_CUTOFFS) -> list[Metric]:
    """Combine names without "@" with every cutoff; "ndcg@10" and "mrr" are taken as they are.

    >>> [str(metric) for metric in metrics_at(["recall", "mrr", "ndcg@7"], [5, 10])]
    ['recall@5', 'recall@10', 'mrr', 'ndcg@7']
    """
    texts = []
    for name in names:
        bare = "@" not in name and name.strip().lower() not in WITHOUT_CUTOFF
        texts += [f"{name}@{parse_cutoff(k)}" for k in cutoffs] if bare else [name]
    return list(dict.fromkeys(parse_metric(text) for text in texts))


def compute(metric: Metric, ranks: Ranks) -> PerUser:
    """Compute an accuracy metric's value for each user."""
    return WITHOUT_CUTOFF[metric.name](ranks) if metric.k is None else RANK_METRICS[metric.name](ranks, metric.k)


def _hits(ranks: Ranks, k: int) -> PerUser:
    return _sum_per_user(ranks, (ranks.values <= k).astype(np.float64))


def _sum_per_user(ranks: Ranks, values: PerUser) -> PerUser:
    return np.bincount(ranks.users, weights=values, minlength=ranks.n_users).astype(np.float64, copy=False)


USER_LIST_METRICS: dict = {}
CATALOGUE_METRICS = {"coverage": lambda lists, k: coverage(lists.codes, k, lists.n_titles)}
