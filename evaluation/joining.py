"""Join further seeds to a result that has been written: long trainings are judged one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evaluation.certainty import Interval
from evaluation.contenders import Contender, read_contender
from evaluation.judge import Evaluation, mean_over_seeds
from evaluation.metrics import RANK_METRICS, Metric, compute, parse_metric
from evaluation.protocol import Protocol
from evaluation.result_files import read_ranks
from evaluation.rows import Row
from recsys.errors import InputError
from recsys.models import model_class


def read_earlier(
    path: Path, row: Row, settings: Mapping[str, Any], split_sha256: str | None, metrics: Sequence[str]
) -> Contender:
    """Read the result that the row's seeds are to be joined to, and check that it is of the same row.

    `settings` are those of a model of this run, `metrics` what it is judged by. Raises InputError where there is no
    such result, and where its test set, settings or metrics are others or it holds one of the seeds.
    """
    if not path.is_file():
        raise InputError(f"There is no {path} to join seeds to.", "Judge the first seeds without --join.")
    earlier = read_contender(path)
    if earlier.result["split_sha256"] != split_sha256:
        raise InputError(f"{path} was judged on another test set.", "Judge all seeds again, without --join.")
    known = model_class(row.model).Config.from_mapping(earlier.result["config"]).to_mapping()  # newer settings, too
    other = [name for name, value in settings.items() if name != "seed" and value != known[name]]
    if other:
        raise InputError(
            f"{path} has other settings than these seeds ({', '.join(other)}).",
            "Judge all seeds again, without --join.",
        )
    if set(metrics) != set(earlier.result["metrics"]):
        differ = sorted(set(metrics) ^ set(earlier.result["metrics"]))
        raise InputError(f"{path} has other metrics ({', '.join(differ)}).", "Judge all seeds again, without --join.")
    if twice := sorted(set(row.seeds) & set(earlier.result["seeds"])):
        raise InputError(
            f"{path} holds seed {', '.join(map(str, twice))} already.", "Name the new seeds alone: --seeds 7."
        )
    if set(earlier.ranks) != set(earlier.result["seeds"]):
        raise InputError(f"The ranks beside {path} are of other seeds.", "Judge all seeds again, without --join.")
    earlier.values(_of_ranks(earlier))  # refuses ranks that are not those of the result
    return earlier


def _of_ranks(earlier: Contender) -> list[Metric]:
    """List the metrics of a result that its ranks give again."""
    return [metric for metric in map(parse_metric, earlier.result["metrics"]) if metric.name in RANK_METRICS]


def earlier_evaluations(earlier: Contender) -> dict[int, Evaluation]:
    """Make the evaluation of each seed again from what a result keeps.

    Values of single people are known where ranks give them; metrics of lists have their means, and so no interval.
    """
    result = earlier.result
    of_ranks = _of_ranks(earlier)
    frame = read_ranks(earlier.path).sort("seed", "user", "rank", maintain_order=True)
    found = {}
    for place, seed in enumerate(result["seeds"]):
        ranks = earlier.ranks[seed]
        rows = frame.filter(pl.col("seed") == seed)
        means = {name: values[place] for name, values in result["seed_values"].items()} or {
            name: value["value"] for name, value in result["metrics"].items()
        }
        found[int(seed)] = Evaluation(
            model=result["model"],
            protocol=Protocol(**result["protocol"]),
            split_sha256=result["split_sha256"],
            metrics={name: Interval(mean, None, None) for name, mean in means.items()},
            per_user={str(metric): compute(metric, ranks) for metric in of_ranks},
            ranks=ranks,
            history=rows["history"].to_numpy()[ranks.offsets[:-1]].astype(np.int64),
            watchers=None if rows["watchers"].has_nulls() else rows["watchers"].to_numpy().astype(np.int64),
        )
    return found


def join_seeds(
    earlier: Contender, result: Mapping[str, Any], evaluations: Mapping[int, Evaluation]
) -> tuple[dict[str, Any], dict[int, Evaluation]]:
    """Return the result of all seeds, the earlier ones' and those of this `result`, and the evaluation of each.

    Curve and settings are those of the lowest seed, seconds means, memory the highest peak; both commits are named,
    and both versions of a package where they differ.
    """
    old = earlier.result
    together = dict(sorted((earlier_evaluations(earlier) | dict(evaluations)).items()))
    first = old if min(together) in old["seeds"] else result
    n_old, n_new = len(old["seeds"]), len(evaluations)

    def mean(name: str) -> float | None:
        unknown = old[name] is None or result[name] is None
        return None if unknown else round((old[name] * n_old + result[name] * n_new) / (n_old + n_new), 3)

    def both(before: Any, now: Any) -> str:
        return ", ".join(dict.fromkeys([*str(before).split(", "), str(now)]))

    peaks = [one["peak_memory_mb"] for one in (old, result)]
    mean_of_all = mean_over_seeds(list(together.values()))
    joined = dict(result) | {
        "config": first["config"],
        "seeds": list(together),
        "commit": both(old["commit"], result["commit"]),
        "versions": {name: both(old["versions"].get(name, now), now) for name, now in result["versions"].items()},
        "train_seconds": mean("train_seconds"),
        "serve_seconds": mean("serve_seconds"),
        "peak_memory_mb": None if None in peaks else max(peaks),
        "metrics": mean_of_all.metrics_mapping(),
        "seed_values": {name: [one.metrics[name].value for one in together.values()] for name in mean_of_all.metrics},
        "training": first["training"],
    }
    return joined, together
