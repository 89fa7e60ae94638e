"""`recsys export`: everybody's list in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.options import Adult, At, Candidates, Count, ExcludeGenre, IncludeGenre, ModelFolder, Type, make_filters


def export(
    model: ModelFolder,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="File to write: .parquet, .csv, .jsonl, .csv.gz or .jsonl.gz.",
            show_default=False,
        ),
    ],
    k: Count = 100,
    users: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Only these people: one id a line, or CSV or parquet with a column user_id."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(metavar="NAME", help="Format; by default what the file's suffix says.")
    ] = None,
    mood: Annotated[str, typer.Option(metavar="NAMES", help='Genres or tags wished for: "Sci-Fi, Drama".')] = "",
    at: At = None,
    include_genre: IncludeGenre = None,
    exclude_genre: ExcludeGenre = None,
    type: Type = None,
    candidates: Candidates = None,
    keep_seen: Annotated[bool, typer.Option("--keep-seen", help="Rank titles that were watched already too.")] = False,
    adult: Adult = False,
    titles: Annotated[bool, typer.Option("--titles", help="Add a column with the titles' names.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file.")] = False,
) -> None:
    """Write everybody's best titles to one file, as user_id, rank, anime_id, score.

    recsys export MODEL --out recs.parquet -k 100

    It runs in bounded memory; interrupted, it leaves nothing but what was there before.
    """
    from recsys.artifact import refuse_file
    from recsys.dataset.ids import read_ids
    from recsys.export import choose_writer
    from recsys.export.job import export as export_lists
    from recsys.models import load_model

    choose_writer(out, format)  # both refusals before the model is loaded
    refuse_file(out, overwrite=overwrite)
    recommender = load_model(model)
    data = recommender.data
    export_lists(
        recommender,
        out,
        k,
        users=None if users is None else read_ids(users, "user_id", data.users),
        filters=make_filters(data, include_genre, exclude_genre, type, candidates, keep_seen=keep_seen, adult=adult),
        mood=mood,
        at=at,
        titles=titles,
        format=format,
        overwrite=overwrite,
        progress=True,
    )
    typer.echo(f"Wrote {out} ({out.stat().st_size / 1e6:,.1f} MB).")
