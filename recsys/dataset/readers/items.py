"""Bring a table that describes titles to the catalogue's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from recsys.dataset.readers import cells

PLAIN_COLUMNS = ("type", "episodes", "year", "age_rating")
RELATION = "sequel_of"
"""The optional column with the id of the title that a title directly continues."""
SEPARATORS = ("|", ";", ",")
SAMPLE_ROWS = 1_000
"""How many cells are looked at to find what separates the names in them."""


def describe_items(
    table: pl.LazyFrame,
    id: str,
    title: str | None,
    genres: str | None,
    tags: Sequence[str],
    separator: str | None = None,
) -> pl.LazyFrame:
    """Return one row a title, the first that the table has, in the catalogue's columns, `anime_id` as in the source.

    A column `sequel_of` is kept where the table has one: the id of the title before, missing where there is none.
    """
    schema = dict(table.collect_schema())
    plain = [name for name in PLAIN_COLUMNS if name in schema and name not in (genres, *tags)]
    relations = [name for name in (RELATION,) if name in schema and name not in (id, genres, *tags)]
    wanted = dict.fromkeys([id, *(name for name in (title, genres) if name), *tags, *plain, *relations])
    rows = table.select(*wanted).filter(pl.col(id).is_not_null()).unique(id, keep="first", maintain_order=True)
    lists = {name: _name_list(rows, name, schema[name], separator) for name in (genres, *tags) if name}
    empty = pl.lit([], dtype=pl.List(pl.String))
    all_tags = pl.concat_list(*(lists[name] for name in tags)) if tags else empty
    return (
        rows.with_columns(
            pl.col(id).alias("anime_id"),
            (cells.unescaped(pl.col(title)) if title else pl.lit(None, dtype=pl.String)).alias("title"),
            (lists[genres] if genres else empty).alias("genres"),
            all_tags.alias("tags"),
            *(
                pl.col(name).cast(pl.String).str.strip_chars().alias(name)
                for name in plain
                if name in ("type", "age_rating")
            ),
            *(cells.whole_number(pl.col(name)).alias(name) for name in plain if name in ("episodes", "year")),
            *(cells.ids(name, schema[name], text=False).alias(name) for name in relations),
        )
        .with_columns(cells.tidy_tags(pl.col("tags"), pl.col("genres"), pl.col("type") if "type" in plain else None))
        .select("anime_id", "title", "genres", "tags", *plain, *relations)
    )


def _name_list(rows: pl.LazyFrame, column: str, dtype: Any, separator: str | None) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return pl.col(column).cast(pl.List(pl.String)).fill_null([])
    if separator is None:
        sample = rows.select(pl.col(column).cast(pl.String)).head(SAMPLE_ROWS).collect().to_series()
        counts = {one: int(sample.str.contains(one, literal=True).sum() or 0) for one in SEPARATORS}
        separator = max(SEPARATORS, key=lambda one: counts[one])
    return cells.names(pl.col(column), separator)
