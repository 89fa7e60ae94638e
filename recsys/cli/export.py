"""`recsys export`: everybody's list in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[Path, typer.Argument(help="Model folder that `recsys fit` wrote.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write: .parquet, .csv, .jsonl, .csv.gz or .jsonl.gz.")
    ],
    k: Annotated[int, typer.Option("-k", "--k", help="Titles for each user.")] = 100,
    users: Annotated[
        Path | None,
        typer.Option(help="Only these users: a file with one id a line, or CSV or parquet with a column user_id."),
    ] = None,
    format: Annotated[str | None, typer.Option(help="Format, where the file's suffix does not say it.")] = None,
    include_genre: Annotated[
        list[str] | None, typer.Option(help="Only titles with one of these genres or tags.")
    ] = None,
    exclude_genre: Annotated[list[str] | None, typer.Option(help="No titles with these genres or tags.")] = None,
    type: Annotated[list[str] | None, typer.Option(help="Only these types, such as TV or Movie.")] = None,
    candidates: Annotated[
        Path | None,
        typer.Option(help="Only these titles: a file with one id a line, or CSV or parquet with a column anime_id."),
    ] = None,
    mood: Annotated[str, typer.Option(help='Genres or tags wished for, as in "Sci-Fi, Drama" (lstm models).')] = "",
    adult: Annotated[bool, typer.Option("--adult", help="Include adult titles.")] = False,
    keep_seen: Annotated[bool, typer.Option("--keep-seen", help="Include titles that the user has watched.")] = False,
    titles: Annotated[bool, typer.Option("--titles", help="Add a column with the titles' names.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file.")] = False,
) -> None:
    """Write the best titles of every user to a file, in bounded memory.

    The columns are user_id, rank, anime_id and score. An interrupted export leaves nothing but what was there before.
    """
    from recsys.artifact import refuse_file
    from recsys.dataset.ids import read_ids
    from recsys.export import choose_writer, export
    from recsys.models import load_model
    from recsys.ranking.filters import Filters

    choose_writer(out, format)  # both refusals before the model is loaded
    refuse_file(out, overwrite=overwrite)
    recommender = load_model(model)
    data = recommender.data
    filters = Filters(
        include_genres=include_genre or (),
        exclude_genres=exclude_genre or (),
        types=type or (),
        candidates=None if candidates is None else read_ids(candidates, "anime_id", data.items),
        keep_seen=keep_seen,
        adult=adult,
    )
    export(
        recommender,
        out,
        k,
        users=None if users is None else read_ids(users, "user_id", data.users),
        filters=filters,
        mood=[wish.strip() for wish in mood.split(",") if wish.strip()],
        titles=titles,
        format=format,
        overwrite=overwrite,
        progress=True,
    )
    typer.echo(f"Wrote {out} ({out.stat().st_size / 1e6:,.1f} MB).")
