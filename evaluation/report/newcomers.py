"""The table of new titles and new people, from their result files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.certainty import LEVEL, TOLERANCE, holm
from evaluation.newcomers.files import METRIC, PEOPLE, TITLES, Rows, read_newcomers
from evaluation.newcomers.recall import OVER, REFERENCE, interval_of
from evaluation.newcomers.titles import BINS, NEW, is_current
from evaluation.recipes import RECIPES
from evaluation.report.cells import EMPTY
from evaluation.report.markdown import escape, markdown_line
from evaluation.result_files import FOLDER, file_stem

NOTES = (
    f"{METRIC}; the targets of new people are the same in every column. Small numbers: 95 % Wilson intervals. "
    f"**Bold**: above {REFERENCE} beyond doubt, on the same targets: the paired bootstrap interval leaves out zero, "
    "and the exact sign test, corrected for the models of the column, agrees. (few): fewer than 30 targets, which say "
    "nothing for or against a model."
)
_Column = tuple[str, str]
"""The part that a column is of, and the group in it."""


def newcomers_markdown(folder: Path = FOLDER, *, link: str = "results/newcomers") -> str:
    """Render one table a data set: recall by the frequency of the target, and by how much is known of a new person.

    `folder` holds the published results, with those on newcomers in `newcomers/`; `link` is that one as the text's
    links must say it.
    """
    found = {part: read_newcomers(part, folder / "newcomers") for part in (TITLES, PEOPLE)}
    names = {name for part in found.values() for name in part}
    ordered = [*(name for name in RECIPES if name in names), *sorted(names - set(RECIPES))]
    tables = [
        _table(name, {part: rows.get(name, {}) for part, rows in found.items()}, folder, link) for name in ordered
    ]
    return "\n\n".join([*tables, NOTES]) if tables else "No results yet."


def _table(name: str, parts: Mapping[str, Rows], folder: Path, link: str) -> str:
    some = next(row for rows in parts.values() for row in rows.values())
    columns = [(part, group) for part, rows in parts.items() for group in _groups(part, rows)]
    bold = {column: _clear(parts[column[0]], column[1]) for column in columns}
    lines = [
        markdown_line(["model", *(_heading(parts, column) for column in columns)]),
        markdown_line(["---", *["---:"] * len(columns)]),
    ]
    for model in _best_first(parts):
        cells = [_cell(parts[part].get(model), group, bold=model in bold[part, group]) for part, group in columns]
        lines.append(markdown_line([_linked(name, model, parts, link), *cells]))
    body = f"<details><summary>All {len(lines) - 2} models</summary>\n\n" + "\n".join(lines) + "\n\n</details>"
    heading = f"**{some['data_title'] or name}** (`{name}`): {_about(name, parts, folder, link)}."
    return "\n\n".join(filter(None, [heading, body, _stale(name, parts[TITLES], folder)]))


def _about(name: str, parts: Mapping[str, Rows], folder: Path, link: str) -> str:
    """Say what the columns are, and where the picture is."""
    n_people = next((row["protocol"]["n_users"] for row in parts[PEOPLE].values()), 0)
    people = (
        f"{n_people:,} people whom no model has seen, known by so many titles before the target" if n_people else ""
    )
    titles = "targets by their training events" if parts[TITLES] else ""
    file = f"{file_stem(name)}.png"
    picture = f" ([picture]({link}/{file}))" if (folder / "newcomers" / file).is_file() else ""
    return "; ".join(filter(None, [titles, people])) + picture


def _groups(part: str, rows: Rows) -> list[str]:
    """List the groups that have targets: the rarest titles first, the least known people first."""
    if not rows:
        return []
    metrics = next(iter(rows.values()))["metrics"]
    names = [NEW.name, *(one.name for one in BINS if one.low > (NEW.high or 0))] if part == TITLES else list(metrics)
    return [name for name in names if metrics[name]["n_targets"]]


def _heading(parts: Mapping[str, Rows], column: _Column) -> str:
    part, group = column
    if part == PEOPLE:
        return f"{group} known"
    told = next(iter(parts[part].values()))["metrics"][group]
    return f"{group} events: {told['n_targets']:,} targets" + (" (few)" if told["tiny"] else "")


def _clear(rows: Rows, group: str) -> set[str]:
    """Name the models that are above popularity beyond doubt in a group."""
    gaps = {
        model: row["metrics"][group][OVER][METRIC]
        for model, row in rows.items()
        if OVER in row["metrics"][group] and not row["metrics"][group]["tiny"]
    }
    corrected = holm([gap["p"] for gap in gaps.values()])
    return {
        model
        for (model, gap), p in zip(gaps.items(), corrected, strict=True)
        if gap["low"] > TOLERANCE and p < 1 - LEVEL
    }


def _cell(row: Mapping[str, Any] | None, group: str, *, bold: bool) -> str:
    found = None if row is None else interval_of(row["metrics"][group], METRIC)
    if found is None:
        return EMPTY
    value = f"**{found.value:.3f}**" if bold else f"{found.value:.3f}"
    return f"{value} <sub>{found.low:.3f}–{found.high:.3f}</sub>"


def _best_first(parts: Mapping[str, Rows]) -> list[str]:
    """List the models by their last column: the best for the people known best, then those judged on titles only."""
    listed: list[str] = []
    for part in (PEOPLE, TITLES):
        rows = parts[part]
        groups = _groups(part, rows)
        values = {model: row["metrics"][groups[-1]][METRIC]["value"] for model, row in rows.items() if groups}
        listed += sorted((model for model in values if model not in listed), key=lambda model: (-values[model], model))
    return listed


def _linked(name: str, model: str, parts: Mapping[str, Rows], link: str) -> str:
    part = PEOPLE if model in parts[PEOPLE] else TITLES
    return f"[{escape(model)}]({link}/{part}/{file_stem(name)}--{file_stem(model)}.json)"


def _stale(name: str, rows: Rows, folder: Path) -> str:
    """Say which rows on titles were cut from ranks that are no longer the published ones."""
    models = [
        model
        for model, row in rows.items()
        if not is_current(row, folder / f"{file_stem(name)}--{file_stem(model)}.json")
    ]
    if not models:
        return ""
    command = f"python -m evaluation.newcomers --part titles --data {name} --model {' '.join(models)}"
    return f"The published ranks have changed since; again: `{command}`."
