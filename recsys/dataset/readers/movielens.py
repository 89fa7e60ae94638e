"""Read MovieLens: ratings.dat (1M, 10M), u.data (100k) or ratings.csv (latest, 20M and later), with movies and tags.

The formats are those of the README of each release (https://grouplens.org/datasets/movielens/).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from recsys.dataset.readers.interactions import scan_interactions
from recsys.dataset.readers.items import describe_items
from recsys.dataset.readers.options import ReadOptions
from recsys.dataset.readers.source import Source, Table, paths_of, require_columns
from recsys.dataset.schema import ITEM, RATING, TIME, USER, RawTables
from recsys.errors import InputError

RATINGS = ("userId", "movieId", "rating", "timestamp")
MOVIES, TAGS = ("movieId", "title", "genres"), ("userId", "movieId", "tag", "timestamp")
COLUMNS = dict(zip((USER, ITEM, RATING, TIME), RATINGS, strict=True))
OPTIONS: tuple[str, ...] = ()
FILES = ("ratings.csv", "ratings.dat", "u.data")
FLAGS = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|"
    "Mystery|Romance|Sci-Fi|Thriller|War|Western"
)
"""The genres of u.item's last 19 columns."""
MIN_TITLES_OF_TAG = 2
"""A free tag on one title only tells nothing beyond that title, and there are thousands of them."""
REMEDY = "Check that it is a file of MovieLens, or pass --format generic."


def detect(source: Source) -> bool:
    """Recognise the releases by their file names, and ratings.csv by its columns."""
    table = source.table or source.find(*FILES)
    if table is None or table.path is None:
        return False
    named = table.plain.endswith("ratings.csv") and set(RATINGS) <= set(table.columns())
    return table.plain in FILES[1:] or named


def read(source: Source, options: ReadOptions) -> RawTables:
    """Return the raw tables; a ratings file given alone takes the movies and tags beside it, if there are any."""
    ratings = source.table or source.require(*FILES)
    look = source.beside if source.single else source.find
    if "ratings" in ratings.plain:
        movies, tags = (look(ratings.plain.replace("ratings", to)) for to in ("movies", "tags"))
    else:
        movies, tags = look("u.item"), None
    table = _with_header(ratings, RATINGS)
    require_columns(table.name, dict.fromkeys(RATINGS, REMEDY), table.columns())
    interactions, text = scan_interactions(table, COLUMNS)
    items = None if movies is None else _titles(movies, tags)
    files = paths_of(ratings, movies, tags)
    return RawTables(interactions, items, "movielens", files=files, text=text, columns=COLUMNS)


def _titles(movies: Table, tags: Table | None) -> pl.LazyFrame:
    if movies.plain == "u.item":
        frame = _lines(movies, "|", lambda parts: [parts[0], parts[1], _flagged(parts[5:])], MOVIES, least=5)
    else:
        frame = _text_frame(movies, MOVIES)
    if tags is None:
        frame = frame.with_columns(tags=pl.lit("", dtype=pl.String))
    else:
        frame = frame.join(_tags_of_titles(_text_frame(tags, TAGS)), on="movieId", how="left")
    described = describe_items(frame, "movieId", "title", "genres", ["tags"], separator="|")
    return described.with_columns(year=pl.col("title").str.extract(r"\((\d{4})\)\s*$").cast(pl.Int64))


def _tags_of_titles(tags: pl.LazyFrame) -> pl.LazyFrame:
    """Join each title's tags into one text; tags of a single title are left out."""
    spelled = pl.col("tag").str.to_lowercase().str.replace_all("|", " ", literal=True).str.strip_chars()
    pairs = tags.select("movieId", tag=spelled).drop_nulls().unique()
    common = pairs.filter(pl.len().over("tag") >= MIN_TITLES_OF_TAG)
    return common.group_by("movieId").agg(pl.col("tag").sort().str.join("|").alias("tags"))


def _text_frame(table: Table, columns: Sequence[str]) -> pl.LazyFrame:
    """Return a table of texts: CSV with its header, or `::` lines without one."""
    if table.plain.endswith(".dat"):
        return _lines(table, "::", lambda parts: parts[: len(columns)], columns)
    require_columns(table.name, dict.fromkeys(columns, REMEDY), table.columns())
    return table.scan(text=True)


def _lines(
    table: Table,
    separator: str,
    pick: Callable[[list[str]], list[str]],
    columns: Sequence[str],
    least: int | None = None,
) -> pl.LazyFrame:
    """Split a table's lines; `least` is how many parts each must have (by default one a column)."""
    rows = []
    for number, line in enumerate(_decoded(table).splitlines(), start=1):
        parts = line.split(separator)
        if len(parts) >= (least or len(columns)):
            rows.append(pick(parts))
        elif line.strip():
            parted = f"{least or len(columns)} values between '{separator}'"
            raise InputError(f"Line {number} of {table.name} must have {parted}, got '{line.strip()}'.", REMEDY)
    return pl.LazyFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _decoded(table: Table) -> str:
    """Return a file's text; the old releases are in Latin-1."""
    data = table.data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _with_header(table: Table, columns: Sequence[str]) -> Table:
    """Give the old releases' ratings the header and the one-character separator that a CSV parser wants."""
    if table.plain.endswith(".csv"):
        return table
    header = "\t".join(columns).encode() + b"\n"
    return replace(table, unpacked=header + table.data.replace(b"::", b"\t"))


def _flagged(flags: Sequence[str]) -> str:
    return "|".join(name for name, flag in zip(FLAGS.split("|"), flags, strict=False) if flag.strip() == "1")
