"""`recsys text evaluate`: judge a text model on what it has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.text.options import TextModel, progress_bar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evaluation.text.judge import Judgement
    from recsys.text.classifier import TextClassifier
    from recsys.text.corpus import Corpus

BATCH = 1024
WIDEST_MATRIX = 8
"""The most classes whose confusion matrix is shown in a terminal; of more, the pairs that are confused most."""
N_PAIRS = 10


def evaluate(
    model: TextModel,
    data: Annotated[
        Path, typer.Option(metavar="FILE", help="The file that the model was trained on.", show_default=False)
    ],
    all_: Annotated[bool, typer.Option("--all", help="Judge every row, of a file that is new to the model.")] = False,
    text_column: Annotated[str | None, typer.Option(metavar="NAME", help="With --all: column of the texts.")] = None,
    label_column: Annotated[str | None, typer.Option(metavar="NAME", help="With --all: column of the labels.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE|DIR", help="A page (.html), or a folder for page and pictures."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what --out names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the intervals.")] = 0,
) -> None:
    """Judge a model on the test part of the file that it was trained on, which it has never seen.

    recsys text evaluate models/imdb --data imdb50k.parquet --out report.html

    Shows accuracy and its kin with 95 % intervals, precision and recall of each class, and which class is taken for
    which.
    """
    from evaluation.text.judge import judge, load_sklearn
    from recsys.errors import InputError
    from recsys.text.classifier import TextClassifier
    from recsys.text.holdout import held_out

    if not all_ and (text_column or label_column):
        raise InputError("The columns are those of the training, got others.", "Add --all to judge a new file.")
    load_sklearn()  # says what is missing before all texts are read
    if out is not None:
        _refuse_page(out, overwrite)
    classifier = TextClassifier.load(model)
    corpus = _every_row(data, classifier, text_column, label_column) if all_ else held_out(data, classifier)
    judgement = judge(_predict(classifier, corpus), corpus, seed=seed)
    if as_json:
        _print_json(judgement)
    else:
        _print_tables(judgement, f"{classifier.recipe} on {len(corpus):,} texts of {data.name}")
    if out is not None:
        from evaluation.text.page import write_report

        for path in write_report(classifier, corpus, judgement, out, data=data.name, overwrite=overwrite):
            typer.echo(f"Wrote {path}", err=as_json)


def _refuse_page(out: Path, overwrite: bool) -> None:
    """Raise an error where the page may not be written, before all texts are judged."""
    from evaluation.text.page import page_path
    from recsys.artifact import refuse_file
    from recsys.errors import InputError

    if out.is_file() and page_path(out) != out:
        raise InputError(f"{out} is a file, and no page (.html).", "Name a page, or a folder for page and pictures.")
    refuse_file(page_path(out), overwrite=overwrite)


def _every_row(path: Path, classifier: TextClassifier, text: str | None, label: str | None) -> Corpus:
    """Read a new file in the model's classes, its columns named as those of the training unless they are given."""
    from recsys.text.columns import Columns
    from recsys.text.corpus import read_corpus
    from recsys.text.holdout import FACT

    was = classifier.facts.get(FACT, {}).get("columns", {"text": "text", "label": "label", "above": None})
    columns = Columns(text or was["text"], label or was["label"], above=was["above"])
    return read_corpus(path, columns, classes=classifier.labels, exact=bool(text or label)).corpus


def _predict(classifier: TextClassifier, corpus: Corpus) -> npt.NDArray[np.float32]:
    import numpy as np

    parts = []
    with progress_bar("Classifying") as on_read:
        for start in range(0, len(corpus), BATCH):
            parts.append(classifier.predict(corpus.texts[start : start + BATCH]))
            on_read(min(start + BATCH, len(corpus)), len(corpus))
    return np.concatenate(parts) if parts else np.empty((0, len(classifier.labels)), np.float32)


def _print_json(judgement: Judgement) -> None:
    import json
    import sys

    content: dict[str, Any] = {
        "classes": list(judgement.classes),
        "metrics": {name: interval._asdict() for name, interval in judgement.metrics.items()},
        "per_class": [score._asdict() for score in judgement.per_class],
        "confusion": judgement.confusion.tolist(),
    }
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _print_tables(judgement: Judgement, title: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from recsys.cli.screen import console

    screen = console()
    screen.print(Text(title, style="bold"))
    metrics = Table("metric", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("value", "95 % interval"):
        metrics.add_column(name, justify="right")
    for name, (value, low, high) in judgement.metrics.items():
        metrics.add_row(name, f"{value:.4f}", "" if low is None or high is None else f"{low:.4f} – {high:.4f}")
    screen.print(metrics)
    classes = Table("class", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("precision", "recall", "F1", "texts"):
        classes.add_column(name, justify="right")
    for score in judgement.per_class:
        numbers = (f"{value:.3f}" for value in (score.precision, score.recall, score.f1))
        classes.add_row(Text(score.name), *numbers, f"{score.support:,}")
    screen.print()
    screen.print(classes)
    screen.print()
    screen.print(_matrix(judgement) if len(judgement.classes) <= WIDEST_MATRIX else _pairs(judgement))


def _matrix(judgement: Judgement) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("true \\ predicted", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in judgement.classes:
        table.add_column(Text(name), justify="right")
    for row, name in enumerate(judgement.classes):
        counts = judgement.confusion[row].tolist()
        cells = (Text(f"{count:,}", style="bold" if row == place else "dim") for place, count in enumerate(counts))
        table.add_row(Text(name), *cells)
    return table


def _pairs(judgement: Judgement) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("most often confused", "with", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("texts", justify="right")
    cells = [
        (int(count), true, predicted)
        for true, row in enumerate(judgement.confusion)
        for predicted, count in enumerate(row)
        if true != predicted and count
    ]
    for count, true, predicted in sorted(cells, key=lambda cell: -cell[0])[:N_PAIRS]:
        table.add_row(Text(judgement.classes[true]), Text(judgement.classes[predicted]), f"{count:,}")
    return table
