"""Where results on newcomers lie, and the picture that is drawn of them: one a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.certainty import Interval
from evaluation.newcomers.recall import interval_of
from evaluation.newcomers.titles import BINS
from evaluation.plots import Slice, newcomers_figure, save_figure
from evaluation.result_files import FOLDER as PUBLISHED
from evaluation.result_files import file_stem, read_result
from recsys.errors import InputError

FOLDER = PUBLISHED / "newcomers"
TITLES, PEOPLE = "titles", "people"
METRIC = "recall@10"

Rows = dict[str, dict[str, Any]]
"""The results of one data set by model."""


def read_newcomers(part: str, folder: str | Path = FOLDER) -> dict[str, Rows]:
    """Read the results of a part ("titles" or "people") by data set and model.

    Raises InputError where the rows of a data set were judged on different test sets.
    """
    found: dict[str, Rows] = {}
    for path in sorted((Path(folder) / part).glob("*--*.json")):
        result = read_result(path)
        rows = found.setdefault(str(result["data"]), {})
        rows[str(result["model"])] = result
        first = next(iter(rows.values()))
        if result["split_sha256"] != first["split_sha256"] or result["protocol"] != first["protocol"]:
            raise InputError(
                f"{path} was judged by other rules or on another test set than {first['model']}.",
                f"Run it again: {result['command']}",
            )
    return found


def draw(data: str, folder: str | Path = FOLDER) -> Path | None:
    """Write the picture of a data set, or nothing where it has no results."""
    titles, people = (read_newcomers(part, folder).get(data, {}) for part in (TITLES, PEOPLE))
    some = next(iter([*people.values(), *titles.values()]), None)
    if some is None:
        return None
    known = [int(n) for n in next(iter(people.values()))["metrics"]] if people else []
    names = [one.name for one in BINS]
    bins = []
    if titles:
        metrics = next(iter(titles.values()))["metrics"]
        names = [name for name in names if metrics[name]["n_targets"]]
        bins = [Slice(name, metrics[name]["n_targets"]) for name in names]
    n_people = next(iter(people.values()))["protocol"]["n_users"] if people else 0
    figure = newcomers_figure(
        known,
        {model: _intervals(result, map(str, known)) for model, result in people.items()},
        bins,
        {model: _intervals(result, names) for model, result in titles.items()},
        title=f"New people and new titles on {some['data_title'] or data}",
        about=(f"above: {n_people:,} people whom no model has seen, always with the same target; " if people else "")
        + "thin lines: 95 % intervals",
    )
    return save_figure(figure, Path(folder) / f"{file_stem(data)}.png")


def _intervals(result: Mapping[str, Any], groups: Any) -> list[Interval]:
    found = [interval_of(result["metrics"][group], METRIC) for group in groups]
    return [one for one in found if one is not None]
