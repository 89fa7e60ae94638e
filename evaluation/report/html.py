"""The page of results: what the README says, and the pictures, all metrics, and each row's way to be made again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from evaluation.certainty import Interval
from evaluation.page import Cell, Page
from evaluation.plots import Point, curve_figure, slice_figure, styles_of, tradeoff_figure, training_figure
from evaluation.plots.style import Style
from evaluation.plots.tradeoff import Scale
from evaluation.report.cells import EMPTY, metric_name, range_text, value_text
from evaluation.report.curves import SLICED, Column, recall_curves, recall_slices
from evaluation.report.markdown import COLUMNS, by_mean_place, costs
from evaluation.report.tables import LEADING, OURS, PAIRED, Entry, ResultTable
from evaluation.report.words import verdict

CERTAINTY = (
    "Small numbers are 95 % bootstrap intervals over users: what other users might have given. ± is the standard "
    "deviation between seeds: what another training might have given. Bold: better than every other row beyond doubt, "
    "by paired bootstrap over the same users. Coverage has no interval, and more of it is not better in itself."
)
_Styles = Mapping[str, Style]


def report_page(tables: Sequence[ResultTable], *, title: str = "Results") -> Page:
    """Lay out the page: an overview when there are several data sets, then a section for each."""
    about = f"{_count(len({e.label for t in tables for e in t.entries}), 'model')} on "
    page = Page(title, about + _count(len(tables), "data set") + ". Everything is ranked, nothing is sampled.")
    labels = by_mean_place(tables)
    # ours first, so that it always has the first colour
    styles = styles_of(sorted(labels, key=lambda label: (label != OURS, labels.index(label))))
    page.text(CERTAINTY, note=True)
    if len(tables) > 1:
        page.heading("Overview")
        _overview(page, tables, labels)
    for table in tables:
        page.heading(table.title)
        _section(page, table, styles)
    return page


def _overview(page: Page, tables: Sequence[ResultTable], labels: Sequence[str]) -> None:
    rows: list[list[object]] = []
    for label in labels:
        entries = [next((entry for entry in table.entries if entry.label == label), None) for table in tables]
        cells = [
            None if entry is None else _cell(entry, LEADING, table)
            for entry, table in zip(entries, tables, strict=True)
        ]
        rows.append([label, *cells])
    page.table([metric_name(LEADING), *(table.data for table in tables)], rows)
    for table in tables:
        page.text(f"{table.title}: {verdict(table)}")


def _section(page: Page, table: ResultTable, styles: _Styles) -> None:
    question = f"{table.question[:1].upper()}{table.question[1:]}: " if table.question else ""
    page.text(f"{question}{table.about.replace('`', '')}.", note=True)
    page.text(verdict(table))
    _main_table(page, table)
    _accuracy_figures(page, table, styles)
    _cost_figures(page, table, styles)
    _slice_figures(page, table, styles)
    _training_figure(page, table, styles)
    _all_metrics(page, table)
    _births(page, table)


def _main_table(page: Page, table: ResultTable) -> None:
    shown = [name for name in dict.fromkeys([*COLUMNS[:2], *PAIRED, "mrr", *COLUMNS[2:]]) if _anybody(table, name)]
    rows = []
    for entry in table.entries:
        result = entry.result
        numbers = (result["train_seconds"], entry.users_per_second, result["peak_memory_mb"])
        prices = [
            Cell(text, order=None if number is None else float(number))
            for text, number in zip(costs(entry), numbers, strict=True)
        ]
        rows.append([entry.label, *(_cell(entry, name, table) for name in shown), *prices])
    columns = ["model", *(metric_name(name) for name in shown), "training", "users/s", "peak memory"]
    page.table(columns, rows)


def _accuracy_figures(page: Page, table: ResultTable, styles: _Styles) -> None:
    curves = recall_curves(table)
    if curves:
        about = f"{table.title}: {_users(table)}; bands: 95 % intervals"
        figure = curve_figure(curves, title="Recall@k", about=about, styles=styles)
        caption = "The share of held-out titles among the first k of the list."
        page.figure(figure, caption, f"Recall at k from 1 to 20 on {table.title}. {verdict(table)}")
    coverage = COLUMNS[-1]
    places = {entry.label: entry.metric(coverage) for entry in table.entries}
    points = _points(table.entries, {label: found.value for label, found in places.items() if found is not None})
    caption = "Coverage: the share of all titles that stand in at least one user's first ten."
    _tradeoff(page, table, points, "share", "Accuracy against coverage", coverage, caption, styles)


def _cost_figures(page: Page, table: ResultTable, styles: _Styles) -> None:
    joined = "The grey line joins the models that no other beats in both."
    rates = {entry.label: entry.users_per_second for entry in table.entries}
    points = _points(table.entries, rates)
    caption = f"How many people's top 10 the model lists in a second. {joined}"
    _tradeoff(
        page, table, points, "rate", "Accuracy against serving speed", "users a second, log scale", caption, styles
    )
    # a fit of less than the clock's hundredths is drawn as one
    seconds = {
        entry.label: None if entry.result["train_seconds"] is None else max(0.01, float(entry.result["train_seconds"]))
        for entry in table.entries
    }
    points = _points(table.entries, seconds)
    caption = f"How long the fit takes, its validation included. {joined}"
    _tradeoff(page, table, points, "seconds", "Accuracy against training time", "training, log scale", caption, styles)


def _tradeoff(
    page: Page,
    table: ResultTable,
    points: Sequence[Point],
    scale: Scale,
    title: str,
    x_label: str,
    caption: str,
    styles: _Styles,
) -> None:
    if not points:
        return
    name = metric_name(LEADING)
    figure = tradeoff_figure(
        points,
        scale=scale,
        title=title,
        about=f"{table.title}; bars: 95 % intervals",
        x_label=x_label,
        y_label=name,
        styles=styles,
    )
    told = "; ".join(f"{point.model}: {point.x:.3g} and {point.y.value:.3f}" for point in points)
    page.figure(figure, caption, f"{title}: {told}.")


def _slice_figures(page: Page, table: ResultTable, styles: _Styles) -> None:
    cuts: tuple[tuple[Column, str, str], ...] = (
        ("history", "by length of history", "titles that the model was shown of the user"),
        ("watchers", "by popularity of the title", "people in the training part who watched the held-out title"),
    )
    name = metric_name(str(SLICED))
    for column, how, x_label in cuts:
        slices, values = recall_slices(table, column)
        if not slices:
            continue
        figure = slice_figure(
            slices,
            values,
            title=f"{name.capitalize()} {how}",
            about=f"{table.title}, groups of about as many users each; bars: 95 % intervals",
            x_label=x_label,
            y_label=name,
            styles=styles,
        )
        told = "; ".join(f"{label}: {_series(found)}" for label, found in values.items())
        page.figure(figure, alt=f"{name} {how}, {', '.join(one.name for one in slices)}: {told}.")


def _training_figure(page: Page, table: ResultTable, styles: _Styles) -> None:
    logs = {entry.label: entry.result["training"] for entry in table.entries if entry.result.get("training")}
    if not logs:
        return
    about = f"{table.title}; a dot marks the best epoch"
    figure = training_figure(logs, title="Training", about=about, styles=styles)
    caption = "Of the first seed. Losses of different kinds cannot be compared with one another; the validation can."
    page.figure(figure, caption, f"Loss and validation of {', '.join(logs)} over the epochs.")


def _all_metrics(page: Page, table: ResultTable) -> None:
    names = list(dict.fromkeys(name for entry in table.entries for name in entry.result["metrics"]))
    page.heading(f"All metrics on {table.title}", 3)
    rows = [[entry.label, *(_cell(entry, name, table) for name in names)] for entry in table.entries]
    page.table(["model", *(metric_name(name) for name in names)], rows)


def _births(page: Page, table: ResultTable) -> None:
    """Say how each row is made again."""
    page.heading(f"How the rows of {table.title} are made again", 3)
    page.text(f"Test set: SHA-256 {table.sha256}", note=True)
    rows = []
    for entry in table.entries:
        result = entry.result
        versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        config = json.dumps(result["config"], ensure_ascii=False)
        seeds = ", ".join(map(str, result["seeds"]))
        rows.append([entry.label, result["command"], seeds, config, str(result["commit"])[:20], versions])
    page.table(["model", "command", "seeds", "settings", "commit", "versions"], rows)


def _cell(entry: Entry, name: str, table: ResultTable) -> Cell:
    found = entry.metric(name)
    if found is None:
        return Cell(EMPTY)
    strong = table.winner(name) == entry.label
    return Cell(value_text(entry, name), range_text(entry, name), strong=strong, order=found.value)


def _points(entries: Iterable[Entry], places: Mapping[str, float | None]) -> list[Point]:
    """Pair each row's place with its accuracy; rows that lack one of them are left out."""
    points = []
    for entry in entries:
        x, y = places.get(entry.label), entry.metric(LEADING)
        if x is not None and y is not None:
            points.append(Point(entry.label, x, y))
    return points


def _anybody(table: ResultTable, name: str) -> bool:
    return any(entry.metric(name) is not None for entry in table.entries)


def _users(table: ResultTable) -> str:
    rules = table.protocol
    return f"{rules['n_users']:,} {rules['part']} users, {rules['n_titles']:,} titles ranked"


def _series(intervals: Sequence[Interval]) -> str:
    return ", ".join(f"{one.value:.3f}" for one in intervals)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
