"""`recsys similar`: titles like one title."""

from __future__ import annotations

from typing import Annotated

import typer

from recsys.cli.options import (
    Adult,
    AsCsv,
    AsJson,
    Candidates,
    Count,
    ExcludeGenre,
    IncludeGenre,
    ModelFolder,
    Type,
    make_filters,
)
from recsys.cli.screen import note, print_records, print_table, refuse_two_formats
from recsys.errors import InputError


def similar(
    model: ModelFolder,
    title: Annotated[
        str, typer.Argument(metavar="TITLE", help="A title, or its id; close spellings will do.", show_default=False)
    ],
    k: Count = 10,
    include_genre: IncludeGenre = None,
    exclude_genre: ExcludeGenre = None,
    type: Type = None,
    candidates: Candidates = None,
    adult: Adult = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the titles most like one.

    recsys similar MODEL "Trigun" -k 10
    """
    refuse_two_formats(as_json, as_csv)

    from recsys.dataset.vocabulary import FIRST
    from recsys.models import load_model
    from recsys.models.requests import find_title
    from recsys.ranking.frames import with_details

    recommender = load_model(model)
    data = recommender.data
    filters = make_filters(data, include_genre, exclude_genre, type, candidates, adult=adult)
    code = find_title(data, title)
    found = recommender.similar(data.items.decode([code])[0], k, filters)
    if found.is_empty():
        raise InputError("No title is left after these filters.", "Loosen them.")
    if len(found) < k:
        note(f"{len(found)} of the {k:,} titles asked for remain after the filters.")
    if as_json or as_csv:
        print_records(data, with_details(data, found), as_csv=as_csv)
    else:
        name = data.catalogue.titles[code - FIRST]
        print_table(data, with_details(data, found), [f"Titles like {name}, says the {recommender.name} model."])
