"""The readers, by format; a module is imported only when its format is read.

A reader is a module with `OPTIONS`, `detect(source) -> bool` and `read(source, options) -> RawTables`.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from recsys.dataset.readers.options import ReadOptions
from recsys.errors import InputError

if TYPE_CHECKING:
    from recsys.dataset.readers.source import Source
    from recsys.dataset.schema import RawTables

REGISTRY = {
    "wide": "recsys.dataset.readers.wide",
    "kaggle": "recsys.dataset.readers.kaggle",
    "movielens": "recsys.dataset.readers.movielens",
    "generic": "recsys.dataset.readers.generic",
}
"""In the order in which `auto` tries them; generic takes what the others leave."""


class Reader(Protocol):
    """What the module of a format provides."""

    OPTIONS: tuple[str, ...]
    """The fields of `ReadOptions` that the format heeds."""

    def detect(self, source: Source) -> bool:
        """Say whether the source's files and columns are of this format."""

    def read(self, source: Source, options: ReadOptions) -> RawTables:
        """Return the raw tables; raises InputError where files or columns lack."""


def reader(format: str) -> Reader:
    """Return the reader of a format."""
    if format not in REGISTRY:
        raise InputError(f"There is no format '{format}'.", f"Known: auto, {', '.join(REGISTRY)}.")
    return cast(Reader, importlib.import_module(REGISTRY[format]))


def read_tables(source: str | Path | Any, format: str = "auto", options: ReadOptions | None = None) -> RawTables:
    """Read a file, folder, zip archive or frame.

    `auto` takes the first format that the files and columns fit and that heeds the options given; generic heeds all,
    and where it is taken for that a note says so.
    """
    from recsys.dataset.readers.source import Source

    options = options or ReadOptions()
    if format != "auto":
        one = reader(format)
        for name in options.given:
            if name not in one.OPTIONS:
                flag = f"--{name.replace('_', '-')}"
                raise InputError(f"The {format} format does not heed {flag}.", f"Leave {flag} or --format away.")
        return one.read(Source.open(source), options)
    opened = Source.open(source)
    notes: list[str] = []
    for name, one in zip(REGISTRY, map(reader, REGISTRY), strict=True):
        if not one.detect(opened):
            continue
        unheeded = [f"--{given.replace('_', '-')}" for given in options.given if given not in one.OPTIONS]
        if not unheeded:
            break
        flags = " and ".join(unheeded)
        notes.append(f"It looks like the {name} format, which does not heed {flags}: without, titles are read, too.")
    raw = one.read(opened, options)
    return replace(raw, notes=(*notes, *raw.notes))
