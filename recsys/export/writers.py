"""Write recommendations batch by batch: one writer a format, all behind the same three verbs.

A new format costs one writer, one line in `WRITERS` and one test.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from recsys.errors import InputError

ROW_GROUP = 131_072


class Writer(Protocol):
    """Write frames of one schema to a file that construction opens (or the first frame does)."""

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of a frame, which may have none."""

    def close(self) -> None:
        """Complete the file; called exactly once, after failures too."""


class ParquetWriter:
    """Write parquet (zstd) in row groups of about `ROW_GROUP` rows, however small the frames are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[pl.DataFrame] = []
        self._file: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        self._pending.append(frame)
        if sum(part.height for part in self._pending) >= ROW_GROUP:
            self._write_group()

    def close(self) -> None:
        try:
            if self._pending:
                self._write_group()
        finally:
            if self._file is not None:
                self._file.close()

    def _write_group(self) -> None:
        import pyarrow.parquet as pq

        table = pl.concat(self._pending).to_arrow(compat_level=pl.CompatLevel.oldest())
        self._pending.clear()
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._file.write_table(table)


class TextWriter:
    """Write a text format in UTF-8, gzipped on request; `render` turns a frame into text, knowing if it is the first.

    The compressed bytes depend on the content only: no file name and no time goes into the header.
    """

    def __init__(self, path: Path, render: Callable[[pl.DataFrame, bool], str], gzip: bool = False) -> None:
        self._file = path.open("wb")
        self._render = render
        self._gzip = zlib.compressobj(wbits=zlib.MAX_WBITS + 16) if gzip else None
        self._first = True

    def write(self, frame: pl.DataFrame) -> None:
        data = self._render(frame, self._first).encode()
        self._first = False
        self._file.write(self._gzip.compress(data) if self._gzip else data)

    def close(self) -> None:
        with self._file:
            if self._gzip:
                self._file.write(self._gzip.flush())


def render_csv(frame: pl.DataFrame, first: bool) -> str:
    """Render rows of CSV, under a header when they are the first."""
    return frame.write_csv(include_header=first)


def render_json_lines(frame: pl.DataFrame, first: bool) -> str:
    """Render one JSON object a row."""
    return frame.write_ndjson()


WRITERS: dict[str, Callable[[Path], Writer]] = {
    "parquet": ParquetWriter,
    "csv": partial(TextWriter, render=render_csv),
    "csv.gz": partial(TextWriter, render=render_csv, gzip=True),
    "jsonl": partial(TextWriter, render=render_json_lines),
    "jsonl.gz": partial(TextWriter, render=render_json_lines, gzip=True),
}
"""The formats by name, which is also the file's suffix."""


def choose_writer(path: Path, format: str | None = None) -> Callable[[Path], Writer]:
    """Return the writer of a format, or of the file's suffix when none is given."""
    known = ", ".join(WRITERS)
    if format is not None:
        if format.lower().lstrip(".") not in WRITERS:
            raise InputError(f"There is no export format '{format}'.", f"Known: {known}.")
        return WRITERS[format.lower().lstrip(".")]
    for name, writer in WRITERS.items():
        if path.name.lower().endswith(f".{name}"):
            return writer
    raise InputError(f"{path} does not say its format by its suffix.", f"Pass --format with one of {known}.")
