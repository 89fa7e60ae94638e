"""Bring the columns of an interaction table to their canonical names and types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from recsys.dataset.readers import cells
from recsys.dataset.readers.options import ReadOptions
from recsys.dataset.readers.source import Table
from recsys.dataset.schema import ITEM, MICROSECOND, POSITION, RATING, TIME, USER

Scans = tuple[pl.LazyFrame, pl.LazyFrame]


def scan_interactions(table: Table, columns: Mapping[str, str], options: ReadOptions | None = None) -> Scans:
    """Return the canonical table and its spelled-out twin; `columns` maps canonical names to the table's own.

    Types are those of the first rows, so a later row that breaks them ends the read with an error.
    """
    options = options or ReadOptions()
    found = table.schema(options.separator)
    dtypes = {own: _dtype(canonical, found[own], options) for canonical, own in columns.items()}
    is_text_file = table.frame is None and not table.is_parquet
    frame = table.scan(separator=options.separator, dtypes=dtypes if is_text_file else None)
    actual = dtypes if is_text_file else found
    readings = {name: _reading(name, own, actual[own], options) for name, own in columns.items()}
    if TIME in columns:
        readings[MICROSECOND] = cells.microseconds(columns[TIME], actual[columns[TIME]])
    canonical = frame.select(reading.alias(name) for name, reading in readings.items())
    text = table.scan(separator=options.separator, text=True).select(
        pl.col(own).alias(name) for name, own in columns.items()
    )
    return canonical, text


def _dtype(canonical: str, inferred: Any, options: ReadOptions) -> Any:
    """Choose the type that a text file's column is parsed to."""
    if canonical == RATING:
        return pl.String if options.rating_map else pl.Float32()
    if canonical == POSITION:
        return pl.Float64() if inferred.is_float() else pl.Int64()
    if inferred.is_integer() and not (options.text_ids and canonical in (USER, ITEM)):
        return pl.Int64()
    if inferred.is_float() and not (options.text_ids and canonical in (USER, ITEM)):
        return pl.Float64()
    return pl.String()


def _reading(canonical: str, own: str, dtype: Any, options: ReadOptions) -> pl.Expr:
    if canonical in (USER, ITEM):
        return cells.ids(own, dtype, options.text_ids)
    if canonical == RATING:
        return cells.ratings(own, options.rating_numbers, options.unrated)
    if canonical == TIME:
        return cells.times(own, dtype)
    return cells.positions(own, dtype)
