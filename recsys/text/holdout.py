"""Part a file for training, write down what was held out, and find that part again when the model is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from recsys.errors import InputError
from recsys.text.columns import KAGGLE, Columns
from recsys.text.corpus import Corpus, Parts, read_corpus, split_corpus
from recsys.text.files import read_columns

SPLIT_SEED = 0
"""Decides what is held out where a file does not say it; not the model's seed, so that models of all seeds share it."""
FACT = "data"
"""Under this name a model's facts hold what was held out."""


class Trained(Protocol):
    """What is needed of a classifier."""

    labels: tuple[str, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Source:
    """Hold a file's parts, and how it was read."""

    path: Path
    columns: Columns
    parts: Parts
    left_aside: Mapping[str, str]
    """Columns that a recipe names and the file does not have, by their role: split, group or subset."""

    @property
    def fact(self) -> dict[str, Any]:
        """Say, for a model's facts, what was read and what was held out."""
        return {
            "file": self.path.name,
            "columns": asdict(self.columns),
            "train_sha256": self.parts.train.sha256,
            "test_sha256": self.parts.test.sha256,
            "n_test": len(self.parts.test),
        }


def read_source(
    path: str | Path,
    columns: Columns,
    *,
    classes: Sequence[str] | None = None,
    named: Sequence[str] = (),
) -> Source:
    """Read a file of labelled texts and part it.

    Of the columns for split, group and subset, those that the file does not have are left aside, unless they are among
    `named`, the columns that a person asked for. Raises InputError as `read_corpus` does.
    """
    path = Path(path)
    found = read_columns(path)
    is_kaggle = not named and columns.text not in found and set(KAGGLE.names) <= set(found)
    optional = ("split", "group", "subset")
    wanted = {} if is_kaggle else {role: getattr(columns, role) for role in optional}
    aside = {role: name for role, name in wanted.items() if name not in (None, *found, *named)}
    without: dict[str, Any] = dict.fromkeys(aside)
    fitting = replace(columns, **without)
    table = read_corpus(path, fitting, classes=classes, exact=not is_kaggle)
    return Source(path, fitting, split_corpus(table, seed=SPLIT_SEED), aside)


def held_out(path: str | Path, model: Trained) -> Corpus:
    """Return the texts of a file that were held out when the model was trained on it.

    Raises InputError where the file is not the one that the model was trained on, or has changed since: what would be
    its test part now may have been learned from.
    """
    path = Path(path)
    fact = model.facts.get(FACT)
    if fact is None:
        raise InputError("The model does not say what was held out when it was trained.", _REMEDY)
    try:
        table = read_corpus(path, Columns(**fact["columns"]), classes=model.labels)
    except InputError as error:
        raise InputError(error.message, f"It was trained on {fact['file']}. {_REMEDY}") from error
    parts = split_corpus(table, seed=SPLIT_SEED)
    if (parts.train.sha256, parts.test.sha256) != (fact["train_sha256"], fact["test_sha256"]):
        was = f"{path.name} is not the file that the model was trained on ({fact['file']}), or has changed since"
        raise InputError(f"{was}: its test part may hold texts that were learned from.", _REMEDY)
    return parts.test


_REMEDY = "Give the file that it was trained on, or --all where the model has seen no text of this one."
