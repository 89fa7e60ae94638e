"""Labelled texts: read from a file, cut into train, validation and test by the file's word or by class, group, seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recsys.errors import ConfigError, InputError
from recsys.text.columns import (
    ABOVE,
    KAGGLE,
    TEST,
    TRAIN,
    VALIDATION,
    Columns,
    groups_of,
    labels_above,
    labels_of,
    split_of,
    truths_of,
)
from recsys.text.files import read_columns, read_table, texts_of

__all__ = ["Columns", "Corpus", "Parts", "TextTable", "read_corpus", "split_corpus"]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Hold texts with their classes."""

    texts: list[str]
    labels: npt.NDArray[np.int32]
    """(n,) each text's place in `classes`."""
    classes: tuple[str, ...]
    groups: npt.NDArray[np.int64] | None = None
    """(n,) rows of one number belong together, such as the phrases of one sentence."""
    subset: npt.NDArray[np.bool_] | None = None
    """(n,) the rows that a report counts apart."""

    def __post_init__(self) -> None:
        for array in (self.labels, self.groups, self.subset):
            assert array is None or len(array) == len(self.texts), "one entry a text"

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, indices: npt.ArrayLike) -> Corpus:
        """Return the corpus of some rows, in the order given."""
        chosen = np.asarray(indices)
        chosen = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)
        return Corpus(
            [self.texts[index] for index in chosen.tolist()],
            self.labels[chosen],
            self.classes,
            None if self.groups is None else self.groups[chosen],
            None if self.subset is None else self.subset[chosen],
        )

    @property
    def counts(self) -> dict[str, int]:
        """Count the texts of each class."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    @cached_property
    def sha256(self) -> str:
        """Give the hash of texts, labels, classes and groups: the same rows in the same order give the same."""
        digest = hashlib.sha256("\0".join(self.classes).encode())
        lengths = np.zeros(len(self), dtype="<i8")
        for row, text in enumerate(self.texts):
            data = text.encode("utf-8", "surrogatepass")
            lengths[row] = len(data)
            digest.update(data)
        digest.update(lengths.tobytes())
        digest.update(self.labels.astype("<i4").tobytes())
        if self.groups is not None:
            digest.update(self.groups.astype("<i8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class TextTable:
    """Hold a file's corpus and the split that it came with, if any."""

    corpus: Corpus
    split: npt.NDArray[np.str_] | None = None
    """(n,) "train", "validation" or "test"."""

    def part(self, name: str) -> Corpus:
        """Return the rows of one part of the file's own split."""
        if self.split is None:
            raise InputError(f"The file has no split column, so no part '{name}'.", "Name its split column.")
        return self.corpus.select(self.split == name)


def read_corpus(
    path: str | Path, columns: Columns, *, classes: Sequence[str] | None = None, exact: bool = False
) -> TextTable:
    """Read labelled texts from a parquet, CSV, TSV or JSON-lines file (also gzipped).

    Where the text column is missing but Kaggle's are there, Kaggle's are read, unless `exact`; the first phrase of a
    sentence, which is the whole sentence, is then the subset. Labels are texts or numbers; without `classes`, the
    classes are the labels that occur, in the order of their numbers or letters. A missing text is an empty text. Raises
    InputError for a missing column, a missing or unknown label, a single class, or no row at all.
    """
    path = Path(path)
    found = read_columns(path)
    is_kaggle = not exact and columns.text not in found and set(KAGGLE.names) <= set(found)
    if is_kaggle:
        columns = KAGGLE
    frame = read_table(path, columns.names)
    name = path.name
    if frame.is_empty():
        raise InputError(f"{name} holds no row.", "A corpus needs texts of at least two classes.")
    if columns.above is None:
        labels, known = labels_of(frame[columns.label], name, classes)
    else:
        labels, known = labels_above(frame[columns.label], name, columns.above), tuple(classes or ABOVE)
        if len(known) != 2:
            raise ConfigError(f"A bound makes two classes, got {len(known)}.", "Leave the bound or the classes away.")
    if classes is None and (labels == labels[0]).all():
        raise InputError(
            f"Column '{columns.label}' of {name} holds one class only ('{known[labels[0]]}').",
            "Give a file with texts of at least two classes.",
        )
    split = None if columns.split is None else split_of(frame[columns.split], name)
    groups = None if columns.group is None else groups_of(frame, columns.group, columns.split, name)
    subset = None if columns.subset is None else truths_of(frame[columns.subset], name)
    if is_kaggle:
        subset = frame["SentenceId"].is_first_distinct().to_numpy()
    return TextTable(Corpus(texts_of(frame[columns.text], name), labels, known, groups, subset), split)


@dataclass(frozen=True, eq=False)
class Parts:
    """Hold the three parts of a corpus."""

    train: Corpus
    validation: Corpus
    test: Corpus


def split_corpus(table: TextTable, *, seed: int, validation: float = 0.1, test: float = 0.2) -> Parts:
    """Return the file's own parts, and cut those that it lacks out of its training rows.

    The shares are of the rows that are cut. Groups stay whole; each class (of a group: its rarest one) is cut by these
    shares and is in each part where it has three groups or more. The same seed gives the same rows, in file order.
    Raises InputError where the training part would hold fewer than two classes.
    """
    for name, share in ((VALIDATION, validation), (TEST, test)):
        if not 0 < share < 1:
            raise ConfigError(f"The {name} share must be between 0 and 1, got {share}.", "For example: 0.1.")
    if validation + test >= 1:
        raise ConfigError(f"The shares must leave training rows, got {validation} and {test}.", "Make one smaller.")
    corpus = table.corpus
    part = np.full(len(corpus), TRAIN, dtype="<U10") if table.split is None else table.split.astype("<U10")
    shares = {name: share for name, share in ((VALIDATION, validation), (TEST, test)) if not (part == name).any()}
    rows = np.flatnonzero(part == TRAIN)
    if len(rows) == 0:
        raise InputError("The file has no training rows.", "Its split column must name some rows 'train'.")
    part[rows] = _cut(corpus.select(rows), shares, np.random.default_rng(seed))
    train = corpus.select(part == TRAIN)
    if len(np.unique(train.labels)) < 2:
        raise InputError("The training rows hold one class only.", "Give more texts, of at least two classes.")
    return Parts(train, corpus.select(part == VALIDATION), corpus.select(part == TEST))


def _cut(corpus: Corpus, shares: dict[str, float], generator: np.random.Generator) -> npt.NDArray[np.str_]:
    """Return each row's part: groups drawn stratum by stratum, a group's stratum being its rarest class."""
    groups = np.arange(len(corpus)) if corpus.groups is None else np.unique(corpus.groups, return_inverse=True)[1]
    n_groups = int(groups.max()) + 1
    pairs = np.unique(np.stack([groups, corpus.labels], axis=1), axis=0)  # (group, class)
    frequency = np.bincount(pairs[:, 1], minlength=len(corpus.classes))  # groups that hold the class
    pairs = pairs[np.lexsort((pairs[:, 1], frequency[pairs[:, 1]], pairs[:, 0]))]
    stratum = pairs[np.unique(pairs[:, 0], return_index=True)[1], 1]
    part = np.full(n_groups, TRAIN, dtype="<U10")
    for rarest in np.unique(stratum):
        members = generator.permutation(np.flatnonzero(stratum == rarest))
        start = 0
        for name, share in shares.items():
            count = max(round(len(members) * share), int(len(members) > len(shares)))
            part[members[start : start + count]] = name
            start += count
    return part[groups]
