"""Small corpora whose answer is known."""

from __future__ import annotations

import numpy as np

from recsys.text.corpus import Corpus

GOOD, BAD = ("good", "great", "fun"), ("bad", "dull", "awful")
NEUTRAL = ("a", "film", "with", "the", "cast", "and", "plot", "it", "is", "of", "this", "we", "saw", "on", "day")


def mixed_reviews(n: int, seed: int, *, noise: bool = False) -> Corpus:
    """Give reviews whose one word of feeling tells the class; as noise, the classes are drawn apart from the words."""
    random = np.random.default_rng(seed)
    told = random.integers(0, 2, n).astype(np.int32)
    texts = []
    for sign in told:
        words = [*random.choice(NEUTRAL, random.integers(1, 12)), random.choice((BAD, GOOD)[sign])]
        texts.append(" ".join(random.permutation(words)))
    labels = random.integers(0, 2, n).astype(np.int32) if noise else told
    return Corpus(texts, labels, ("neg", "pos"))


def ordered_reviews(n: int, seed: int) -> Corpus:
    """Give reviews of the same words, where the order alone tells the class: "not good but bad" or the other way."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, n).astype(np.int32)
    words = [("not good but bad", "not bad but good")[label] for label in labels]
    texts = [f"{' '.join(random.choice(NEUTRAL, random.integers(0, 5)))} {told}" for told in words]
    return Corpus(texts, labels, ("neg", "pos"))
