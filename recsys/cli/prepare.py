"""`recsys prepare`: raw files become a prepared folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.config import explain
from recsys.dataset.readers import REGISTRY
from recsys.dataset.readers.options import ReadOptions

if TYPE_CHECKING:
    from recsys.dataset.prepared import Dataset

HELP = {name: help for name, _, help in explain(ReadOptions)}
READING = "Reading a file with other column names"


def _reading(name: str, metavar: str = "COLUMN") -> Any:
    """Declare the option of a `ReadOptions` field."""
    return typer.Option(help=HELP[name], metavar=metavar, rich_help_panel=READING, show_default=False)


def prepare(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="Table, folder or zip archive of what was watched.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PREPARED", help="Folder to write.", show_default=False)],
    format: Annotated[
        str, typer.Option(metavar="NAME", help=f"{', '.join(REGISTRY)}; auto looks at the files and columns.")
    ] = "auto",
    min_history: Annotated[int, typer.Option(metavar="N", help="Least number of titles a user must have.")] = 1,
    min_count: Annotated[int, typer.Option(metavar="N", help="Least number of users a title must have.")] = 1,
    keep_unwatched: Annotated[
        bool, typer.Option("--keep-unwatched", help="Keep the item file's titles that nobody watched.")
    ] = False,
    order: Annotated[
        str | None,
        typer.Option(metavar="ORDER", help="What the order means: time, listed or none; detected if not given."),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the data; the source's by default.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier prepared folder.")] = False,
    items: Annotated[str | None, _reading("items", "FILE")] = None,
    user_column: Annotated[str | None, _reading("user_column")] = None,
    item_column: Annotated[str | None, _reading("item_column")] = None,
    rating_column: Annotated[str | None, _reading("rating_column")] = None,
    time_column: Annotated[str | None, _reading("time_column")] = None,
    position_column: Annotated[str | None, _reading("position_column")] = None,
    rating_map: Annotated[list[str] | None, _reading("rating_map", "WORD=NUMBER")] = None,
    unrated: Annotated[float | None, _reading("unrated", "NUMBER")] = None,
    separator: Annotated[str | None, _reading("separator", "CHARACTER")] = None,
    text_ids: Annotated[bool, typer.Option("--text-ids", help=HELP["text_ids"], rich_help_panel=READING)] = False,
    item_id_column: Annotated[str | None, _reading("item_id_column")] = None,
    title_column: Annotated[str | None, _reading("title_column")] = None,
    genres_column: Annotated[str | None, _reading("genres_column")] = None,
    tags_column: Annotated[list[str] | None, _reading("tags_column")] = None,
    list_separator: Annotated[str | None, _reading("list_separator", "TEXT")] = None,
) -> None:
    """Turn raw files into a prepared folder: parquet files, and a card that says what is in them and what was dropped.

    recsys prepare archive.zip --out data/prepared

    recsys prepare log.tsv --user-column uid --items titles.csv --out data/prepared
    """
    asked = {field: value for field, value in locals().items() if field in HELP}
    given = {field: value for field, value in asked.items() if value is not None and value is not False}  # 0 is a value

    from recsys.artifact import refuse_folder
    from recsys.dataset.prepare import prepare as prepare_data
    from recsys.dataset.prepared import KIND

    refuse_folder(out, kind=KIND, overwrite=overwrite)
    data = prepare_data(
        source,
        format=format,
        min_history=min_history,
        min_count=min_count,
        keep_unwatched=keep_unwatched,
        order=order,
        name=name,
        **given,
    )
    data.save(out, overwrite=overwrite)
    _print_summary(data)
    typer.echo(f"Saved {out}. Try:")
    folder = shlex.quote(str(out))
    typer.echo(f"  recsys evaluate {folder} --model popularity --model als")
    typer.echo(f"  recsys fit {folder} --model lstm --out model")


def _print_summary(data: Dataset) -> None:
    """Print the card as a person wants to read it."""
    from rich.table import Table
    from rich.text import Text

    from recsys.cli.screen import console

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in _lines(data):
        table.add_row(label, Text(text))
    console().print(table)


def _lines(data: Dataset) -> list[tuple[str, str]]:
    """Give the label and the text of each line of the summary."""
    card = data.card
    counts, lengths, ratings, times = (card[key] for key in ("counts", "history_length", "ratings", "times"))
    files = ", ".join(file["name"] for file in card["sources"])
    titles = f"{counts['titles']:,} titles"
    if counts["titles"] > counts["titles_watched"]:
        titles += f" ({counts['titles_watched']:,} watched)"
    lines = [
        (data.name, f"{counts['users']:,} users, {titles}, {counts['events']:,} events"),
        ("source", f"{files or 'a frame'} (format {card['format']}), {counts['rows']:,} rows"),
        ("order", f"{data.order}: {card['order_reason']}"),
        ("history", f"{lengths['min']:,} to {lengths['max']:,} titles, median {lengths['median']:,}"),
    ]
    if ratings is None:
        lines.append(("ratings", "none"))
    else:
        span = f"{ratings['min']:g} to {ratings['max']:g}, mean {ratings['mean']:.2f}; " if "min" in ratings else ""
        lines.append(("ratings", f"{span}{ratings['missing_share']:.1%} missing"))
    if times is not None:
        tied = f"; {times['tied_share']:.1%} of the events share their second with a neighbour"
        lines.append(("times", f"{times['first'][:10]} to {times['last'][:10]}{tied if times['tied_share'] else ''}"))
    lines.append(("titles", f"{counts['titles_described']:,} of {counts['titles']:,} described"))
    tokens = ", ".join(data.catalogue.tokens["shown"].head(5))
    if tokens:
        lines.append(("genres, tags", f"{len(data.catalogue.tokens):,}, above all {tokens}"))
    for rule in card["dropped"]:
        who = "".join(f", {rule[key]:,} {key}" for key in ("users", "titles") if key in rule)
        lines.append(("dropped", f"{rule['rule']}: {rule['rows']:,} rows{who}"))
    return lines + [("note", text) for text in card["notes"]]
