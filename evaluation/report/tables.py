"""The rows of one data set side by side: which is best, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.certainty import TOLERANCE, Interval, bootstrap
from evaluation.contenders import Contender, read_contender
from evaluation.metrics import RANK_METRICS, Metric, parse_metric
from evaluation.protocol import HIDDEN, exceptions
from evaluation.recipes import RECIPES
from evaluation.result_files import file_stem, ranks_path, read_folder
from recsys.errors import InputError

LEADING = "ndcg@10"
"""The metric that rows are sorted by, and that the sentence is about."""
OURS = "lstm"
PAIRED = ("recall@10", LEADING, "recall@20")
"""The metrics whose best value is made bold where it is the best beyond doubt."""
_RULES = ("part", "n_users", "n_titles", "candidates", "seen", "ties", "targets", "request_times")


class Gap(NamedTuple):
    """Hold by how much one row is above another, with the 95 % interval of the difference."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        return self.low > TOLERANCE


@dataclass(frozen=True, eq=False)
class Entry:
    """Hold one row: its label, what its result file says, and its ranks where there are some."""

    label: str
    result: Mapping[str, Any]
    path: Path | None = None
    contender: Contender | None = None
    _computed: dict[str, Interval | None] = field(default_factory=dict)

    def metric(self, name: str) -> Interval | None:
        """Return a metric with its interval, from the file or else from the ranks; None where neither tells it."""
        found = self.result["metrics"].get(name)
        if found is not None:
            return Interval(found["value"], found["low"], found["high"])
        if name not in self._computed:
            self._computed[name] = self._compute(parse_metric(name))
        return self._computed[name]

    def _compute(self, metric: Metric) -> Interval | None:
        if self.contender is None or metric.name not in RANK_METRICS or metric.k is None:
            return None
        depth = self.contender.depth
        if depth is not None and metric.k > depth:  # lists that ended there do not tell what came after
            return None
        return bootstrap(self.values([metric]))[0]

    def sd(self, name: str) -> float | None:
        """Return a metric's standard deviation between the seeds of training; None for a single one."""
        values = self.result.get("seed_values", {}).get(name, [])
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def values(self, metrics: Sequence[Metric]) -> npt.NDArray[np.float64]:
        """Compute metrics from the ranks, the mean over the seeds, shape (n_users, n_metrics)."""
        assert self.contender is not None, "asked of rows with ranks only"
        means: npt.NDArray[np.float64] = self.contender.values(metrics).mean(axis=0)
        return means

    @property
    def users_per_second(self) -> float | None:
        """Return how many people's top 10 the model lists in a second."""
        seconds = self.result.get("serve_seconds")
        return None if seconds is None else float(self.result["protocol"]["n_users"]) / max(float(seconds), 0.001)


@dataclass(frozen=True, eq=False)
class ResultTable:
    """Hold the rows of one data set, the best first; all were judged by the same rules on the same test set."""

    data: str
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        titles = [entry.result.get("data_title") for entry in self.entries]
        return str(next(filter(None, titles), self.data))

    @property
    def question(self) -> str:
        recipe = RECIPES.get(self.data)
        return recipe.question if recipe and recipe.title == self.title else ""  # not of other data of that name

    @property
    def protocol(self) -> Mapping[str, Any]:
        return dict(self.entries[0].result["protocol"])

    @property
    def sha256(self) -> str:
        return str(self.entries[0].result["split_sha256"])

    @property
    def about(self) -> str:
        """Say in a line how the rows were judged."""
        rules = self.protocol
        ranked = f"{rules['n_titles']:,} titles ranked"
        if rules.get("candidates", "all titles") != "all titles":
            ranked += f" ({rules['candidates']})"
        ranked += exceptions(rules)
        return f"{rules['n_users']:,} {rules['part']} users, {ranked}, {rules['split']}, test set `{self.sha256[:12]}`"

    @property
    def ranked(self) -> list[Entry]:
        """List the rows with ranks, from which any accuracy metric can be computed again."""
        return [entry for entry in self.entries if entry.contender is not None]

    def best(self, metric: str) -> Entry | None:
        """Return the row with the highest mean; it need not be better than the next beyond doubt."""
        entries = [entry for entry in self.entries if entry.metric(metric) is not None]
        return max(entries, key=lambda entry: _value(entry, metric), default=None)

    def winner(self, metric: str) -> str | None:
        """Return the row that is better than every other beyond doubt; None where none is, and for a single row."""
        best = self.best(metric)
        if best is None or metric not in PAIRED:
            return None
        gaps = [gap for (name, above, _), gap in self.gaps.items() if (name, above) == (metric, best.label)]
        return best.label if gaps and all(gap.clear for gap in gaps) else None

    @cached_property
    def gaps(self) -> dict[tuple[str, str, str], Gap]:
        """Compare, in each metric, the best row and ours with every other: (metric, one, other) -> one - other.

        Rows with ranks are compared user by user (paired bootstrap). For others the bounds come from the two separate
        intervals, which are never narrower: the deviation of a difference is at most the sum of the two.
        """
        wanted = []
        for metric in PAIRED:
            best = self.best(metric)
            entries = [entry for entry in self.entries if entry.metric(metric) is not None]
            references = {entry.label: entry for entry in entries if entry is best or entry.label == OURS}
            wanted += [(metric, one, other) for one in references.values() for other in entries if other is not one]
        paired = [(metric, a, b) for metric, a, b in wanted if a.contender is not None and b.contender is not None]
        found = {(metric, a.label, b.label): _separate_gap(metric, a, b) for metric, a, b in wanted}
        if paired:
            metrics = [parse_metric(name) for name in PAIRED]
            tables = {entry.label: entry.values(metrics) for entry in self.ranked}
            columns = [(tables[a.label] - tables[b.label])[:, PAIRED.index(metric)] for metric, a, b in paired]
            for (metric, a, b), interval in zip(paired, bootstrap(np.stack(columns, axis=1)), strict=True):
                assert interval.low is not None
                assert interval.high is not None
                found[metric, a.label, b.label] = Gap(interval.value, interval.low, interval.high)
        return found


def read_tables(folder: str | Path, data: Sequence[str] = ()) -> list[ResultTable]:
    """Read the result files of a folder, with the ranks beside them; only those of some data sets where they are named.

    Raises InputError for a folder without results, an unknown data set, and rows that cannot stand in one table.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "it is a file" if folder.exists() else "it does not exist"
        raise InputError(f"{folder} is not a folder of results: {what}.", "Make one with `recsys evaluate`.")
    tables = make_tables(read_folder(folder))
    if not tables:
        raise InputError(
            f"{folder} holds no result files (DATA--MODEL.json).",
            "Give the folder that `recsys evaluate --out` or `python -m evaluation.run --out` wrote.",
        )
    known = [table.data for table in tables]
    for name in data:
        if name not in known:
            raise InputError(f"There are no results of '{name}' in {folder}.", f"There: {', '.join(known)}.")
    return [table for table in tables if not data or table.data in data]


def make_tables(results: Iterable[tuple[Mapping[str, Any], Path | None]]) -> list[ResultTable]:
    """Group results with their paths by data set: the published ones first, then by name.

    Raises InputError where rows of one data set were judged on different test sets or by different rules.
    """
    by_data: dict[str, list[tuple[Mapping[str, Any], Path | None]]] = {}
    for result, path in results:
        by_data.setdefault(str(result["data"]), []).append((result, path))
    order = [*(name for name in RECIPES if name in by_data), *(name for name in sorted(by_data) if name not in RECIPES)]
    return [_make_table(name, by_data[name]) for name in order]


def _make_table(data: str, rows: Sequence[tuple[Mapping[str, Any], Path | None]]) -> ResultTable:
    _refuse_mixture(data, [result for result, _ in rows])
    models = [str(result["model"]) for result, _ in rows]
    entries = []
    for (result, path), model in zip(rows, models, strict=True):
        label = model if models.count(model) == 1 or path is None else path.stem
        contender = read_contender(path, label) if path is not None and ranks_path(path).is_file() else None
        entries.append(Entry(label, result, path, contender))
    entries.sort(key=lambda entry: (-_value(entry, LEADING), entry.label))
    return ResultTable(data, tuple(entries))


def _refuse_mixture(data: str, results: Sequence[Mapping[str, Any]]) -> None:
    hashes = sorted({str(result["split_sha256"]) for result in results})
    if len(hashes) > 1:
        examples = [next(r["model"] for r in results if str(r["split_sha256"]) == one) for one in hashes]
        shown = ", ".join(f"{one[:12]}… ({model})" for one, model in zip(hashes, examples, strict=True))
        raise InputError(
            f"The results of {data} were judged on {len(hashes)} different test sets and cannot stand in one table: "
            f"{shown}.",
            "Run the older ones again.",
        )
    usual = {"candidates": "all titles", "seen": "excluded", "request_times": HIDDEN}
    rules = [usual | dict(result["protocol"]) for result in results]
    for rule in rules:  # as version 0.1 wrote it
        rule["ties"] = str(rule.get("ties", "behind")).replace("a tied target ranks behind", "behind")
    for name in _RULES:
        found = sorted({str(rule.get(name)) for rule in rules})
        if len(found) > 1:
            raise InputError(
                f"The results of {data} differ in {name} ({', '.join(found)}) and cannot stand in one table.",
                "Judge all of them by the same rules.",
            )


def _value(entry: Entry, metric: str) -> float:
    found = entry.metric(metric)
    return -1.0 if found is None else found.value


def _separate_gap(metric: str, a: Entry, b: Entry) -> Gap:
    one, other = a.metric(metric), b.metric(metric)
    assert one is not None
    assert other is not None
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Gap(one.value - other.value, -np.inf, np.inf)
    return Gap(one.value - other.value, one.low - other.high, one.high - other.low)


def file_name(entry: Entry) -> str:
    """Name the row's result file."""
    if entry.path is not None:
        return entry.path.name
    return f"{file_stem(str(entry.result['data']))}--{file_stem(str(entry.result['model']))}.json"
