from __future__ import annotations

import builtins
import hashlib
import inspect
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys.errors import ConfigError, InputError
from recsys.text import embed
from recsys.text.embed import Training, read_part
from recsys.text.vectors import train_vectors


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Write sentences of two topics that share no content words."""
    random = np.random.default_rng(0)
    topics = [["cat", "dog", "paw", "tail", "fur"], ["wheel", "brake", "gear", "seat", "road"]]
    return [" ".join(random.choice(topics[row % 2], 8)) for row in range(600)]


@pytest.mark.parametrize("algorithm", embed.ALGORITHMS)
def test_words_of_a_topic_lie_together(texts, algorithm, monkeypatch) -> None:
    monkeypatch.setattr(embed, "SUBSAMPLE", 0.1)  # ten words only: each of them is frequent
    monkeypatch.setattr(embed, "N_BUCKETS", 100)
    vectors = train_vectors(texts, 8, epochs=20, algorithm=algorithm, window=3)
    assert sorted(vectors.words) == sorted({word for text in texts for word in text.split()})
    assert {word for word, _ in vectors.neighbours("cat", 4)} == {"dog", "paw", "tail", "fur"}
    assert {word for word, _ in vectors.neighbours("road", 4)} == {"wheel", "brake", "gear", "seat"}
    assert vectors.matrix.shape == (10, 8)
    assert vectors.origin == (f"{algorithm} of 8 numbers (window 3, epochs 20, min_count 5, seed 0) on 600 texts")


PROGRAM = """
import hashlib
from recsys.text.vectors import train_vectors
vectors = train_vectors(["a b c d e f g h", "h g f e d c b a", "b a d c f e h g"] * 40, 5, seed=3)
print(hashlib.sha256(" ".join(vectors.words).encode() + vectors.matrix.tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True, text=True
    ).stdout.strip()
    texts = ["a b c d e f g h", "h g f e d c b a", "b a d c f e h g"] * 40
    hashes = []
    for seed in (3, 4):
        vectors = train_vectors(texts, 5, seed=seed)
        hashes.append(hashlib.sha256(" ".join(vectors.words).encode() + vectors.matrix.tobytes()).hexdigest())
    assert hashes[0] == other
    assert hashes[1] != other


def test_frequent_words_first_rare_ones_left_out() -> None:
    vectors = train_vectors(["often often often twice twice once"], 2, min_count=2)
    assert vectors.words == ["often", "twice"]


def test_no_token_of_a_long_text_is_left_out() -> None:
    assert train_vectors(["a " * 25_000 + "b"], 2, min_count=1, epochs=1).words == ["a", "b"]


def test_more_workers_say_that_they_are_not_reproducible(texts) -> None:
    assert "2 workers (not reproducible)" in train_vectors(texts, 2, epochs=1, workers=2).origin


def test_nothing_is_printed(texts, capfd) -> None:
    train_vectors(texts, 2, epochs=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("texts", [[], [""], ["few words"]])
def test_no_word_left(texts) -> None:
    with pytest.raises(InputError, match=f"No word occurs 5 times or more in {len(texts)} texts"):
        train_vectors(texts, 4)


@pytest.mark.parametrize(
    "setting, message",
    [
        ({"dim": 0}, "'dim' must be at least 1, got 0"),
        ({"window": 0}, "'window' must be at least 1"),
        ({"epochs": 0}, "'epochs' must be at least 1"),
        ({"min_count": 0}, "'min_count' must be at least 1"),
        ({"workers": 0}, "'workers' must be at least 1"),
        ({"seed": -1}, "'seed' must be at least 0"),
        ({"algorithm": "glove"}, "'algorithm' must be one of skip-gram, cbow, fasttext, got glove"),
    ],
)
def test_settings_out_of_range(texts, setting, message) -> None:
    with pytest.raises(ConfigError, match=message):
        train_vectors(texts, **{"dim": 4, **setting})


def test_without_gensim(texts, monkeypatch) -> None:
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name.startswith("gensim"):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'recsys\[text\]'"):
        train_vectors(texts, 4)


def test_defaults_are_said_alike() -> None:
    said = inspect.signature(train_vectors).parameters
    for field in fields(Training):
        assert said[field.name].default in (field.default, inspect.Parameter.empty)


def test_texts_of_a_part(tmp_path: Path) -> None:
    table = tmp_path / "reviews.parquet"
    pl.DataFrame({"phrase": ["a", None, "c"], "split": ["train", "Training", "dev"]}).write_parquet(table)
    assert read_part(table, ["text", "phrase"], None) == ["a", "", "c"]
    assert read_part(table, ["text", "phrase"], "train") == ["a", ""]
    assert read_part(table, ["phrase"], "dev") == ["c"]
    with pytest.raises(InputError, match="no rows of the part 'test'"):
        read_part(table, ["phrase"], "test")
    with pytest.raises(InputError, match="has no column 'text'"):
        read_part(table, ["text", "body"], None)
    plain = tmp_path / "lines.txt"
    plain.write_text("one line\nanother\n")
    assert read_part(plain, ["text"], None) == ["one line", "another"]
    with pytest.raises(InputError, match="has no part 'train'"):
        read_part(plain, ["text"], "train")
