"""Print result frames: a table for people, JSON or CSV for programs; notes go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from recsys.errors import InputError

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from recsys.dataset.histories import Histories
    from recsys.dataset.prepared import Dataset

SYNTHETIC = "Synthetic data: the people are invented, so are their tastes."
SHOWN = 5
"""How many of the last titles and of the genres a line names."""
WIDE = 100
"""The width from which there is room for more than two genres."""
PLAIN_WIDTH = 120
"""The width of a table that goes into a file or a pipe."""


def note(text: str) -> None:
    """Say something that is no result."""
    typer.secho(text, fg="yellow", err=True)


def refuse_two_formats(as_json: bool, as_csv: bool) -> None:
    """Raise an error when both JSON and CSV are asked for."""
    if as_json and as_csv:
        raise InputError("One format at a time, got --json and --csv.", "Leave one of them out.")


def refuse_one_file(**named: Path | None) -> None:
    """Raise an error when two options name one file, where the second would replace what the first has written."""
    places: dict[Path, str] = {}
    for option, path in named.items():
        if path is not None and (other := places.setdefault(path.resolve(), option)) != option:
            raise InputError(f"--{other} and --{option} name one file, {path}.", "Give each a file of its own.")


def refuse_inputs(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Raise an error when a file to be written is one that is read: --overwrite does not mean these."""
    read = {path.resolve() for path in inputs}
    for path in outputs:
        if path is not None and path.resolve() in read:
            raise InputError(f"{path} is one of the results that are read.", "Give the output a name of its own.")


def console() -> Console:
    """Return a console on stdout that does not break lines narrowly when nobody reads along."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process, whatever is still to be written

    return Screen(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, emoji=False)


def print_records(data: Dataset, frame: pl.DataFrame, *, as_csv: bool) -> None:
    """Print a result frame with details as JSON records or as CSV; synthetic data has a column that says so."""
    import json

    import polars as pl

    if data.card.get("synthetic"):
        frame = frame.with_columns(synthetic=True)
    if as_csv:
        sys.stdout.write(frame.with_columns(pl.col("genres").list.join(", ")).write_csv())
    else:
        sys.stdout.write(json.dumps(frame.to_dicts(), indent=2, ensure_ascii=False) + "\n")


def print_table(data: Dataset, frame: pl.DataFrame, heading: Sequence[str]) -> None:
    """Print a result frame with details as a table below its heading."""
    from rich.table import Table
    from rich.text import Text

    screen = console()
    for line in heading:
        screen.print(Text(line))
    if data.card.get("synthetic"):
        screen.print(Text(SYNTHETIC, style="yellow"))
    n_genres = SHOWN if screen.width >= WIDE else 2
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("#", justify="right")
    table.add_column("title", overflow="fold")
    facts = [name for name in ("type", "year", "genres", "anime_id") if frame[name].null_count() < len(frame)]
    for name in facts:
        table.add_column(name.removeprefix("anime_"), style="dim", no_wrap=True, justify=_JUSTIFY.get(name, "left"))
    table.add_column("score", justify="right")
    for row in frame.iter_rows(named=True):
        shown = {**row, "genres": ", ".join(row["genres"][:n_genres])}
        cells = (row["rank"], row["title"], *(shown[name] for name in facts), f"{row['score']:.3f}")
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))
    screen.print(table)


_JUSTIFY: dict[str, Literal["right"]] = {"anime_id": "right"}


def watched(data: Dataset, history: Histories) -> str:
    """Describe one person's history in a line: how many titles, and the last ones, latest first."""
    from recsys.dataset.prepared import Order
    from recsys.dataset.vocabulary import FIRST, UNKNOWN

    count = f"{history.n_events:,} {'title' if history.n_events == 1 else 'titles'}"
    if not history.n_events:
        return "has watched nothing yet"
    last = history.last(SHOWN)
    names = data.catalogue.titles.gather(last.items.astype("int64") - FIRST).to_list()[::-1]
    ratings = [""] * len(names) if last.ratings is None else [f" ({one:g})" for one in last.ratings[::-1]]
    shown = ", ".join(f"{name}{'' if 'nan' in rating else rating}" for name, rating in zip(names, ratings, strict=True))
    if history.n_events == 1:
        return f"has watched {shown}"
    unordered = data.order is Order.NONE and history.times is None and history.users[0] != UNKNOWN
    return f"has watched {count}, {'among them' if unordered else 'latest first'}: {shown}"
