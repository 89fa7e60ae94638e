"""Turn cleaned texts into codes, in pure Python, bit for bit as Keras's TextVectorization does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from recsys.errors import ConfigError, InputError

PADDING = 0
UNKNOWN = 1
FIRST = 2
"""The code of the most frequent word: 0 pads, 1 stands for every word that is not known."""
RESERVED = ("", "[UNK]")
"""How Keras spells the first two codes."""


class Tokens:
    """Map words to the codes `FIRST …` in the order given.

    Texts must come from `clean`, which leaves no white space but single spaces: TensorFlow parts at ASCII white space
    only, Python at any, and on a space they agree.

    >>> tokens = Tokens.learn(["good film", "good , good cast"], n_words=3)
    >>> tokens.vocabulary
    ('good', ',', 'cast')
    >>> codes, offsets = tokens.encode(["good film", "", "cast"])
    >>> codes.tolist(), offsets.tolist()
    ([2, 1, 4], [0, 2, 2, 3])
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self._codes = {word: code for code, word in enumerate(self.vocabulary, start=FIRST)}
        if len(self._codes) != len(self.vocabulary):
            twice = next(word for word, count in Counter(self.vocabulary).items() if count > 1)
            raise InputError(f"A vocabulary's words must be distinct, got '{twice}' twice.", "Leave one away.")
        for word in self.vocabulary:
            if word in RESERVED or word.split() != [word]:
                raise InputError(f"A vocabulary's words must hold no white space, got '{word}'.", "Leave it away.")

    @classmethod
    def learn(cls, cleaned: Iterable[str], n_words: int) -> Self:
        """Keep the `n_words` most frequent words of cleaned texts; of equally frequent ones, the first by spelling."""
        if n_words < 1:
            raise ConfigError(f"n_words must be at least 1, got {n_words}.", "Change its value.")
        counts: Counter[str] = Counter()
        for text in cleaned:
            counts.update(text.split())
        if not counts:
            raise InputError("The texts hold no word.", "Check the text column.")
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return cls([word for word, _ in ranked[:n_words]])

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokens) and self.vocabulary == other.vocabulary

    __hash__ = None  # type: ignore[assignment]

    @property
    def n_codes(self) -> int:
        """Count the codes, padding and unknown included."""
        return len(self.vocabulary) + FIRST

    def encode(self, cleaned: Sequence[str]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the codes of all texts in a row, and where each text begins: `codes[offsets[i]:offsets[i + 1]]`."""
        return self.encode_words(text.split() for text in cleaned)

    def encode_words(self, texts: Iterable[Sequence[str]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the same for texts that are given as their words."""
        code_of = self._codes.get
        rows = [np.fromiter(map(code_of, words, repeat(UNKNOWN)), dtype=np.int32, count=len(words)) for words in texts]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        codes = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32)
        return codes, offsets

    def layer(self, length: int | None = None) -> Any:
        """Return a Keras TextVectorization layer with the same codes.

        It gives int64 (texts, length), cut at `length` words or padded with 0; without `length`, as wide as the batch
        needs. Imports TensorFlow.
        """
        import keras

        return keras.layers.TextVectorization(
            standardize=None,
            split="whitespace",
            output_mode="int",
            output_sequence_length=length,
            vocabulary=list(self.vocabulary),
            name="words",
        )
