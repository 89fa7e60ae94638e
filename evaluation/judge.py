"""Judge a model: full ranking of all titles, metrics with intervals, and a guard against leaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.certainty import Interval, bootstrap
from evaluation.metrics import LIST_METRICS, Metric, compute, metrics_at
from evaluation.ranks import BATCH, Ranks, Scorer, rank_holdout
from recsys.dataset.split import Holdout, Split
from recsys.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """Describe how a model was judged; saved with every result."""

    split: str
    part: str
    n_users: int
    n_titles: int
    candidates: str = "all titles"
    seen: str = "excluded"
    ties: str = "a tied target ranks behind"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Hold what came out: values with intervals, and per user what they are means of.

    `per_user` maps a metric to (n_users,) values in the order of the holdout; list metrics have no value a user.
    """

    model: str
    protocol: Protocol
    split_sha256: str | None
    metrics: dict[str, Interval]
    per_user: dict[str, npt.NDArray[np.float64]]
    ranks: Ranks

    def frame(self) -> pl.DataFrame:
        """Return the table `metric, value, low, high`."""
        rows = [(name, *interval) for name, interval in self.metrics.items()]
        return pl.DataFrame(rows, schema=["metric", "value", "low", "high"], orient="row", strict=False)

    def metrics_mapping(self) -> dict[str, dict[str, float | None]]:
        """Return plain names and numbers, ready for JSON."""
        return {name: interval._asdict() for name, interval in self.metrics.items()}

    def protocol_mapping(self) -> dict[str, Any]:
        """Return the protocol ready for JSON."""
        return asdict(self.protocol)

    def curve(self, metric: str = "recall", depth: int = 50, *, seed: int = 0) -> list[Interval]:
        """Return an accuracy metric at every cutoff from 1 to `depth`."""
        values = [compute(Metric(metric, k), self.ranks) for k in range(1, depth + 1)]
        return bootstrap(np.stack(values, axis=1), seed=seed)


def evaluate(
    model: Scorer,
    split: Split | Holdout,
    metrics: Iterable[str] | None = None,
    *,
    cutoffs: Sequence[int] = (5, 10, 20),
    part: str = "test",
    seed: int = 0,
    batch_size: int = BATCH,
    progress: bool = False,
) -> Evaluation:
    """Rank all titles for every held-out user and compute the metrics with bootstrap 95 % intervals.

    `metrics` are texts such as "ndcg@10"; a name without a cutoff is computed at all `cutoffs`; None computes recall,
    ndcg, hit_rate, mrr and coverage. Titles in a user's input history are not ranked, tied ones go before the target,
    no mood is given. `part` picks a split's "test" or "validation"; a bare `Holdout` is judged as it is. The seed is
    that of the intervals.

    Raises InputError for an unknown metric, NaN scores, and a model that was fitted on what it is to predict.
    """
    chosen = metrics_at(cutoffs=cutoffs) if metrics is None else metrics_at(metrics, cutoffs)
    if not chosen:
        raise InputError("At least one metric is needed, got none.", "For example: recall@10.")
    protocol, sha256 = ("given", None) if isinstance(split, Holdout) else (split.protocol, split.sha256)
    holdout = split if isinstance(split, Holdout) else part_of(split, part)
    refuse_leak(model, split)
    depth = max([metric.k or 0 for metric in chosen if metric.name in LIST_METRICS], default=0)
    ranked = rank_holdout(model, holdout, depth=depth, batch_size=batch_size, progress=progress)
    per_user = {str(metric): compute(metric, ranked.ranks) for metric in chosen if metric.name not in LIST_METRICS}
    means = bootstrap(np.stack(list(per_user.values()), axis=1), seed=seed) if per_user else []
    values = dict(zip(per_user, means, strict=True))
    for metric in chosen:
        if metric.name in LIST_METRICS:  # drawing users again would only ever lower a coverage: no interval
            value = LIST_METRICS[metric.name](ranked.lists, metric.k or depth, ranked.n_titles)
            values[str(metric)] = Interval(value, None, None)
    return Evaluation(
        model=str(getattr(model, "name", type(model).__name__)),
        protocol=Protocol(protocol, part, holdout.n_users, ranked.n_titles),
        split_sha256=sha256,
        metrics={str(metric): values[str(metric)] for metric in chosen},
        per_user=per_user,
        ranks=ranked.ranks,
    )


def part_of(split: Split, part: str) -> Holdout:
    """Return a split's held-out part by its name."""
    if part not in ("test", "validation"):
        raise InputError(f"A part must be test or validation, got '{part}'.", "Use test to report a result.")
    return split.test if part == "test" else split.validation


def refuse_leak(model: object, split: Split | Holdout) -> None:
    """Refuse a model whose facts say that it has learned from the events that it would be judged on.

    What a model does not tell cannot be checked: an object without `facts` passes.
    """
    facts = getattr(model, "facts", None) or {}
    if not facts:
        return
    if facts.get("test_sha256") is None:
        raise InputError(
            f"This model was fitted on {facts.get('fitted_on', 'unknown data')}, so it has seen the answers that it "
            "would be judged by.",
            "Judge a model that was fitted on the training part of the same split; ship the one fitted on everything.",
        )
    if isinstance(split, Split) and facts["test_sha256"] != split.sha256:
        raise InputError(
            f"This model was fitted for another test set ({facts['test_sha256'][:12]}… instead of "
            f"{split.sha256[:12]}…), so it may have seen the answers that it would be judged by.",
            "Fit it on this data and with this split's seed, or evaluate it on the data that it was fitted on.",
        )
