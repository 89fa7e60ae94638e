"""Kaggle's "Sentiment Analysis on Movie Reviews": from test.tsv to the file that is handed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from recsys.artifact import write_file
from recsys.errors import InputError
from recsys.text.files import read_table, texts_of
from recsys.text.reviews import BATCH, Judge, scale

ID, TEXT, ANSWER = "PhraseId", "Phrase", "Sentiment"
N_CLASSES = 5


def write_submission(
    test: str | Path,
    model: Judge,
    out: str | Path,
    *,
    overwrite: bool = False,
    on_read: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Classify the phrases of Kaggle's test.tsv and write `PhraseId,Sentiment`; return that table.

    Every id of the file is answered, in the file's order, those of empty phrases included. A sentiment is a whole
    number from 0 (negative) to 4 (positive). `on_read` is told after each batch how many phrases are done, and of how
    many. Raises InputError for a model that does not tell five ordered classes, a file without these columns or rows,
    and an id that is missing or occurs twice; ArtifactError where `out` exists (without `overwrite`).
    """
    places = scale(model.labels)
    if len(places) != N_CLASSES:
        raise InputError(
            f"Kaggle asks for {N_CLASSES} classes, but the model tells {len(places)} ({', '.join(model.labels)}).",
            "Train one: recsys text train phrases-5.",
        )
    table = read_table(test, (ID, TEXT))
    ids = _checked_ids(table[ID], Path(test).name)
    phrases = texts_of(table[TEXT], Path(test).name)
    classes = np.rint(places * (N_CLASSES - 1)).astype(np.int64)  # of each label, Kaggle's number
    answers = np.zeros(len(phrases), dtype=np.int64)
    for start in range(0, len(phrases), BATCH):
        batch = phrases[start : start + BATCH]
        answers[start : start + len(batch)] = classes[model.predict(batch).argmax(axis=1)]
        if on_read is not None:
            on_read(start + len(batch), len(phrases))
    submission = pl.DataFrame({ID: ids, ANSWER: answers})
    with write_file(out, overwrite=overwrite) as beside:
        submission.write_csv(beside)
    return submission


def _checked_ids(column: pl.Series, name: str) -> pl.Series:
    ids = column.cast(pl.String).str.strip_chars()
    if ids.is_empty():
        raise InputError(f"{name} holds no phrase.", "Give Kaggle's test.tsv.")
    bad = (ids.is_null() | (ids == "")).fill_null(True)
    if bad.any():
        raise InputError(f"{name} has no {ID} in row {int(bad.arg_max() or 0) + 1}.", "Give Kaggle's test.tsv.")
    twice = ids.is_duplicated()
    if twice.any():
        raise InputError(f"{name} has the {ID} {ids[int(twice.arg_max() or 0)]} twice.", "Every phrase has its own.")
    return ids
