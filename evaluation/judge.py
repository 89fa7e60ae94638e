"""Judge a model: full ranking of all titles, metrics with intervals, and a guard against leaks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.certainty import Interval, bootstrap
from evaluation.lists import Lists
from evaluation.metrics import (
    CATALOGUE_METRICS,
    RANK_METRICS,
    USER_LIST_METRICS,
    Metric,
    compute,
    metrics_at,
    require_ground,
)
from evaluation.protocol import Protocol, Rules, refuse_leak
from evaluation.ranks import BATCH, Ranks, Scorer, rank_holdout, ranks_from_lists
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout, Split
from recsys.errors import InputError
from recsys.models import load_model
from recsys.models.base import Recommender


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Hold what came out: values with intervals, and per user what they are means of.

    `per_user` maps a metric to (n_users,) values in the order of the holdout; catalogue-wide metrics (coverage, gini)
    have no value a user. `history (n_users,)` counts the events that the model was shown of each user, and `watchers
    (n_targets,)` the people in the training part who watched each target (None where a user has several targets).
    """

    model: str
    protocol: Protocol
    split_sha256: str | None
    metrics: dict[str, Interval]
    per_user: dict[str, npt.NDArray[np.float64]]
    ranks: Ranks
    history: npt.NDArray[np.int64]
    watchers: npt.NDArray[np.int64] | None
    other_ranks: tuple[Ranks, ...] = ()
    """Those of the other seeds, in a mean over seeds."""

    def frame(self) -> pl.DataFrame:
        """Return the table `metric, value, low, high`."""
        rows = [(name, *interval) for name, interval in self.metrics.items()]
        return pl.DataFrame(rows, schema=["metric", "value", "low", "high"], orient="row", strict=False)

    def metrics_mapping(self) -> dict[str, dict[str, float | None]]:
        """Return plain names and numbers, ready for JSON."""
        return {name: interval._asdict() for name, interval in self.metrics.items()}

    def curve(self, metric: str = "recall", depth: int = 50, *, seed: int = 0) -> list[Interval]:
        """Return an accuracy metric at every cutoff from 1 to `depth`, the mean over the seeds."""
        values = [
            np.stack([compute(Metric(metric, k), ranks) for k in range(1, depth + 1)], axis=1)
            for ranks in (self.ranks, *self.other_ranks)
        ]
        return bootstrap(np.mean(values, axis=0), seed=seed)


def evaluate(
    model: Scorer | str | Path,
    split: Split | Holdout,
    metrics: Iterable[str] | str | None = None,
    *,
    cutoffs: Sequence[int] = (5, 10, 20),
    part: str = "test",
    rules: Rules | None = None,
    catalogue: Catalogue | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: bool = False,
) -> Evaluation:
    """Rank all titles for every held-out user and compute the metrics with bootstrap 95 % intervals.

    A path loads its model. `metrics` are texts such as "ndcg@10"; a name without a cutoff is computed at all `cutoffs`;
    None computes recall, ndcg, hit_rate, mrr and coverage. Unless the `rules` say otherwise, all titles but those of a
    user's input history are ranked, and tied ones go before the target; a target that is no candidate counts as never
    recommended. No mood is given. `part` picks a split's "test" or "validation"; a bare `Holdout` is judged as it is.
    Genres and relations come from the `catalogue`, by default the model's own. The seed is that of the intervals.

    Raises InputError for an unknown metric, an empty part, a user without a history, NaN scores, and a model that was
    fitted on what it is to predict.
    """
    chosen = _chosen(metrics, cutoffs)
    rules = rules or Rules()
    model = load_model(model) if isinstance(model, str | Path) else model
    protocol, sha256 = ("given", None) if isinstance(split, Holdout) else (split.protocol, split.sha256)
    holdout = split if isinstance(split, Holdout) else part_of(split, part)
    _require_histories(holdout)
    refuse_leak(model, split, part)
    if rules.seen == "ranked" and not getattr(model, "ranks_seen", True):
        raise InputError("This model has learned to order unseen titles only.", "Judge it with seen titles excluded.")
    holdout = rules.targets_of(holdout)
    data = getattr(model, "data", None)
    catalogue = data.catalogue if catalogue is None and isinstance(data, Dataset) else catalogue
    require_ground(chosen, catalogue)
    depth = max([metric.k or 0 for metric in chosen if metric.name not in RANK_METRICS], default=0)
    ranked = rank_holdout(model, holdout, depth=depth, batch_size=batch_size, rules=rules, progress=progress)
    train = holdout.inputs if isinstance(split, Holdout) else split.train
    lists = Lists.of(ranked.lists, holdout, n_titles=ranked.n_titles, train=train, catalogue=catalogue)
    return _measure(
        chosen,
        ranked.ranks,
        lists,
        model=str(getattr(model, "name", type(model).__name__)),
        protocol=Protocol(
            protocol,
            part,
            holdout.n_users,
            ranked.n_titles,
            **rules.named(),  # type: ignore[arg-type]  # texts of the right kinds
        ),
        sha256=sha256,
        seed=seed,
    )


def evaluate_lists(
    codes: npt.NDArray[np.integer],
    split: Split,
    metrics: Iterable[str] | None = None,
    *,
    data: Dataset,
    model: str,
    cutoffs: Sequence[int] = (5, 10, 20),
    part: str = "test",
    seed: int = 0,
) -> Evaluation:
    """Judge ranked lists that were made elsewhere, by the same rules.

    `codes` is (n_users, depth) of item codes, best first, padded with 0; row i is for row i of the split's part. A
    target outside the list counts as never recommended, so no metric may look deeper than the lists go.

    Raises InputError for a wrong shape, unknown codes, a title twice in a list, and titles that the user has seen.
    """
    names = ["recall", "ndcg", "hit_rate", "coverage"] if metrics is None else metrics
    chosen = _chosen(names, cutoffs)
    holdout = part_of(split, part)
    _require_histories(holdout)
    depth = codes.shape[1] if codes.ndim == 2 else 0
    for metric in chosen:
        if metric.k is None or metric.k > depth:
            raise InputError(f"'{metric}' looks deeper than the lists go ({depth} titles).", "Give longer lists.")
    ranks = ranks_from_lists(codes, holdout, n_codes=data.n_codes)
    lists = Lists.of(
        codes.astype(np.int32), holdout, n_titles=len(data.items), train=split.train, catalogue=data.catalogue
    )
    protocol = Protocol(split.protocol, part, holdout.n_users, len(data.items))
    return _measure(chosen, ranks, lists, model=model, protocol=protocol, sha256=split.sha256, seed=seed)


def part_of(split: Split, part: str) -> Holdout:
    """Return a split's held-out part by its name."""
    if part not in ("test", "validation"):
        raise InputError(f"A part must be test or validation, got '{part}'.", "Use test to report a result.")
    return split.test if part == "test" else split.validation


def mean_over_seeds(evaluations: Sequence[Evaluation], *, seed: int = 0) -> Evaluation:
    """Average evaluations of one model under several seeds: per user first, so that intervals are over users.

    The ranks are the first seed's. A metric whose values of single users some seed lacks is averaged without an
    interval. Raises InputError when they were judged differently.
    """
    first = evaluations[0]
    if len(evaluations) == 1:
        return first
    if any((one.split_sha256, one.protocol) != (first.split_sha256, first.protocol) for one in evaluations):
        raise InputError("Seeds that are averaged must be judged on the same test set.", "Evaluate all of them again.")
    shared = [name for name in first.per_user if all(name in one.per_user for one in evaluations)]
    per_user = {name: np.mean([one.per_user[name] for one in evaluations], axis=0) for name in shared}
    return Evaluation(
        first.model,
        first.protocol,
        first.split_sha256,
        _intervals(
            list(first.metrics),
            per_user,
            {
                name: float(np.mean([one.metrics[name].value for one in evaluations]))
                for name in first.metrics
                if name not in per_user
            },
            seed,
        ),
        per_user,
        first.ranks,
        first.history,
        first.watchers,
        tuple(one.ranks for one in evaluations[1:]),
    )


def time_serving(model: Recommender, histories: Histories, k: int = 10) -> float:
    """Return the seconds that the top k of all these people take."""
    start = time.perf_counter()
    deque(model.top_k(histories, k), maxlen=0)
    return time.perf_counter() - start


def _chosen(metrics: Iterable[str] | str | None, cutoffs: Sequence[int]) -> list[Metric]:
    chosen = metrics_at(cutoffs=cutoffs) if metrics is None else metrics_at(metrics, cutoffs)
    if not chosen:
        raise InputError("At least one metric is needed, got none.", "For example: recall@10.")
    return chosen


def _require_histories(holdout: Holdout) -> None:
    empty = np.flatnonzero(holdout.inputs.lengths == 0)
    if len(empty):
        raise InputError(
            f"Every judged user must have a history to be served from; {len(empty)} of {holdout.n_users} have none "
            f"(first: row {empty[0]}).",
            "Leave them out, or split so that something of theirs comes before the target.",
        )


def _measure(
    chosen: Sequence[Metric],
    ranks: Ranks,
    lists: Lists,
    *,
    model: str,
    protocol: Protocol,
    sha256: str | None,
    seed: int,
) -> Evaluation:
    per_user: dict[str, npt.NDArray[np.float64]] = {}
    whole: dict[str, float] = {}
    for metric in chosen:
        if metric.name in RANK_METRICS:
            per_user[str(metric)] = compute(metric, ranks)
        elif metric.name in USER_LIST_METRICS:
            per_user[str(metric)] = USER_LIST_METRICS[metric.name](lists, _cutoff(metric))
        else:  # drawing users again would only ever lower a coverage: no interval
            whole[str(metric)] = CATALOGUE_METRICS[metric.name](lists, _cutoff(metric))
    single = lists.targets.n_events == lists.targets.n_users
    return Evaluation(
        model=model,
        protocol=protocol,
        split_sha256=sha256,
        metrics=_intervals([str(metric) for metric in chosen], per_user, whole, seed),
        per_user=per_user,
        ranks=ranks,
        history=lists.inputs.lengths,
        watchers=lists.watchers[lists.targets.items].astype(np.int64) if single else None,
    )


def _cutoff(metric: Metric) -> int:
    assert metric.k is not None, "only accuracy metrics go without a cutoff"
    return metric.k


def _intervals(
    names: Sequence[str], per_user: dict[str, Any], whole: dict[str, float], seed: int
) -> dict[str, Interval]:
    means = bootstrap(np.stack(list(per_user.values()), axis=1), seed=seed) if per_user else []
    values = dict(zip(per_user, means, strict=True))
    return {name: values[name] if name in values else Interval(whole[name], None, None) for name in names}
