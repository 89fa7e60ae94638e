import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.text.codes import Codes
from recsys.text.config import TextConfig
from recsys.text.ngrams import balance, distinct_buckets, fit_wide, wide_logits

CONFIG = TextConfig(ngrams=2, n_buckets=4096, output="sigmoid")


def ragged(*texts: list[int]) -> Codes:
    lengths = np.array([len(text) for text in texts])
    values = np.array([code for text in texts for code in text], dtype=np.int32)
    return Codes(values, np.cumsum(lengths) - lengths, lengths)


def test_an_ngram_counts_once_and_padding_never():
    def kinds(*codes: int) -> set[int]:
        found = distinct_buckets(np.array([codes], dtype=np.int32), CONFIG)[0]
        assert len(set(found[found > 0])) == (found > 0).sum()
        return set(found[found > 0].tolist())

    assert len(kinds(5, 6, 0)) == 3  # 5, 6, "5 6"
    assert kinds(5, 6) == kinds(5, 6, 0, 0)
    assert kinds(5, 6, 5, 6, 0) == kinds(5, 6) | kinds(6, 5)


@given(st.lists(st.lists(st.integers(1, 30_000), max_size=12), min_size=1, max_size=6), st.integers(1, 3))
def test_the_network_finds_the_same_buckets(texts, ngrams):
    from recsys.text.network import ngram_buckets

    config = TextConfig(ngrams=ngrams, n_buckets=1000)
    codes = ragged(*texts).padded(np.arange(len(texts)))
    here, there = distinct_buckets(codes, config), np.asarray(ngram_buckets(codes, config))
    for ours, theirs in zip(here, there, strict=True):
        assert set(ours) - {0} == set(theirs) - {0}


def test_the_word_that_tells_gets_the_weight():
    codes = ragged(*[[2, 7], [3, 7]] * 20)
    labels = np.array([1, 0] * 20, dtype=np.int32)
    weights, intercepts = fit_wide(codes, labels, CONFIG, 2)
    assert weights.shape == (4096, 1)
    assert intercepts.shape == (1,)
    logits = wide_logits(ragged([2], [3], [7], []), weights, intercepts, CONFIG)[:, 0]
    assert logits[0] > 1 > -1 > logits[1]
    assert logits[2:] == pytest.approx(0, abs=0.05)


def test_a_rare_class_is_not_guessed_from_nothing():
    codes = ragged(*[[2]] * 90, *[[3]] * 10)
    labels = np.repeat([0, 1], [90, 10]).astype(np.int32)
    config = TextConfig(ngrams=1, n_buckets=64)
    logits = wide_logits(ragged([]), *fit_wide(codes, labels, config, 2), config)
    assert logits[0].argmax() == 0


def test_balance_trusts_who_is_right():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 400).astype(np.int32)
    right = (2 * labels - 1 + random.normal(0, 1, 400)).astype(np.float32)[:, None]
    noise = random.normal(0, 1, (400, 1)).astype(np.float32)
    (of_right, of_noise), _ = balance([right, noise], labels)
    assert of_right > 1
    assert of_noise < 0.3
    assert balance([-right, noise], labels)[0][0] == pytest.approx(0, abs=1e-6)


def test_balance_gives_back_what_leans_to_one_class():
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 2000).astype(np.int32)
    scores = (2 * labels - 1 + random.normal(0, 1, 2000)).astype(np.float32)[:, None]
    factors, intercepts = balance([scores + 3, scores + 3, scores + 3], labels)
    assert intercepts[0] == pytest.approx(-3 * factors.sum(), rel=0.1)
    two = np.hstack([np.zeros_like(scores), scores])
    factors, intercepts = balance([two + np.array([0, 3]), two], labels)
    assert intercepts.sum() == pytest.approx(0, abs=1e-3)
    assert intercepts[1] < 0
