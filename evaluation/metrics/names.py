"""Which metrics there are, and how a text such as "ndcg@10" names one.

A metric is one function and one line in a table here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from evaluation.lists import Lists, grounds, missing_ground
from evaluation.metrics.accuracy import PerUser, average_precision, hit_rate, mrr, ndcg, precision, recall
from evaluation.metrics.catalogue import coverage, gini
from evaluation.metrics.content import diversity, miscalibration, sequel_breaks
from evaluation.metrics.popularity import novelty, popularity, popularity_lift, serendipity
from evaluation.ranks import Ranks
from recsys.dataset.catalogue import Catalogue
from recsys.errors import InputError

RANK_METRICS: dict[str, Callable[[Ranks, int], PerUser]] = {
    "recall": recall,
    "precision": precision,
    "hit_rate": hit_rate,
    "ndcg": ndcg,
    "mrr": mrr,
    "map": average_precision,
}
"""Accuracy, one value a user, from the ranks of the targets."""
USER_LIST_METRICS: dict[str, Callable[[Lists, int], PerUser]] = {
    "novelty": novelty,
    "diversity": diversity,
    "popularity": popularity,
    "popularity_lift": popularity_lift,
    "serendipity": serendipity,
    "miscalibration": miscalibration,
    "sequel_breaks": sequel_breaks,
}
"""What else a list is worth, one value a user."""
CATALOGUE_METRICS: dict[str, Callable[[Lists, int], float]] = {"coverage": coverage, "gini": gini}
"""What all lists together do to the catalogue: one number."""
WITHOUT_CUTOFF: dict[str, Callable[[Ranks], PerUser]] = {"mrr": mrr}
"""The metrics that also mean something over the whole ranking, so that "mrr" needs no "@k"."""
NEEDS = {"diversity": "features", "miscalibration": "genres", "sequel_breaks": "prequels"}
"""What a metric must find in the `Lists`; data without it has no such metric."""

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
    known = [*RANK_METRICS, *USER_LIST_METRICS, *CATALOGUE_METRICS]
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


def metrics_at(names: Iterable[str] | str = DEFAULT_METRICS, cutoffs: Sequence[int] = DEFAULT_CUTOFFS) -> list[Metric]:
    """Combine names without "@" with every cutoff; "ndcg@10" and "mrr" are taken as they are.

    >>> [str(metric) for metric in metrics_at(["recall", "mrr", "ndcg@7"], [5, 10])]
    ['recall@5', 'recall@10', 'mrr', 'ndcg@7']
    """
    texts = []
    for name in [names] if isinstance(names, str) else names:
        bare = "@" not in name and name.strip().lower() not in WITHOUT_CUTOFF
        texts += [f"{name}@{parse_cutoff(k)}" for k in cutoffs] if bare else [name]
    return list(dict.fromkeys(parse_metric(text) for text in texts))


def compute(metric: Metric, ranks: Ranks) -> PerUser:
    """Compute an accuracy metric's value for each user."""
    return WITHOUT_CUTOFF[metric.name](ranks) if metric.k is None else RANK_METRICS[metric.name](ranks, metric.k)


def available(catalogue: Catalogue | None) -> list[str]:
    """Name the list metrics, one value a user or one for all, for which the catalogue has what they need."""
    found = grounds(catalogue)
    names = [*USER_LIST_METRICS, *CATALOGUE_METRICS]
    return [name for name in names if name not in NEEDS or found[NEEDS[name]] is not None]


def require_ground(metrics: Iterable[Metric], catalogue: Catalogue | None) -> None:
    """Refuse metrics that the catalogue has no ground for, before hours are spent on a model."""
    needed = [NEEDS[metric.name] for metric in metrics if metric.name in NEEDS]
    found = grounds(catalogue) if needed else {}
    for name in needed:
        if found[name] is None:
            raise missing_ground(name)
