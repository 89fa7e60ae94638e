"""`recsys text predict`: the class of texts, with its probability."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.screen import note
from recsys.cli.text.options import Overwrite, TextModel, progress_bar
from recsys.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BATCH = 1024
"""How many texts are read, judged and written at once."""
FORMATS = ("table", "csv", "jsonl")

Print = Callable[[Sequence[str], "npt.NDArray[np.float32]"], None]


def predict(
    model: TextModel,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts, each in quotes.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Texts of a table (.parquet, .csv, .tsv, .jsonl), or .txt, one a line."),
    ] = None,
    text_column: Annotated[str, typer.Option(metavar="NAME", help="Which column of the table holds them.")] = "text",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write a .csv or .jsonl file.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="table, csv, or jsonl, which tells the probability of every class."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Tell the class of each text and how probable it is, in the order of the texts.

    recsys text predict MODEL "Not a minute is wasted." "I could not keep watching."

    recsys text predict MODEL --file reviews.csv --text-column review --out predicted.csv

    Without texts and without a file, it reads standard input, one text a line.
    """
    from recsys.artifact import refuse_file, write_file
    from recsys.text.classifier import TextClassifier

    form = _format(format, out)
    if texts and file is not None:
        raise InputError("Texts and --file exclude each other, got both.", "Give one of them.")
    if out is not None:
        refuse_file(out, overwrite=overwrite)
    classifier = TextClassifier.load(model)
    with (
        nullcontext() if out is None else write_file(out, overwrite=overwrite) as beside,
        nullcontext(sys.stdout) if beside is None else beside.open("w", encoding="utf-8", newline="") as target,
        _opened(texts, file, text_column, shows_bar=out is not None) as batches,
    ):
        told = _PRINTERS[form](target, classifier.labels)
        n_texts = 0
        for batch in batches:
            told(batch, classifier.predict(batch))
            n_texts += len(batch)
        if not n_texts:
            raise InputError("There is no text to classify.", 'Give texts ("..."), --file, or lines on standard input.')
    if out is not None:
        typer.echo(f"Wrote {out} ({n_texts:,} texts).")


def _format(name: str | None, out: Path | None) -> str:
    if name is not None and name not in FORMATS:
        raise InputError(f"There is no format '{name}'.", f"Known: {', '.join(FORMATS)}.")
    if name is not None or out is None:
        return name or "table"
    suffix = out.suffix.lower().removeprefix(".")
    if suffix not in FORMATS[1:]:
        raise InputError(f"{out} is of no format that is written here.", "Name it .csv or .jsonl, or pass --format.")
    return suffix


# -- where texts come from -----------------------------------------------------------------------------------------


@contextmanager
def _opened(
    texts: list[str] | None, file: Path | None, column: str, *, shows_bar: bool
) -> Iterator[Iterator[Sequence[str]]]:
    """Yield batches of texts."""
    if texts:
        yield iter([texts])
    elif file is None:
        if sys.stdin.isatty():
            note("One text a line; an end of file (Ctrl-D, on Windows Ctrl-Z) ends them.")
        yield _lines(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="\n"), "Standard input")
    elif file.suffix.lower() == ".txt" and file.is_file():
        with file.open(encoding="utf-8-sig", newline="\n") as lines:
            yield _lines(lines, str(file))
    elif shows_bar:
        with progress_bar("Classifying") as on_read:
            yield _cells(file, column, on_read)
    else:
        yield _cells(file, column)


def _lines(file: IO[str], name: str) -> Iterator[Sequence[str]]:
    """Read without any table library: a short question deserves a quick answer."""
    try:
        while batch := [line.removesuffix("\n").removesuffix("\r") for line in islice(file, BATCH)]:
            yield batch
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from None


def _cells(file: Path, column: str, on_read: Callable[[int, int], None] | None = None) -> Iterator[Sequence[str]]:
    from recsys.text.files import read_texts, texts_of
    from recsys.text.stream import stream_table

    if file.name.lower().endswith(".txt.gz"):
        lines = read_texts(file)
        yield from (lines[start : start + BATCH] for start in range(0, len(lines), BATCH))
        return
    stream = stream_table(file, [column], size=BATCH)
    n_read = 0
    for batch in stream.batches:
        yield texts_of(batch[column], stream.name)
        n_read += len(batch)
        if on_read is not None:
            on_read(n_read, stream.n_rows)


# -- how they are told ---------------------------------------------------------------------------------------------


def _to_csv(file: IO[str], labels: Sequence[str]) -> Print:
    import csv

    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("text", "label", "probability"))

    def told(texts: Sequence[str], chances: npt.NDArray[np.float32]) -> None:
        best = chances.argmax(axis=1)
        writer.writerows(
            (text, labels[place], f"{row[place]:.4f}") for text, place, row in zip(texts, best, chances, strict=True)
        )

    return told


def _to_json_lines(file: IO[str], labels: Sequence[str]) -> Print:
    import json

    def told(texts: Sequence[str], chances: npt.NDArray[np.float32]) -> None:
        for text, place, row in zip(texts, chances.argmax(axis=1), chances, strict=True):
            every = {label: round(float(chance), 4) for label, chance in zip(labels, row, strict=True)}
            record = {"text": text, "label": labels[place], "probability": every[labels[place]], "probabilities": every}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    return told


def _to_table(file: IO[str], labels: Sequence[str]) -> Print:
    from rich.console import Console
    from rich.text import Text

    from recsys.cli.screen import PLAIN_WIDTH, console

    screen = console() if file is sys.stdout else Console(file=file, width=PLAIN_WIDTH, highlight=False, emoji=False)
    width = max(map(len, ("label", *labels)))
    heading = [f"{'label':<{width}}  probability  text"]

    def told(texts: Sequence[str], chances: npt.NDArray[np.float32]) -> None:
        if heading:
            screen.print(heading.pop(), style="bold")
        for text, place, row in zip(texts, chances.argmax(axis=1), chances, strict=True):
            line = Text.assemble(f"{labels[place]:<{width}}  {row[place]:>11.3f}  ", (" ".join(text.split()), "dim"))
            screen.print(line, no_wrap=True, overflow="ellipsis")

    return told


_PRINTERS: dict[str, Callable[[IO[str], Any], Print]] = {
    "table": _to_table,
    "csv": _to_csv,
    "jsonl": _to_json_lines,
}
