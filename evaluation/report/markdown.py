"""Markdown tables of results: one a data set, and above them who wins where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluation.report.cells import EMPTY, memory_text, metric_name, range_text, rate_text, seconds_text, value_text
from evaluation.report.tables import LEADING, Entry, ResultTable, file_name, make_tables
from evaluation.report.words import verdict

COLUMNS = ("recall@10", LEADING, "coverage@10")
FOLDER = "evaluation/results"
NOTES = (
    "Small numbers: 95 % bootstrap intervals over users; ± the standard deviation between seeds of training. **Bold**: "
    "better than every other row beyond doubt, by paired bootstrap over the same users. Training: seconds of the fit "
    "with its validation; users/s: people whose ten best titles are found in a second. Each row's command, settings, "
    "seeds, package versions, commit and the test set's whole hash are in the file behind the model's name."
)


def results_markdown(results: Iterable[Mapping[str, Any]]) -> str:
    """Render results without ranks; raises InputError when rows of one data set have different test sets."""
    return tables_markdown(make_tables((result, None) for result in results))


def tables_markdown(tables: Sequence[ResultTable], *, folder: str = FOLDER) -> str:
    """Render one folded table a data set, best NDCG@10 first, with an overview when there are several.

    `folder` is where the result files are, as a link from the text must say it.
    """
    if not tables:
        return "No results yet."
    overview = [_overview(tables)] if len(tables) > 1 else []
    return "\n\n".join([*overview, *(_data_markdown(table, folder) for table in tables), NOTES])


def _data_markdown(table: ResultTable, folder: str) -> str:
    heading = f"**{table.title}**" + (f" (`{table.data}`)" if table.title != table.data else "")
    question = f": {table.question}" if table.question else ""
    metrics = [name for name in COLUMNS if any(entry.metric(name) for entry in table.entries)]
    head = ["model", *(metric_name(name) for name in metrics), "training", "users/s", "peak memory"]
    lines = [markdown_line(head), markdown_line(["---", *["---:"] * (len(head) - 1)])]
    winners = {name: table.winner(name) for name in metrics}
    for entry in table.entries:
        link = f"[{escape(entry.label)}]({folder}/{file_name(entry)})"
        cells = [_metric_cell(entry, name, bold=winners[name] == entry.label) for name in metrics]
        lines.append(markdown_line([link, *cells, *costs(entry)]))
    body = "\n".join(lines)
    # folded: a dozen models on half a dozen data sets would bury the sentences that say who leads
    folded = f"<details><summary>All {len(table.entries)} models</summary>\n\n{body}\n\n</details>"
    return f"{heading}{question} — {table.about}.\n\n{escape(verdict(table))}\n\n{folded}"


def _overview(tables: Sequence[ResultTable]) -> str:
    """Render NDCG@10 of every model on every data set."""
    head = [metric_name(LEADING), *(f"`{table.data}`" for table in tables)]
    lines = [markdown_line(head), markdown_line(["---", *["---:"] * len(tables)])]
    for label in by_mean_place(tables):
        cells = []
        for table in tables:
            entry = next((entry for entry in table.entries if entry.label == label), None)
            value = EMPTY if entry is None else value_text(entry, LEADING)
            cells.append(f"**{value}**" if table.winner(LEADING) == label else value)
        lines.append(markdown_line([escape(label), *cells]))
    return "\n".join(lines)


def by_mean_place(tables: Sequence[ResultTable]) -> list[str]:
    """List all models, those first that stand high in the tables which have them."""
    places: dict[str, list[float]] = {}
    for table in tables:
        for place, entry in enumerate(table.entries):
            places.setdefault(entry.label, []).append(place / len(table.entries))
    return sorted(places, key=lambda label: (sum(places[label]) / len(places[label]), label))


def costs(entry: Entry) -> list[str]:
    """Write what a row's training and serving take."""
    result = entry.result
    return [
        seconds_text(result["train_seconds"]),
        rate_text(entry.users_per_second),
        memory_text(result["peak_memory_mb"]),
    ]


def _metric_cell(entry: Entry, name: str, *, bold: bool) -> str:
    value, bounds = value_text(entry, name), range_text(entry, name)
    value = f"**{value}**" if bold else value
    return f"{value} <sub>{bounds}</sub>" if bounds else value


def escape(text: str) -> str:
    """Keep a name's characters from being read as Markdown."""
    for mark in "\\|[]*`<":
        text = text.replace(mark, f"\\{mark}")
    return text


def markdown_line(cells: Sequence[str]) -> str:
    """Write a table's row."""
    return f"| {' | '.join(cells)} |"
