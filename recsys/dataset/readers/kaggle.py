"""Read Kaggle's 'Anime Recommendations Database' (CooperUnion): anime.csv and rating.csv, or the zip with both.

A rating of -1 means watched, not rated. Names carry HTML entities, episodes can be 'Unknown'. Rows ascend by title
id inside users: the file carries no order.
"""

from __future__ import annotations

from recsys.dataset.readers.interactions import scan_interactions
from recsys.dataset.readers.items import describe_items
from recsys.dataset.readers.options import ReadOptions
from recsys.dataset.readers.source import Source, require_columns
from recsys.dataset.schema import RawTables

COLUMNS = ("user_id", "anime_id", "rating")
ITEM_COLUMNS = ("anime_id", "name", "genre", "type", "episodes")
UNRATED = -1.0
REMEDY = "Check that it is the file of the Kaggle data set, or pass --format generic."


def detect(source: Source) -> bool:
    """Recognise a folder or archive with both files, or a file with rating.csv's three columns."""
    if source.table is not None:
        return sorted(source.table.columns()) == sorted(COLUMNS) and source.table.frame is None
    return source.find("rating.csv") is not None and source.find("anime.csv") is not None


def read(source: Source, options: ReadOptions) -> RawTables:
    """Return the raw tables; a rating.csv given alone takes the anime.csv beside it, if there is one."""
    ratings = source.table or source.require("rating.csv")
    anime = source.beside("anime.csv") if source.single else source.require("anime.csv")
    require_columns(ratings.name, dict.fromkeys(COLUMNS, REMEDY), ratings.columns())
    columns = {name: name for name in COLUMNS}
    interactions, text = scan_interactions(ratings, columns, ReadOptions(unrated=UNRATED))
    items = None
    if anime is not None:
        require_columns(anime.name, dict.fromkeys(ITEM_COLUMNS, REMEDY), anime.columns())
        items = describe_items(anime.scan(text=True), "anime_id", "name", "genre", [], separator=",")
    files = tuple(dict.fromkeys(one.path for one in (ratings, anime) if one is not None and one.path is not None))
    notes = ("A rating of -1 is read as watched, not rated.",)
    return RawTables(interactions, items, "kaggle", None, notes, files, text, columns)
