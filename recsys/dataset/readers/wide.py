"""Read the wide frame of the founding question: one row a user and title, the title's facts repeated in each.

Columns `anime_id, user_id, user_rating, name, tags, genre`; tags are separated by ` , `, in any case and order, with
the name of the source, the type and the genres among them.
"""

from __future__ import annotations

import polars as pl

from recsys.dataset.readers import cells
from recsys.dataset.readers.interactions import scan_interactions
from recsys.dataset.readers.options import ReadOptions
from recsys.dataset.readers.source import Source, paths_of, require_columns
from recsys.dataset.schema import ITEM, RATING, USER, RawTables

COLUMNS = {USER: "user_id", ITEM: "anime_id", RATING: "user_rating"}
ITEM_COLUMNS = ("name", "tags", "genre")
UNRATED = -1.0
OPTIONS: tuple[str, ...] = ()
REMEDY = "Rename it, or pass --format generic and name the columns, such as --user-column uid."


def detect(source: Source) -> bool:
    """Recognise one table with all six columns."""
    return source.table is not None and {*COLUMNS.values(), *ITEM_COLUMNS} <= set(source.table.columns())


def read(source: Source, options: ReadOptions) -> RawTables:
    """Return the raw tables; the titles are collected from the interactions."""
    table = source.one_table()
    require_columns(table.name, dict.fromkeys([*COLUMNS.values(), *ITEM_COLUMNS], REMEDY), table.columns())
    interactions, text = scan_interactions(table, COLUMNS, ReadOptions(unrated=UNRATED))
    raw_tags, genres = cells.names(pl.col("tags"), ","), cells.names(pl.col("genre"), ",")
    items = (
        table.scan(text=True)
        .select("anime_id", *ITEM_COLUMNS)
        .group_by("anime_id")
        .agg(pl.all().first())
        .select(
            "anime_id",
            cells.unescaped(pl.col("name")).alias("title"),
            genres.alias("genres"),
            raw_tags.alias("tags"),
            cells.type_among(raw_tags).alias("type"),
        )
        .with_columns(cells.tidy_tags(pl.col("tags"), pl.col("genres"), pl.col("type")))
    )
    return RawTables(interactions, items, "wide", files=paths_of(table), text=text, columns=COLUMNS)
