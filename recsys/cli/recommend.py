"""`recsys recommend`: what to watch next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli.options import (
    Adult,
    AsCsv,
    AsJson,
    At,
    Candidates,
    Count,
    ExcludeGenre,
    IncludeGenre,
    ModelFolder,
    Type,
    make_filters,
)
from recsys.cli.screen import note, print_records, print_table, refuse_two_formats, watched
from recsys.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from recsys.dataset.histories import Histories
    from recsys.dataset.prepared import Dataset


def recommend(
    model: ModelFolder,
    user: Annotated[list[str] | None, typer.Option(metavar="ID", help="A person of the data; repeatable.")] = None,
    titles: Annotated[
        list[str] | None,
        typer.Option(metavar="TITLE", help="What somebody else has watched, the latest last; close spellings will do."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The same as CSV: anime_id or title, and if known rating and timestamp; or .txt."
        ),
    ] = None,
    k: Count = 10,
    mood: Annotated[str, typer.Option(metavar="NAMES", help='Genres or tags wished for: "Sci-Fi, Drama".')] = "",
    at: At = None,
    include_genre: IncludeGenre = None,
    exclude_genre: ExcludeGenre = None,
    type: Type = None,
    candidates: Candidates = None,
    keep_seen: Annotated[bool, typer.Option("--keep-seen", help="Rank titles that were watched already too.")] = False,
    adult: Adult = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Recommend titles to people of the data (--user), or to anybody by what they have watched.

    recsys recommend MODEL --user 234 -k 10

    recsys recommend MODEL --titles "Cowboy Bebop" "Trigun" --mood "Sci-Fi, Drama"
    """
    refuse_two_formats(as_json, as_csv)
    if not (user or titles or history):
        remedy = 'Add --user ID, --titles "Cowboy Bebop" "Trigun", or --history FILE.'
        raise InputError("Recommendations are for somebody, but nobody is named.", remedy)

    from recsys.models import load_model
    from recsys.models.requests import asking_at, check_mood, who_asks
    from recsys.ranking.frames import with_details

    recommender = load_model(model)
    data = recommender.data
    filters = make_filters(data, include_genre, exclude_genre, type, candidates, keep_seen=keep_seen, adult=adult)
    spelled = {one: data.users.parse(one) for one in user or ()}  # "01" is 1
    people = list({one if id is None else id: one for one, id in spelled.items()}.values()) or None
    person = who_asks(data, people, titles or None, history)
    if person.left_out:
        few, more = ", ".join(person.left_out[:5]), len(person.left_out) - 5
        note(f"Left out of {history}, not known here: {few}{f' and {more} more' if more > 0 else ''}.")
    wishes = check_mood(recommender, mood)
    histories = asking_at(recommender, person.histories, at)
    found = recommender.recommend(k=k, histories=histories, filters=filters, mood=wishes)
    if found.is_empty():
        raise InputError("No title is left to recommend after these filters.", "Loosen them, or pass --keep-seen.")
    for name, history_of_one, rows in _by_person(data, person.histories, found):
        if len(rows) < k:
            note(f"{name}: {len(rows)} of the {k:,} titles asked for remain after the filters.")
        if not (as_json or as_csv):
            heading = [f"{name} {watched(data, history_of_one)}."]
            heading += [f"In the mood for {', '.join(wishes)}."] if wishes else []
            print_table(data, with_details(data, rows), heading)
    if as_json or as_csv:
        print_records(data, with_details(data, found), as_csv=as_csv)


def _by_person(
    data: Dataset, histories: Histories, found: pl.DataFrame
) -> Iterator[tuple[str, Histories, pl.DataFrame]]:
    """Yield each person's name, history and rows."""
    import polars as pl

    for index, user in enumerate(data.users.decode(histories.users)):
        name = "This person" if user is None else f"User {user}"
        yield name, histories.select(slice(index, index + 1)), found.filter(pl.col("user_id").eq_missing(pl.lit(user)))
