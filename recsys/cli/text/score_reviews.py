"""`recsys text score-reviews`: how people feel about each title, from what they write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli.screen import console, note
from recsys.cli.text.options import Overwrite, progress_bar

if TYPE_CHECKING:
    import polars as pl

SHOWN = 5
"""How many titles are shown at each end."""


def score_reviews(
    reviews: Annotated[
        Path,
        typer.Argument(
            metavar="REVIEWS", help="Table of reviews: .parquet, .csv, .tsv, .jsonl (also .gz).", show_default=False
        ),
    ],
    model: Annotated[
        Path, typer.Option(metavar="MODEL", help="Model folder that `recsys text train` wrote.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="File to write: .parquet, .csv, .jsonl (also .gz).", show_default=False
        ),
    ],
    catalogue: Annotated[
        Path | None,
        typer.Option(metavar="DIR|FILE", help="Add the titles' names: prepared data, or a table with anime_id, title."),
    ] = None,
    id_column: Annotated[str, typer.Option(metavar="NAME", help="Column of the titles' ids.")] = "anime_id",
    text_column: Annotated[str, typer.Option(metavar="NAME", help="Column of the reviews' texts.")] = "text",
    min_reviews: Annotated[int, typer.Option(metavar="N", help="Leave out titles with fewer reviews.")] = 1,
    order: Annotated[
        str,
        typer.Option(metavar="NAMES", help="The model's classes from worst to best, where their names do not tell."),
    ] = "",
    format: Annotated[
        str | None, typer.Option(metavar="NAME", help="Format, where the file's suffix does not say it.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn reviews into one row a title: anime_id, n_reviews, sentiment, low, high, share_positive.

    recsys text score-reviews reviews.csv --model sentiment --out titles.csv --catalogue data/prepared

    The sentiment goes from 0 to 1; low and high are its 95 % interval, wide where there are few reviews.
    """
    from contextlib import closing

    from recsys.artifact import refuse_file, write_file
    from recsys.export.writers import choose_writer
    from recsys.text.classifier import TextClassifier
    from recsys.text.reviews import score_reviews as score

    open_writer = choose_writer(out, format)
    refuse_file(out, overwrite=overwrite)
    names = None if catalogue is None else _titles(catalogue)
    classifier = TextClassifier.load(model)
    with progress_bar("Reading reviews") as on_read:
        found = score(
            reviews,
            classifier,
            id_column=id_column,
            text_column=text_column,
            min_reviews=min_reviews,
            order=[name.strip() for name in order.split(",")] if order else None,
            on_read=on_read,
        )
    frame = found.frame if names is None else _with_titles(found.frame, names)
    with write_file(out, overwrite=overwrite) as beside, closing(open_writer(beside)) as writer:
        writer.write(frame)
    if found.n_left_out:
        note(f"Left out {found.n_left_out:,} of {found.n_read:,} reviews: they have no id, or say nothing.")
    _show(frame)
    typer.echo(f"Wrote {out} ({len(frame):,} titles, {frame['n_reviews'].sum():,} reviews).")


def _titles(path: Path) -> pl.DataFrame:
    """Read `anime_id, title` from a prepared folder or a table."""
    import polars as pl

    from recsys.text.files import missing_column, read_table
    from recsys.text.stream import numbered

    if path.is_dir():
        from recsys.dataset.prepared import Dataset

        return Dataset.load(path).catalogue.frame.select("anime_id", "title")
    table = read_table(path)
    name = next((name for name in ("title", "name") if name in table.columns), None)
    if "anime_id" not in table.columns or name is None:
        raise missing_column(path.name, "title" if "anime_id" in table.columns else "anime_id", table.columns)
    return table.select(numbered(table["anime_id"]), pl.col(name).cast(pl.String).alias("title")).unique(
        "anime_id", keep="first", maintain_order=True
    )


def _with_titles(frame: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Add the names; ids are compared as they are spelled, so that texts and numbers meet."""
    import polars as pl

    spelled = names.select(pl.col("anime_id").cast(pl.String).alias("spelled"), "title")
    joined = frame.with_columns(spelled=pl.col("anime_id").cast(pl.String)).join(
        spelled, on="spelled", how="left", maintain_order="left"
    )
    unknown = joined["title"].null_count()
    if unknown:
        note(f"{unknown:,} of {len(frame):,} titles are not in the catalogue; they stay, without a name.")
    return joined.select("anime_id", "title", pl.exclude("anime_id", "title", "spelled"))


def _show(frame: pl.DataFrame) -> None:
    """Show who is surely liked and who surely is not: by the end of the interval, so that few reviews lead nowhere."""
    from rich.table import Table
    from rich.text import Text

    best = frame.sort("low", descending=True, maintain_order=True)
    worst = frame.sort("high", maintain_order=True)
    screen = console()
    ends = (
        {"Titles": best}
        if len(frame) <= 2 * SHOWN
        else {"Most liked": best.head(SHOWN), "Least liked": worst.head(SHOWN)}
    )
    for heading, rows in ends.items():
        table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(heading, overflow="fold")
        for name in ("reviews", "sentiment", "95 % interval", "positive"):
            table.add_column(name, justify="right")
        for row in rows.iter_rows(named=True):
            interval = f"{row['low']:.2f} – {row['high']:.2f}"
            values = (f"{row['n_reviews']:,}", f"{row['sentiment']:.2f}", interval, f"{row['share_positive']:.0%}")
            table.add_row(Text(str(row.get("title") or row["anime_id"])), *values)
        screen.print(table)
