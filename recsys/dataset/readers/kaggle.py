"""Read Kaggle's 'Anime Recommendations Database' (CooperUnion): anime.csv and rating.csv, or the zip with both.

A rating of -1 means watched, not rated. Names carry HTML entities, episodes can be 'Unknown'. Rows ascend by title
id inside users: the file carries no order.
"""

from __future__ import annotations

import polars as pl

from recsys.dataset.readers.generic import describe, item_table
from recsys.dataset.readers.interactions import scan_interactions
from recsys.dataset.readers.items import describe_items
from recsys.dataset.readers.options import ITEM_OPTIONS, ReadOptions
from recsys.dataset.readers.source import Source, Table, paths_of, require_columns
from recsys.dataset.schema import RawTables

COLUMNS = ("user_id", "anime_id", "rating")
ITEM_COLUMNS = ("anime_id", "name", "genre", "type", "episodes")
UNRATED = -1.0
OPTIONS = ITEM_OPTIONS
REMEDY = "Check that it is the file of the Kaggle data set, or pass --format generic."


def detect(source: Source) -> bool:
    """Recognise a folder or archive with both files, or a file with just rating.csv's three columns."""
    if source.table is not None:
        return sorted(source.table.columns()) == sorted(COLUMNS) and source.table.frame is None
    return source.find("rating.csv") is not None and source.find("anime.csv") is not None


def read(source: Source, options: ReadOptions) -> RawTables:
    """Return the raw tables; a rating.csv given alone takes the anime.csv beside it, if there is one."""
    ratings = source.table or source.require("rating.csv")
    found = source.beside("anime.csv") if source.single else source.require("anime.csv")
    require_columns(ratings.name, dict.fromkeys(COLUMNS, REMEDY), ratings.columns())
    columns = {name: name for name in COLUMNS}
    interactions, text = scan_interactions(ratings, columns, ReadOptions(unrated=UNRATED))
    anime = item_table(source, options, found)
    return RawTables(
        interactions,
        items=None if anime is None else _titles(anime, options),
        source="kaggle",
        notes=("A rating of -1 is read as watched, not rated.",),
        files=paths_of(ratings, anime),
        text=text,
        columns=columns,
    )


def _titles(anime: Table, options: ReadOptions) -> pl.LazyFrame:
    """Read anime.csv, or whatever file the options describe instead."""
    if options.given:
        return describe(anime, "anime_id", options)
    require_columns(anime.name, dict.fromkeys(ITEM_COLUMNS, REMEDY), anime.columns())
    return describe_items(anime.scan(text=True), "anime_id", "name", "genre", [], separator=",")
