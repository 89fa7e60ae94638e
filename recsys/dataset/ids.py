"""Read a file of user or title ids: the people to export, the candidates to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from recsys.artifact import as_named
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import InputError, UnknownIdError

SHOWN = 3
"""How many unknown ids an error names."""


def read_ids(path: str | Path, column: str, known: Vocabulary) -> list[Any]:
    """Return the ids in a file, as `known` spells them, in the file's order.

    Parquet and CSV (`.csv`, `.tsv`, gzipped too) have them in `column`; any other file has one id a line, blank lines
    aside. Raises InputError for a file that cannot be read or holds no ids, UnknownIdError with the row of the first
    unknown ones.
    """
    path = Path(path)
    name = path.name.lower().removesuffix(".gz")
    try:
        if name.endswith((".parquet", ".pq")):
            frame, place, first_row = pl.read_parquet(as_named(path)), "row", 1
        elif name.endswith((".csv", ".tsv")):
            separator = "\t" if name.endswith(".tsv") else ","
            frame, place, first_row = pl.read_csv(as_named(path), separator=separator, infer_schema=False), "line", 2
        else:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            frame, place, first_row = pl.DataFrame({column: lines}, schema={column: pl.String}), "line", 1
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.", f"Give a file with one {column} a line.") from None
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} cannot be read ({error}).", f"Give a file with one {column} a line.") from error
    if column not in frame.columns:
        found = ", ".join(frame.columns)
        raise InputError(f"{path} has no column '{column}' (found: {found}).", "Rename the one that holds the ids.")
    return _known_ids(frame[column], known, str(path), place, first_row)


def _known_ids(ids: pl.Series, known: Vocabulary, path: str, place: str, first_row: int) -> list[Any]:
    rows = pl.Series(range(first_row, first_row + len(ids)), dtype=pl.Int64)
    if ids.dtype == pl.String:
        ids = ids.str.strip_chars().fill_null("")  # a blank line means nothing
        rows, ids = rows.filter(ids != ""), ids.filter(ids != "")
    elif not ids.dtype.is_numeric() and ids.dtype != pl.Null:
        raise InputError(f"{path} holds {ids.name} as {ids.dtype}.", "Give numbers or texts.")
    if len(ids) == 0:
        raise InputError(f"{path} holds no {ids.name}.", f"Give a file with one {ids.name} a line.")
    codes = known.encode(ids)
    unknown = codes < FIRST
    if unknown.any():
        pairs = zip(
            rows.filter(pl.Series(unknown)).head(SHOWN), ids.filter(pl.Series(unknown)).head(SHOWN), strict=True
        )
        named = ", ".join(f"{one if one is not None else 'nothing'} in {place} {row}" for row, one in pairs)
        raise UnknownIdError(
            f"{path} has {unknown.sum()} unknown {ids.name} of {len(ids)}: {named}.", "Remove or correct them."
        )
    return known.decode(codes).to_list()
