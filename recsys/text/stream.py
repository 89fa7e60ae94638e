"""Read some columns of a long table batch by batch, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from recsys.text.files import missing_column, scan_table, unreadable

SPELLED = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""The suffixes of files whose cells are texts, whatever they mean."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Hold what is known of a table before its rows are read, and the rows: they can be read once."""

    name: str
    n_rows: int
    batches: Iterator[pl.DataFrame]
    is_spelled: bool = False

    def typed(self, ids: pl.Series) -> pl.Series:
        """Return ids with the type that they have in the source, found by their spelling where it has no types."""
        return numbered(ids) if self.is_spelled else ids


def numbered(ids: pl.Series) -> pl.Series:
    """Return ids as whole numbers where all of them are spelled as whole numbers are: "7", not "007".

    >>> numbered(pl.Series(["7", "12"])).to_list(), numbered(pl.Series(["007", "12"])).to_list()
    ([7, 12], ['007', '12'])
    """
    numbers = ids.cast(pl.Int64, strict=False)
    return numbers if numbers.cast(pl.String).eq_missing(ids).all() else ids


def stream_table(source: str | Path | pl.DataFrame, columns: Sequence[str], *, size: int) -> Stream:
    """Open a file (or take a frame) whose columns are read in their order, at most `size` rows at once.

    Raises InputError where the file is not there, unreadable or lacks a column; for what is wrong further down, when
    it is met.
    """
    if isinstance(source, pl.DataFrame):
        for column in columns:
            if column not in source.columns:
                raise missing_column("The table", column, source.columns)
        return Stream("The table", len(source), source.select(columns).iter_slices(size))
    path = Path(source)
    table = scan_table(path, columns)
    try:
        n_rows = int(table.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(path.name, error) from error
    return Stream(path.name, n_rows, _batches(table, path.name, size), path.name.lower().endswith(SPELLED))


def _batches(table: pl.LazyFrame, name: str, size: int) -> Iterator[pl.DataFrame]:
    try:
        for part in table.collect_batches(chunk_size=size, maintain_order=True):
            yield from part.iter_slices(size)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(name, error) from error
