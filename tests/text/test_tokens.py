from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recsys.errors import ConfigError, InputError
from recsys.text.clean import clean
from recsys.text.tokens import FIRST, PADDING, UNKNOWN, Tokens

LENGTH = 6
WORDS = ("the", ".", "film", "it's", '"', "café", "最", "हिन्दी", "i\u0307stanbul", "1")


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Give the layer as made, and inside a model that was saved and reloaded."""
    import keras

    tokens = Tokens(WORDS)
    ragged, layer = tokens.layer(), tokens.layer(LENGTH)
    texts = keras.Input((1,), dtype="string")
    model = keras.Model(texts, layer(texts))
    path = Path(tmp_path_factory.mktemp("layer")) / "words.keras"
    model.save(path)
    return [ragged, layer, keras.models.load_model(path, safe_mode=True)]


def test_codes_follow_frequency_then_spelling() -> None:
    tokens = Tokens.learn(["b b c", "a c d"], n_words=3)
    assert tokens.vocabulary == ("b", "c", "a")
    assert tokens.n_codes == 5
    codes, offsets = tokens.encode(["a b", "", "z", "c c c"])
    assert codes.tolist() == [FIRST + 2, FIRST, UNKNOWN, FIRST + 1, FIRST + 1, FIRST + 1]
    assert offsets.tolist() == [0, 2, 2, 3, 6]
    assert codes.dtype == np.int32
    assert offsets.dtype == np.int64


def test_no_texts_have_no_codes() -> None:
    codes, offsets = Tokens(["a"]).encode([])
    assert codes.tolist() == []
    assert offsets.tolist() == [0]


def test_order_of_texts_changes_no_code() -> None:
    texts = ["b a", "a c", "c b d"]
    assert Tokens.learn(texts, 10) == Tokens.learn(texts[::-1], 10)


@given(st.lists(st.text(), min_size=1, max_size=8))
@example([""])
@example(["the film .", "", 'it\'s 最高 हिन्दी café İstanbul "1" the the the the'])
@settings(max_examples=60)
def test_codes_are_those_of_keras(layers: list[Any], texts: list[str]) -> None:
    cleaned = [clean(text, ("html", "contractions")) for text in texts] + [clean(f"the {text} film") for text in texts]
    codes, offsets = Tokens(WORDS).encode(cleaned)
    rows = [codes[start:end].tolist() for start, end in pairwise(offsets)]
    ragged, layer, reloaded = layers
    width = max(map(len, rows))
    assert np.asarray(ragged(cleaned)).tolist() == [row + [PADDING] * (width - len(row)) for row in rows]
    wanted = [(row + [PADDING] * LENGTH)[:LENGTH] for row in rows]
    assert np.asarray(layer(cleaned)).tolist() == wanted
    assert np.asarray(reloaded(np.array(cleaned, dtype=object)[:, None])).tolist() == wanted


@given(st.lists(st.text(), min_size=1), st.integers(1, 20))
def test_a_learned_vocabulary_makes_a_layer_with_its_codes(texts: list[str], n_words: int) -> None:
    cleaned = [clean(text) for text in texts] + ["film"]
    tokens = Tokens.learn(cleaned, n_words)
    assert len(tokens) <= n_words
    codes, _ = tokens.encode(cleaned)
    spelled = ["", "[UNK]", *tokens.vocabulary]
    flat = " ".join(cleaned).split()
    assert [spelled[code] for code in codes] == [word if word in tokens.vocabulary else "[UNK]" for word in flat]


def test_keras_lists_the_same_vocabulary() -> None:
    tokens = Tokens(WORDS)
    assert tokens.layer().get_vocabulary() == ["", "[UNK]", *WORDS]
    assert tokens.layer().vocabulary_size() == tokens.n_codes


def test_bad_vocabularies_are_refused() -> None:
    with pytest.raises(InputError, match="distinct, got 'a' twice"):
        Tokens(["a", "b", "a"])
    for word in ("", "a b", "[UNK]", "a\n"):
        with pytest.raises(InputError, match="must hold no white space"):
            Tokens([word])
    with pytest.raises(ConfigError, match="n_words must be at least 1, got 0"):
        Tokens.learn(["a"], 0)
    with pytest.raises(InputError, match="The texts hold no word"):
        Tokens.learn(["", ""], 5)
