"""Word vectors: read from a published file, or trained from texts, and laid out for a vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recsys.artifact import write_file
from recsys.errors import InputError


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Hold one vector a word: `matrix` is float32, (words, dim); `origin` says where they come from.

    >>> vectors = WordVectors(["good", "great"], np.float32([[1, 0], [3, 4]]), "by hand")
    >>> vectors.rows_for(["great", "zebra"])
    (array([[3., 4.],
           [0., 0.]], dtype=float32), array([ True, False]))
    """

    words: list[str]
    matrix: npt.NDArray[np.float32]
    origin: str

    def __post_init__(self) -> None:
        assert self.matrix.ndim == 2, "a row a word"
        assert len(self.words) == len(self.matrix) == len(self._rows), "every word once"

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._rows

    @property
    def dim(self) -> int:
        return int(self.matrix.shape[1])

    def rows_for(self, vocabulary: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Return a vocabulary's vectors, (words, dim), and which of its words have one; the others' are zeros."""
        rows = np.array([self._rows.get(word, -1) for word in vocabulary], np.int64)
        found = rows >= 0
        matrix = np.zeros((len(rows), self.dim), np.float32)
        matrix[found] = self.matrix[rows[found]]
        return matrix, found

    def neighbours(self, word: str, k: int = 10) -> list[tuple[str, float]]:
        """List the k words whose vectors point most nearly the same way, best first, with their cosines.

        Raises InputError when the word has no vector.
        """
        row = self._rows.get(word)
        if row is None:
            raise InputError(f"There is no vector for '{word}'.", "Words are as cleaned: lower case, no punctuation.")
        cosines = self._directions @ self._directions[row]  # (words,)
        cosines[row] = -np.inf
        best = np.argsort(-cosines, kind="stable")[: min(k, len(self) - 1)]
        return [(self.words[index], float(cosines[index])) for index in best]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def _directions(self) -> npt.NDArray[np.float32]:
        lengths = np.linalg.norm(self.matrix, axis=1, keepdims=True)
        return (self.matrix / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)


def read_vectors(path: str | Path, *, words: Collection[str] | None = None, dim: int | None = None) -> WordVectors:
    """Read vectors in GloVe's or word2vec's text format, packed (.gz, .zip) or not.

    `words` restricts them to a vocabulary, so that memory stays small; `dim` is checked where it is given, and chooses
    from a zip of several files. Raises InputError for a file that is not what it should be: file, line and reason.
    """
    from recsys.text.vector_files import open_vectors, parse_vectors

    with open_vectors(Path(path), dim) as (file, name):
        found, matrix, n_vectors = parse_vectors(file, name, words, dim)
    return WordVectors(found, matrix, f"{name} ({n_vectors:,} x {matrix.shape[1]})")


def write_vectors(vectors: WordVectors, path: str | Path, *, header: bool = False, overwrite: bool = False) -> None:
    """Write vectors as text, the file whole or not at all; `header` puts word2vec's line "words dim" on top.

    The numbers are as short as float32 allows: reading them gives the same bits. Raises InputError for a word that the
    format cannot hold and for vectors that are not finite.
    """
    import polars as pl

    from recsys.text.vector_files import unwritable

    for word in vectors.words:
        if fault := unwritable(word):
            raise InputError(f"{word!r} cannot be written: {fault}.", "Rename it, or leave it out.")
    if not np.isfinite(vectors.matrix).all():
        raise InputError("The vectors hold numbers that are not finite.", "Train them anew.")
    columns = {"word": vectors.words, **{str(index): column for index, column in enumerate(vectors.matrix.T)}}
    with write_file(path, overwrite=overwrite) as beside, beside.open("wb") as file:
        if header:
            file.write(f"{len(vectors)} {vectors.dim}\n".encode())
        pl.DataFrame(columns).write_csv(file, include_header=False, separator=" ", quote_style="never")


def train_vectors(
    cleaned_texts: Sequence[str],
    dim: int,
    *,
    window: int = 5,
    epochs: int = 5,
    seed: int = 0,
    algorithm: str = "skip-gram",
    min_count: int = 5,
    workers: int = 1,
    progress: bool = False,
) -> WordVectors:
    """Train vectors with gensim on texts whose tokens stand between single spaces; frequent words come first.

    `algorithm` is skip-gram, cbow (Mikolov et al. 2013) or fasttext (skip-gram over character n-grams, Bojanowski et
    al. 2017). With one worker the same texts and seed give the same bytes; more are faster, and each run differs.
    Words seen fewer than `min_count` times get no vector. Raises ConfigError for a setting out of range and without
    gensim, InputError when no word is left.
    """
    from recsys.text.embed import Training, train

    training = Training(dim, window, epochs, seed, algorithm, min_count, workers)
    words, matrix = train(cleaned_texts, training, progress=progress)
    return WordVectors(words, matrix, f"{training} on {len(cleaned_texts):,} texts")
