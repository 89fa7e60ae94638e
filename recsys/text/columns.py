"""Which columns of a file hold labelled texts, and what their cells mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.errors import InputError
from recsys.text.files import as_texts

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""How files name the parts of their own split."""
ABOVE = ("negative", "positive")
"""The classes of labels that are numbers at or below, and above, a bound."""
MOST_CLASSES = 1_000
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


@dataclass(frozen=True)
class Columns:
    """Name the columns of a file of labelled texts."""

    text: str
    label: str
    group: str | None = None
    """Rows of one group (the phrases of one sentence) stay in one part."""
    split: str | None = None
    """Says which part (train, test, dev or validation) a row is in."""
    above: float | None = None
    """With a bound, the label column holds numbers, and the classes are "negative" (<=) and "positive" (>)."""
    subset: str | None = None
    """Marks with true or false the rows that a report counts apart, such as whole sentences among phrases."""

    @property
    def names(self) -> list[str]:
        """List the columns that are named."""
        return [name for name in (self.text, self.label, self.group, self.split, self.subset) if name is not None]


KAGGLE = Columns("Phrase", "Sentiment", group="SentenceId")
"""The columns of train.tsv of Kaggle's "Sentiment Analysis on Movie Reviews", which has no split column."""


def labels_of(
    column: pl.Series, name: str, classes: Sequence[str] | None
) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Return each row's place among the classes, and the classes."""
    spelled = _spelled(column, name)
    _require(spelled, column.name, name)
    if classes is None:
        kinds = spelled.unique().to_list()
        if len(kinds) > MOST_CLASSES:
            raise InputError(
                f"Column '{column.name}' of {name} holds {len(kinds):,} classes.", "Is it the column of the labels?"
            )
        known = tuple(sorted(kinds, key=_number_or_text))
    else:
        known = tuple(classes)
    codes = spelled.replace_strict(list(known), range(len(known)), default=None, return_dtype=pl.Int32)
    if codes.null_count():
        row = int(codes.is_null().arg_max() or 0)
        raise InputError(
            f"Column '{column.name}' of {name} holds the unknown label '{spelled[row]}' in row {row + 1}.",
            f"Known: {', '.join(known)}.",
        )
    return codes.to_numpy(), known


def labels_above(column: pl.Series, name: str, bound: float) -> npt.NDArray[np.int32]:
    """Return 1 where the number is above the bound, else 0."""
    _require(_spelled(column, name), column.name, name)
    numbers = column.cast(pl.Float64, strict=False)
    bad = numbers.is_null() | numbers.is_nan()
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"Column '{column.name}' of {name} must hold numbers, got '{column[row]}' in row {row + 1}.",
            "Name another column, or leave the bound away.",
        )
    return (numbers > bound).cast(pl.Int32).to_numpy()


def _spelled(column: pl.Series, name: str) -> pl.Series:
    """Return the labels as trimmed texts, whole numbers without a fraction; blank ones and NaN become missing."""
    if column.dtype.is_float():
        column = column.set(~column.is_finite(), None)
        if (column.is_null() | (column == column.floor())).all():
            column = column.cast(pl.Int64, strict=False)
    texts = as_texts(column, name).str.strip_chars()
    return texts.set(texts == "", None)


def _number_or_text(label: str) -> tuple[float, str]:
    try:
        return float(label), label
    except ValueError:
        return float("inf"), label


def _require(column: pl.Series, column_name: str, name: str) -> None:
    missing = column.is_null() | (column == "") if column.dtype == pl.String else column.is_null()
    if missing.any():
        row = int(missing.arg_max() or 0) + 1
        raise InputError(f"Column '{column_name}' of {name} has no value in row {row}.", "Fill it, or drop the row.")


def split_of(column: pl.Series, name: str) -> npt.NDArray[np.str_]:
    """Return each row's part under its usual name."""
    _require(column, column.name, name)
    spelled = as_texts(column, name).str.strip_chars().str.to_lowercase()
    parts = spelled.replace_strict(SPLIT_NAMES, default=None, return_dtype=pl.String)
    if parts.null_count():
        row = int(parts.is_null().arg_max() or 0)
        raise InputError(
            f"Column '{column.name}' of {name} holds the unknown part '{column[row]}' in row {row + 1}.",
            f"Known: {', '.join(SPLIT_NAMES)}.",
        )
    return parts.to_numpy().astype(np.str_)


def groups_of(frame: pl.DataFrame, group: str, split: str | None, name: str) -> npt.NDArray[np.int64]:
    """Number the groups; where a file has a split, the same name in two parts is two groups (numbers restart)."""
    _require(frame[group], group, name)
    keys = [group] if split is None else [split, group]
    return frame.select(pl.struct(keys).rank("dense") - 1).to_series().cast(pl.Int64).to_numpy()


def truths_of(column: pl.Series, name: str) -> npt.NDArray[np.bool_]:
    """Return what a column says by true and false, yes and no, or 1 and 0."""
    _require(column, column.name, name)
    spelled = as_texts(column, name).str.strip_chars().str.to_lowercase()
    truths = spelled.replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)
    if truths.null_count():
        row = int(truths.is_null().arg_max() or 0)
        raise InputError(
            f"Column '{column.name}' of {name} must hold true or false, got '{column[row]}' in row {row + 1}.",
            "Name another column.",
        )
    return truths.to_numpy()
