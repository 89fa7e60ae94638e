"""A memory beside the network: short texts of the training part, word for word, with the classes that they had there.

A phrase that people judged once keeps its judgement when it comes again; a network that must also tell of phrases that
it never saw forgets some of them. A saved model holds these texts as they are (cleaned).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

TINY = 1e-30
"""Stands for a probability of 0, whose logarithm is none."""
PRIOR = 0.01
"""Added to the count of each class, so that no class is impossible."""


class Memory:
    """Map known texts to what speaks for each class, as logits; a text that is not known has zeros.

    >>> memory = Memory.learn(["fine", "fine", "so fine"], np.array([0, 0, 1]), n_classes=2, n_words=1)
    >>> memory.logits(["fine", "so fine"]).round(2).tolist()
    [[2.65, -2.65], [0.0, 0.0]]
    """

    def __init__(self, texts: Sequence[str], counts: npt.ArrayLike, n_classes: int, factor: float = 1.0) -> None:
        self.texts = tuple(texts)
        self.counts: npt.NDArray[np.int32] = np.asarray(counts, dtype=np.int32).reshape(len(self.texts), n_classes)
        """How often each text had each class, (n_texts, n_classes)."""
        self.factor = factor
        """How much `recall` makes of the logits."""
        self._rows = {text: row for row, text in enumerate(self.texts, start=1)}
        speaks = np.log(self.counts + PRIOR)
        self._table = np.zeros((len(self.texts) + 1, n_classes))
        self._table[1:] = speaks - speaks.mean(axis=1, keepdims=True)

    @classmethod
    def learn(cls, cleaned: Sequence[str], labels: npt.NDArray[np.integer], n_classes: int, n_words: int) -> Self:
        """Remember the texts of 1 to `n_words` words, in the order of their first appearance."""
        counts: dict[str, npt.NDArray[np.int32]] = {}
        for text, label in zip(cleaned, labels, strict=True):
            if 0 < len(text.split()) <= n_words:
                counts.setdefault(text, np.zeros(n_classes, dtype=np.int32))[label] += 1
        return cls(list(counts), list(counts.values()), n_classes)

    @classmethod
    def from_mapping(cls, content: Mapping[str, Any]) -> Self:
        """Make what `to_mapping` wrote."""
        return cls(content["texts"], content["counts"], content["n_classes"], content["factor"])

    def to_mapping(self) -> dict[str, Any]:
        """Return the whole of it as JSON can hold it."""
        return {
            "factor": self.factor,
            "n_classes": self.counts.shape[1],
            "texts": list(self.texts),
            "counts": self.counts.tolist(),
        }

    def __len__(self) -> int:
        return len(self.texts)

    def logits(self, cleaned: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return what speaks for each class, (n_texts, n_classes)."""
        row_of = self._rows.get
        logits: npt.NDArray[np.float64] = self._table[[row_of(text, 0) for text in cleaned]]
        return logits

    def recall(self, cleaned: Sequence[str], probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return a network's probabilities, (n_texts, n_classes), changed by what is known of these texts."""
        logits = np.log(np.maximum(probabilities, TINY)) + (self.factor * self.logits(cleaned)).astype(np.float32)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        told: npt.NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return told

    def layers(self, texts: Any, probabilities: Any) -> Any:
        """Do the same inside a Keras network: cleaned texts (B, 1), probabilities (B, n_classes)."""
        from keras import layers, ops

        row = layers.StringLookup(vocabulary=list(self.texts), name="known_texts")(texts)
        table = layers.Embedding(*self._table.shape, trainable=False, name="memory")
        logits = ops.log(ops.maximum(probabilities, TINY)) + table(row)[:, 0]
        table.set_weights([self.factor * self._table])
        return ops.softmax(logits)
