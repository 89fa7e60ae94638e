"""Where tables come from: a file, a folder, a zip archive, or a frame in memory."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from recsys.artifact import MANIFEST, as_named
from recsys.errors import InputError

SEPARATORS = ("\t", ",", ";", "|")
HEAD = 1 << 16
"""How many bytes of a text file are looked at to find its separator."""


@dataclass(frozen=True)
class Table:
    """Give access to one table: a text or parquet file, perhaps gzipped or inside a zip archive, or a frame."""

    name: str
    path: Path | None = None
    member: str | None = None
    frame: pl.LazyFrame | None = None
    unpacked: bytes | None = None
    """What to read instead of the file's own content."""

    @property
    def plain(self) -> str:
        """Give the name in lower case, without `.gz`."""
        return _plain(self.name)

    @property
    def is_parquet(self) -> bool:
        return self.name.lower().endswith((".parquet", ".pq"))

    @cached_property
    def content(self) -> Path | bytes:
        """Give the file's path, or its bytes where it must be unpacked first."""
        if self.unpacked is not None:
            return self.unpacked
        assert self.path is not None, "a frame has no content"
        try:
            if self.member is not None:
                with zipfile.ZipFile(self.path) as archive:
                    packed = archive.read(self.member)
                return gzip.decompress(packed) if self.name.lower().endswith(".gz") else packed
            if self.name.lower().endswith(".gz"):
                return gzip.decompress(self.path.read_bytes())
        except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, RuntimeError, zlib.error) as error:
            raise InputError(f"{self.path} cannot be unpacked ({error}).", "Download or copy it again.") from error
        return self.path

    @property
    def data(self) -> bytes:
        """Give the file's bytes, unpacked."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    @cached_property
    def first_line(self) -> str:
        """Give a text file's first line; raises InputError for what is empty or no text."""
        if isinstance(self.content, bytes):
            head = self.content[:HEAD]
        else:
            with self.content.open("rb") as file:
                head = file.read(HEAD)
        line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
        if not line.strip():
            raise InputError(f"{self.name} is empty.", "A table needs a line of column names and at least one row.")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise undecodable(self.name)
        if text.lstrip().startswith(("{", "[{")) or text.strip() == "[":
            raise InputError(f"{self.name} holds JSON, not a table.", "Save it as CSV, TSV or parquet.")
        return text

    @cached_property
    def separator(self) -> str:
        """Guess the character between the fields from the first line."""
        return max(SEPARATORS, key=self.first_line.count)

    def scan(
        self, *, separator: str | None = None, text: bool = False, dtypes: Mapping[str, Any] | None = None
    ) -> pl.LazyFrame:
        """Return the lazy table; with `text`, every cell as it is spelled."""
        if self.frame is not None or self.is_parquet:
            frame = self.frame if self.frame is not None else pl.scan_parquet(self._file())
            return frame.select(pl.all().cast(pl.String, strict=False)) if text else frame
        return pl.scan_csv(
            self._file(),
            separator=separator or self.separator,
            schema_overrides=dtypes,
            infer_schema=not text,
            infer_schema_length=10_000,
        )

    def columns(self, separator: str | None = None) -> list[str]:
        """Give the names of the columns."""
        return list(self.schema(separator))

    def schema(self, separator: str | None = None) -> dict[str, Any]:
        """Give the names and types of the columns, as far as the first rows tell."""
        try:
            return dict(self.scan(separator=separator).collect_schema())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise unreadable(self.name, error) from error

    def _file(self) -> str | io.BytesIO:
        if not self.is_parquet:
            _ = self.first_line  # refuses what is no text
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else as_named(self.content)


@dataclass(frozen=True)
class Source:
    """Hold the tables at one place, by file name."""

    name: str
    tables: Mapping[str, Table]
    single: bool
    """Whether the source is one table, not a folder or an archive."""

    @classmethod
    def open(cls, source: Any) -> Source:
        """Look at what a path or a frame (polars or pandas) offers."""
        if not isinstance(source, str | Path):
            return cls("frame", {"frame": Table("frame", frame=_lazy(source))}, single=True)
        path = Path(source)
        _refuse_own(path)
        if path.is_dir():
            return cls.of_folder(path)
        if not path.exists():
            raise InputError(f"{path} does not exist.", "Check the path of the table.")
        if zipfile.is_zipfile(path):
            return cls(str(path), _members(path), single=False)
        if path.suffix.lower() == ".zip":
            raise InputError(f"{path} is not a zip archive.", "Download or copy it again.")
        return cls(str(path), {path.name: Table(path.name, path)}, single=True)

    @classmethod
    def of_folder(cls, folder: Path) -> Source:
        """Look at the files of a folder."""
        found = {file.name: Table(file.name, file) for file in sorted(folder.iterdir()) if file.is_file()}
        return cls(str(folder), found, single=False)

    @property
    def table(self) -> Table | None:
        """Give the only table of a source that is one file or frame."""
        return next(iter(self.tables.values())) if self.single else None

    def one_table(self) -> Table:
        """Give the only table; raises InputError for a folder or archive with other than one."""
        if not self.single and len(self.tables) != 1:
            raise InputError(f"{self.name} is not one table (found: {self.found}).", "Give the file itself.")
        return next(iter(self.tables.values()))

    @property
    def found(self) -> str:
        """Name some of the files that are there."""
        return ", ".join(list(self.tables)[:12]) or "nothing"

    @property
    def synthetic(self) -> bool:
        """Whether a file SYNTHETIC.md lies there, or beside a source that is one file."""
        return (self.beside("SYNTHETIC.md") if self.single else self.find("SYNTHETIC.md")) is not None

    def find(self, *names: str) -> Table | None:
        """Return the first table with one of these file names, perhaps with `.gz` at the end, in any case."""
        by_name = {_plain(name): table for name, table in self.tables.items()}
        return next((by_name[_plain(name)] for name in names if _plain(name) in by_name), None)

    def require(self, *names: str) -> Table:
        """Return what `find` finds; raises InputError when there is none."""
        table = self.find(*names)
        if table is None:
            raise InputError(
                f"{self.name} has no {' or '.join(names[:3])} (found: {self.found}).", "Check the path and --format."
            )
        return table

    def beside(self, name: str) -> Table | None:
        """Return what `find` finds in the folder of a source that is one file."""
        table = self.table
        return None if table is None or table.path is None else Source.of_folder(table.path.parent).find(name)


def _refuse_own(path: Path) -> None:
    """Refuse what recsys itself has written, a folder or a file of it: its numbers are codes, not ids."""
    folder = path if path.is_dir() else path.parent
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        kind, files = str(manifest["kind"]), manifest["files"]
    except (OSError, ValueError, TypeError, KeyError):
        return
    if folder == path or path.name in files:
        raise InputError(
            f"{folder} is a folder that recsys has written ({kind}), not a table of what was watched.",
            "Give the original files; prepared data goes to recsys fit, evaluate or audit as it is.",
        )


def _plain(name: str) -> str:
    return name.lower().removesuffix(".gz")


def paths_of(*tables: Table | None) -> tuple[Path, ...]:
    """Return the files that the tables were read from, each once."""
    return tuple(dict.fromkeys(table.path for table in tables if table is not None and table.path is not None))


def undecodable(name: str) -> InputError:
    """Say that a file is not the text that it should be."""
    return InputError(f"{name} is not UTF-8 text.", "Save it as UTF-8, or check that it is a table at all.")


def unreadable(name: str, error: Exception) -> InputError:
    """Say that polars cannot read a file, in its first words."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "utf-8" in reason.lower():
        return undecodable(name)
    return InputError(f"{name} cannot be read as a table: {reason}.", "Check the file, and --separator.")


def require_columns(table: str, wanted: Mapping[str, str], found: list[str]) -> None:
    """Refuse a table that lacks one of the wanted columns; `wanted` maps each to the remedy."""
    for column, remedy in wanted.items():
        if column not in found:
            raise InputError(f"{table} has no column '{column}' (found: {', '.join(found)}).", remedy)


def _lazy(frame: Any) -> pl.LazyFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    if type(frame).__module__.partition(".")[0] == "pandas":
        try:
            return pl.from_pandas(frame).lazy()
        except (TypeError, ValueError) as error:  # a column of mixed types, as pyarrow says it
            raise InputError(f"The frame cannot be read ({error}).", "Give every column one type.") from error
    raise InputError(
        f"A source must be a path or a frame, got {type(frame).__name__}.", "Give a file, folder or frame."
    )


def _members(path: Path) -> dict[str, Table]:
    """List an archive's files by their base name; where two share one, the outer one counts."""
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
    members.sort(key=lambda name: (-name.count("/"), name))  # the outer ones last, so that they stay
    return {Path(name).name: Table(Path(name).name, path, name) for name in members}
