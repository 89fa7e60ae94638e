"""The text format of word vectors, as GloVe, word2vec and fastText publish it: a word and its numbers a line.

A word may hold spaces (GloVe's 840B has ". . ." and "at name@domain.com"), so a line is divided from its right end by
the known width. The files are large (400,000 lines of 100 numbers are 350 MB): they are read in blocks of whole lines,
polars parses a block's numbers at once, and only a block with a bad line is gone through line by line, to name it.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.errors import InputError

BLOCK = 1 << 24
"""Bytes of text that are parsed at once."""
SAMPLE = 100
"""Lines at the file's begin that say how wide its vectors are."""
FORMAT = "A line is a word and its numbers with single spaces between them, as in GloVe's files."
DECIMAL = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)
LARGEST = float(np.finfo(np.float32).max)

Floats = npt.NDArray[np.float32]


class Readable(Protocol):
    """Give the next bytes of a file; none at its end."""

    def read(self, size: int, /) -> bytes: ...


class Header(NamedTuple):
    """Hold what word2vec writes above its vectors."""

    n_words: int
    dim: int


# -- files -------------------------------------------------------------------------------------------------------------


@contextmanager
def open_vectors(path: Path, dim: int | None) -> Iterator[tuple[Readable, str]]:
    """Open a file of vectors, a packed one (.gz, .zip) too, and yield it with the name that it goes by.

    From a zip of several files `dim` chooses: glove.6B.zip holds glove.6B.50d.txt, glove.6B.100d.txt and so on.
    """
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path, "rb") as file:
                yield file, path.name
        elif path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                member = _choose_member(archive, path, dim)
                with archive.open(member) as file:
                    yield file, f"{path.name}/{member}"
        else:
            with path.open("rb") as file:
                yield file, path.name
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path} cannot be unpacked: {error}.", "Download it again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error


def _choose_member(archive: zipfile.ZipFile, path: Path, dim: int | None) -> str:
    members = [item.filename for item in archive.infolist() if not item.is_dir() and item.filename[:8] != "__MACOSX"]
    fitting = members if len(members) == 1 else [name for name in members if re.search(rf"\b{dim}d\b", name)]
    if len(fitting) == 1:
        return fitting[0]
    choice = "several" if dim is None else f"{len(fitting) or 'no'} files of {dim} numbers a word"
    raise InputError(
        f"{path} holds {choice if members else 'no files'} ({', '.join(members)}).",
        "Say how wide the vectors are (dim=100), or unpack the file and give the one that you mean.",
    )


# -- reading -----------------------------------------------------------------------------------------------------------


def parse_vectors(
    file: Readable, name: str, words: Collection[str] | None, dim: int | None
) -> tuple[list[str], Floats, int]:
    """Read words and vectors; return them, (n,) and (n, dim), and how many lines the file holds.

    Of a word that comes twice the first vector counts, bytes that are no UTF-8 are replaced. With `words` all others
    are passed over, and their numbers are not looked at. Raises InputError for a line that breaks the format (file,
    line, reason), a width that is not `dim`, fewer or more lines than the header says, and a file without vectors.
    """
    wanted = None if words is None else frozenset(words)
    start = file.read(BLOCK)
    if not start.strip():
        raise InputError(f"{name} is empty.", FORMAT)
    header, width = _inspect(start, name, dim)
    seen: dict[str, int] = {}
    buffer = bytearray()  # grows in place: joining a list of arrays would need the memory twice
    number = 0
    n_vectors = 0
    for block in _blocks(start, file):
        lines = block.split(b"\n")
        if number == 0 and header is not None:
            lines[0] = b""
        numbers: list[int] = []
        rests: list[bytes] = []
        for line in lines:
            number += 1
            line = line.rstrip(b" \r")
            if not line:
                continue
            n_vectors += 1
            word, rest = _divide(line, width, name, number)
            if word in seen or (wanted is not None and word not in wanted):
                continue
            seen[word] = number
            numbers.append(number)
            rests.append(rest)
        if rests:
            buffer += _parse_numbers(rests, width, name, numbers).tobytes()
    if n_vectors == 0:
        raise InputError(f"{name} holds no word vectors.", FORMAT)
    if header is not None and header.n_words != n_vectors:
        raise InputError(
            f"{name} holds {n_vectors:,} vectors, but its first line says {header.n_words:,}.", "Download it again."
        )
    return list(seen), np.frombuffer(buffer, np.float32).reshape(-1, width), n_vectors


def _blocks(start: bytes, file: Readable) -> Iterator[bytes]:
    """Yield blocks that end with a line, without the line break."""
    block = start.removeprefix(b"\xef\xbb\xbf")
    rest = b""
    while block:
        whole, newline, tail = (rest + block).rpartition(b"\n")
        if newline:
            yield whole
        rest = tail
        block = file.read(BLOCK)
    if rest:
        yield rest


def _inspect(start: bytes, name: str, dim: int | None) -> tuple[Header | None, int]:
    """Find word2vec's header line, if there is one, and how wide the vectors are."""
    if b"\0" in start:
        raise InputError(
            f"{name} is a binary file.",
            "Write it as text first: gensim's KeyedVectors.load_word2vec_format(binary=True).save_word2vec_format().",
        )
    lines = start.removeprefix(b"\xef\xbb\xbf").split(b"\n", SAMPLE + 1)[: SAMPLE + 1]
    if len(start) == BLOCK and len(lines) > 1:
        lines.pop()  # it may be cut
    lines = [line.rstrip(b" \r") for line in lines]
    header = None
    if re.fullmatch(rb"\d+ \d+", lines[0]):
        said = Header(*map(int, lines[0].split(b" ")))
        if len(lines) == 1 or not lines[1] or lines[1].count(b" ") >= said.dim > 0:
            header, lines = said, lines[1:]
    widths = Counter(_count_numbers(line) for line in lines if line)
    width = widths.most_common(1)[0][0] if widths else (header.dim if header else 1)
    if width == 0:
        raise InputError(f"{name} holds no word vectors: most of its lines end with no number.", FORMAT)
    if header is not None and width != header.dim:
        raise InputError(f"{name} says {header.dim} numbers a word in its first line, but has {width}.", FORMAT)
    if dim is not None and width != dim:
        raise InputError(f"{name} has vectors of {width} numbers, {dim} wanted.", f"Ask for dim={width}.")
    return header, width


def _count_numbers(line: bytes) -> int:
    """Count the numbers at the end of a line; the first field is a word whatever it looks like."""
    count = 0
    for field in reversed(line.split(b" ")[1:]):
        if not _is_number(field):
            break
        count += 1
    return count


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _divide(line: bytes, width: int, name: str, number: int) -> tuple[str, bytes]:
    """Cut a line into its word and its numbers."""
    spaces = line.count(b" ")
    if spaces == width:
        start, _, rest = line.partition(b" ")
        word = start.decode("utf-8", "replace")
        if word:
            return word, rest
    if spaces < width:
        _refuse_line(name, number, f"{spaces} numbers follow the word, the others have {width}")
    start, *fields = line.rsplit(b" ", width)
    word = start.decode("utf-8", "replace")
    if fault := _word_fault(word):
        _refuse_line(name, number, fault)
    return word, b" ".join(fields)


def _word_fault(word: str) -> str:
    """Say why what stands before a line's numbers is no word; nothing if it is one."""
    if not word or word[0] == " " or word[-1] == " ":
        return "the word is empty, or begins or ends with a space"
    if " " in word and DECIMAL.fullmatch(last := word.rpartition(" ")[2]):  # or a word like "version 2.0"
        return f"there is a number too many ({last})"
    return ""


def unwritable(word: str) -> str:
    """Say why a word, once written, would not be read as it is; nothing if it would."""
    if fault := _word_fault(word):
        return fault
    if "\n" in word or "\0" in word or word[0] == "\ufeff":
        return "it holds a line break or a zero byte, or begins with a byte order mark"
    if any("\ud800" <= letter <= "\udfff" for letter in word):
        return "it is no valid Unicode"
    if " " in word and _is_number(word.rpartition(" ")[2].encode()):
        return "what follows its last space would be taken for a number of the vector"
    return ""


def _parse_numbers(rests: list[bytes], width: int, name: str, numbers: list[int]) -> Floats:
    """Parse the numbers of many lines, (lines, width)."""
    try:
        text = b"\n".join(rests).replace(b" ", b"\n")
        frame = pl.read_csv(text, has_header=False, separator=" ", quote_char=None, schema={"number": pl.Float32})
        found = frame["number"].to_numpy()
    except pl.exceptions.PolarsError:
        found = np.empty(0, np.float32)
    if len(found) != len(rests) * width or not np.isfinite(found).all():
        found = np.array([_parse_line(*line, name) for line in zip(rests, numbers, strict=True)], np.float32)
    return found.astype(np.float32, copy=False).reshape(-1, width)


def _parse_line(rest: bytes, number: int, name: str) -> list[float]:
    """Parse a line's numbers one by one, and refuse the first that is none."""
    values = []
    for field in rest.split(b" "):
        value = float(field) if _is_number(field) else np.nan
        if not abs(value) <= LARGEST:
            _refuse_line(name, number, f"'{field.decode('utf-8', 'replace')}' is not a finite number")
        values.append(value)
    return values


def _refuse_line(name: str, number: int, reason: str) -> NoReturn:
    raise InputError(f"{name}, line {number:,}: {reason}.", FORMAT)
