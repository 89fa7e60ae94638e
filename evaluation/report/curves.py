"""What pictures are drawn of, computed from the ranks: recall at every k, and recall in groups of users."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from evaluation.certainty import Interval, bootstrap
from evaluation.metrics import Metric
from evaluation.plots import Slice
from evaluation.report.tables import Entry, ResultTable
from evaluation.result_files import read_ranks

DEPTH = 20
N_SLICES = 5
SLICED = Metric("recall", 10)

Column = Literal["history", "watchers"]


def recall_curves(table: ResultTable, depth: int = DEPTH) -> dict[str, list[Interval]]:
    """Return recall@1 to recall@depth with intervals for each row that has ranks; all share the draws of users."""
    if not table.ranked:
        return {}
    metrics = [Metric("recall", k) for k in range(1, depth + 1)]
    values = np.concatenate([entry.values(metrics) for entry in table.ranked], axis=1)
    found = bootstrap(values)
    return {entry.label: found[place * depth : (place + 1) * depth] for place, entry in enumerate(table.ranked)}


def recall_slices(
    table: ResultTable, column: Column, n_slices: int = N_SLICES
) -> tuple[list[Slice], dict[str, list[Interval]]]:
    """Return recall@10 with intervals in groups of about as many users each, cut by a column of the ranks files.

    Both are empty where no row has ranks, the column is unknown (the watchers of a target, for users with several), or
    all users have one value.
    """
    if not table.ranked:
        return [], {}
    values = _per_user(table.ranked[0], column)
    if values is None:
        return [], {}
    groups = cut(values, n_slices)
    if len(groups) < 2:
        return [], {}
    recalls = np.concatenate([entry.values([SLICED]) for entry in table.ranked], axis=1)  # (users, rows)
    columns = [bootstrap(recalls[group]) for group in groups]
    slices = [Slice(_span(values[group]), int(group.sum())) for group in groups]
    return slices, {entry.label: [column[place] for column in columns] for place, entry in enumerate(table.ranked)}


def cut(values: npt.NDArray[np.int64], n_slices: int) -> list[npt.NDArray[np.bool_]]:
    """Cut whole numbers at their quantiles; equal ones stay together, so there may be fewer slices than asked for.

    >>> [group.tolist() for group in cut(np.array([1, 1, 1, 5, 9]), 2)]
    [[True, True, True, False, False], [False, False, False, True, True]]
    """
    edges = np.unique(np.quantile(values, np.arange(1, n_slices) / n_slices, method="inverted_cdf"))
    place = np.searchsorted(edges, values, side="left")
    return [place == one for one in np.unique(place)]


def _per_user(entry: Entry, column: Column) -> npt.NDArray[np.int64] | None:
    """Return a column's value for each user; None where any is unknown."""
    assert entry.path is not None, "rows with ranks come from files"
    frame = read_ranks(entry.path).unique("user", keep="first").sort("user")
    if frame[column].null_count():
        return None
    return frame[column].to_numpy().astype(np.int64)


def _span(values: npt.NDArray[np.int64]) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"
