"""Read tables of texts: parquet, CSV, TSV, JSON lines, each perhaps gzipped, and plain text, one text a line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from recsys.artifact import as_named
from recsys.errors import InputError

Content = Path | io.BytesIO
Named = str | io.BytesIO
UNREADABLE = (pl.exceptions.PolarsError, OSError, UnicodeDecodeError)
"""What reading a file can raise."""


def _scan_separated(content: Named, separator: str, quote: str | None) -> pl.LazyFrame:
    """Take every cell as it is spelled: the phrases "None" and "NA" are texts."""
    table = pl.scan_csv(content, separator=separator, quote_char=quote, infer_schema=False)
    return table.map_batches(_as_it_is, projection_pushdown=False, streamable=True)  # all cells: rows too long are told


def _as_it_is(table: pl.DataFrame) -> pl.DataFrame:
    return table


def _scan_json(content: Named) -> pl.LazyFrame:
    return pl.scan_ndjson(content, infer_schema_length=None)


SCANS: dict[str, Callable[[Named], pl.LazyFrame]] = {
    ".parquet": pl.scan_parquet,
    ".csv": partial(_scan_separated, separator=",", quote='"'),
    ".tsv": partial(_scan_separated, separator="\t", quote=None),  # Kaggle's phrases hold quotes that quote nothing
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), _scan_json),  # Yelp calls its JSON lines .json
}
"""How a table is read, by its file's suffix."""
TEXT_SUFFIX = ".txt"


def scan_table(path: str | Path, columns: Sequence[str] | None = None) -> pl.LazyFrame:
    """Open a table, or some of its columns; raises InputError for a file that is not there, unknown or unreadable.

    The cells of CSV and TSV files stay texts. In TSV files quotes are plain characters.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix not in SCANS:
        known = ", ".join(SCANS)
        raise InputError(f"{path.name} is no table of a known format.", f"Known suffixes: {known} (also with .gz).")
    content = _content(path)
    if not (path.stat().st_size if isinstance(content, Path) else content.getbuffer().nbytes):
        raise InputError(f"{path.name} is empty.", "A table needs the names of its columns and at least one row.")
    try:
        frame = SCANS[suffix](as_named(content) if isinstance(content, Path) else content)
        found = frame.collect_schema().names()
    except UNREADABLE as error:
        raise unreadable(path.name, error) from error
    for column in columns or ():
        if column not in found:
            raise missing_column(path.name, column, found)
    return frame if columns is None else frame.select(list(dict.fromkeys(columns)))


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a table, or some of its columns, as `scan_table` opens it."""
    try:
        return scan_table(path, columns).collect()
    except UNREADABLE as error:
        raise unreadable(Path(path).name, error) from error


def read_columns(path: str | Path) -> list[str]:
    """Name a table's columns; raises InputError as `scan_table` does."""
    return scan_table(path).collect_schema().names()


def read_texts(path: str | Path, text_column: str = "text") -> list[str]:
    """Read texts without labels: a column of a table, or each line of a .txt file; a missing text is an empty one."""
    path = Path(path)
    if _suffix(path) != TEXT_SUFFIX:
        return texts_of(read_table(path, [text_column])[text_column], path.name)
    content = _content(path)
    try:
        data = content.read_bytes() if isinstance(content, Path) else content.getvalue()
        lines = data.decode("utf-8-sig").split("\n")
    except UNREADABLE as error:
        raise unreadable(path.name, error) from error
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def texts_of(column: pl.Series, name: str) -> list[str]:
    """Return a column's texts; what is missing is an empty text."""
    texts: list[str] = as_texts(column, name).fill_null("").to_list()
    return texts


def as_texts(column: pl.Series, name: str) -> pl.Series:
    """Return a column of a file with each cell as a text; raises InputError for lists and the like, or no UTF-8."""
    if column.dtype.is_nested():
        raise InputError(f"Column '{column.name}' of {name} holds no texts but {column.dtype}.", "Name another column.")
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise unreadable(name, error) from error


def missing_column(name: str, column: str, found: Sequence[str]) -> InputError:
    """Say that a table lacks a column."""
    return InputError(f"{name} has no column '{column}' (found: {', '.join(found)}).", "Rename it, or name another.")


def unreadable(name: str, error: Exception) -> InputError:
    """Say that a file cannot be read, and why, in the first words of its reader."""
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    if isinstance(error, UnicodeDecodeError) or "utf-8" in reason.lower():
        return InputError(f"{name} is not UTF-8 text.", "Save it as UTF-8.")
    if "more fields" in reason:
        remedy = "Quote texts that hold commas; in TSV files nothing is quoted."
        return InputError(f"{name} has a row with more cells than there are names of columns.", remedy)
    return InputError(f"{name} cannot be read: {reason}.", "Check that its content is what its suffix says.")


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _content(path: Path) -> Content:
    """Return the file, unpacked into memory where it is gzipped."""
    if not path.is_file():
        raise InputError(f"{path} {'is no file' if path.exists() else 'does not exist'}.", "Check the path.")
    if path.suffix.lower() != ".gz":
        return path
    try:
        return io.BytesIO(gzip.decompress(path.read_bytes()))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path.name} cannot be unpacked ({error}).", "Download or copy it again.") from error
