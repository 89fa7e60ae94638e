"""Train word vectors with gensim, reproducibly: skip-gram, CBOW or fastText, with negative sampling."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.config import Settings, setting
from recsys.errors import ConfigError, InputError
from recsys.text.columns import SPLIT_NAMES, split_of
from recsys.text.files import TEXT_SUFFIX, read_columns, read_table, read_texts, texts_of

ALGORITHMS = ("skip-gram", "cbow", "fasttext")
SENTENCE = 10_000
"""Tokens that gensim takes of one text; it would silently leave out the rest."""
STEP = 1_000
"""Texts after which the bar moves on."""
N_BUCKETS = 200_000
"""Vectors that fastText's character n-grams share: a tenth of gensim's, which would be 800 MB at 100 numbers each."""
SPLIT = "split"
"""The column that says which part of a file's own split a row is in."""
SUBSAMPLE = 1e-4
"""Words more frequent than this share are passed over at times (Mikolov et al. 2013, section 2.3)."""


@dataclass(frozen=True)
class Training(Settings):
    """Say how vectors are trained."""

    dim: int = setting(100, "numbers a word", low=1)
    window: int = setting(5, "words on each side that a word is trained to go with", low=1)
    epochs: int = setting(5, "passes over the texts", low=1)
    seed: int = setting(0, "seed of every random choice", low=0, high=2**31 - 1)
    algorithm: str = setting("skip-gram", "how vectors are trained", choices=ALGORITHMS)
    min_count: int = setting(5, "how often a word must be seen to get a vector", low=1)
    workers: int = setting(1, "threads; with more than one no two runs are the same", low=1)

    def __str__(self) -> str:
        threads = f", {self.workers} workers (not reproducible)" if self.workers > 1 else ""
        facts = f"window {self.window}, epochs {self.epochs}, min_count {self.min_count}, seed {self.seed}"
        return f"{self.algorithm} of {self.dim} numbers ({facts}{threads})"


def train(texts: Sequence[str], training: Training, *, progress: bool) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Train vectors; return the words, the most frequent first, and the matrix (words, dim)."""
    gensim = load_gensim()
    with _Passes(texts, training.epochs, progress) as passes:
        model = _make_model(gensim, training)
        model.build_vocab(passes)
        if not len(model.wv):
            raise InputError(
                f"No word occurs {training.min_count} times or more in {len(texts):,} texts.",
                "Give more texts, or lower min_count.",
            )
        model.train(passes, total_examples=model.corpus_count, epochs=model.epochs)
    return list(model.wv.index_to_key), np.asarray(model.wv.vectors, np.float32)


def read_part(path: Path, columns: Sequence[str], part: str | None) -> list[str]:
    """Read texts from the first of these columns that a table has; with `part`, those of that part of its own split.

    A .txt file has no columns: each line is a text. Raises InputError for a file without such a column or such a part.
    """
    if path.name.lower().removesuffix(".gz").endswith(TEXT_SUFFIX):
        if part is not None:
            raise InputError(f"{path.name} is plain text and has no part '{part}'.", "Leave the split away.")
        return read_texts(path)
    known = read_columns(path)
    column = next((name for name in columns if name in known), columns[0] if columns else "text")
    if part is None:
        return read_texts(path, column)
    table = read_table(path, [column, SPLIT])
    rows = split_of(table[SPLIT], path.name) == SPLIT_NAMES.get(part.lower(), part)
    if not rows.any():
        raise InputError(f"{path.name} has no rows of the part '{part}'.", f"Known: {', '.join(SPLIT_NAMES)}.")
    return texts_of(table[column].filter(pl.Series(rows)), path.name)


def load_gensim() -> Any:
    """Import gensim's models, or say how to install them."""
    try:
        import gensim.models
    except ImportError:
        raise ConfigError(
            "Training word vectors needs the package gensim.", "Install it: pip install 'recsys[text]'."
        ) from None
    logging.getLogger("gensim").addHandler(logging.NullHandler())  # its warnings would go to stderr
    return gensim.models


def _make_model(gensim: Any, training: Training) -> Any:
    settings = {
        "vector_size": training.dim,
        "window": training.window,
        "epochs": training.epochs,
        "seed": training.seed,
        "min_count": training.min_count,
        "workers": training.workers,
        "sg": int(training.algorithm != "cbow"),
        "sample": SUBSAMPLE,
        "hashfxn": _hash,
    }
    if training.algorithm == "fasttext":
        return gensim.FastText(**settings, bucket=N_BUCKETS)
    return gensim.Word2Vec(**settings)


def _hash(text: str) -> int:
    """Hash a text the same way in every process, which Python's own function does not."""
    return zlib.crc32(text.encode())


class _Passes:
    """Give gensim the tokens of all texts as often as it asks, and show on a bar how far it is."""

    def __init__(self, texts: Sequence[str], epochs: int, progress: bool) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self.texts = texts
        self.bar = Progress(console=Console(stderr=True), disable=not progress, transient=True)
        self.task = self.bar.add_task("word vectors", total=len(texts) * (epochs + 1))  # once for the vocabulary

    def __enter__(self) -> _Passes:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def __iter__(self) -> Iterator[list[str]]:
        for start in range(0, len(self.texts), STEP):
            some = self.texts[start : start + STEP]
            for tokens in map(str.split, some):
                for first in range(0, len(tokens), SENTENCE):
                    yield tokens[first : first + SENTENCE]
            self.bar.advance(self.task, len(some))
