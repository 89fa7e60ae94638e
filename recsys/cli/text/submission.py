"""`recsys text submission`: the answers that Kaggle's competition on film reviews asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.text.options import Overwrite, TextModel, progress_bar


def submission(
    model: TextModel,
    data: Annotated[Path, typer.Option(metavar="FILE", help="Kaggle's test.tsv.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The CSV file to hand in.", show_default=False)
    ],
    overwrite: Overwrite = False,
) -> None:
    """Answer Kaggle's "Sentiment Analysis on Movie Reviews" with a model of 5 classes.

    recsys text submission MODEL --data test.tsv --out submission.csv

    Writes PhraseId,Sentiment for every phrase of the file.
    """
    from recsys.artifact import refuse_file
    from recsys.text.classifier import TextClassifier
    from recsys.text.submission import write_submission

    refuse_file(out, overwrite=overwrite)
    classifier = TextClassifier.load(model)
    with progress_bar("Classifying") as on_read:
        written = write_submission(data, classifier, out, overwrite=overwrite, on_read=on_read)
    typer.echo(f"Wrote {out} ({len(written):,} phrases).")
