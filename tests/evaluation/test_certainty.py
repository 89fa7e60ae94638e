from __future__ import annotations

import numpy as np
import pytest

import evaluation.certainty
from evaluation.certainty import bootstrap, clear_winner


def test_the_interval_of_a_share_is_the_textbook_one():
    values = np.zeros((1000, 1))
    values[:300] = 1
    [interval] = bootstrap(values)
    error = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    assert interval.value == pytest.approx(0.3)
    assert interval.low == pytest.approx(0.3 - error, abs=0.004)
    assert interval.high == pytest.approx(0.3 + error, abs=0.004)


def test_a_constant_is_certain():
    [interval] = bootstrap(np.full((20, 1), 0.25))
    assert interval == pytest.approx((0.25, 0.25, 0.25))


def test_the_seed_decides_the_draws():
    values = np.random.default_rng(0).random((50, 2))
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    assert bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_columns_do_not_disturb_each_other():
    values = np.random.default_rng(0).random((50, 2))
    np.testing.assert_allclose(bootstrap(values)[1], bootstrap(values[:, 1:])[0])


def test_drawing_in_chunks_changes_nothing(monkeypatch):
    values = np.random.default_rng(0).random((50, 2))
    whole = bootstrap(values)
    monkeypatch.setattr(evaluation.certainty, "_CHUNK", 777)
    np.testing.assert_allclose(bootstrap(values), whole)


def test_a_winner_must_be_clear():
    rng = np.random.default_rng(0)
    base = rng.random(400)
    assert clear_winner([base, base + 0.01 + 0.01 * rng.random(400)]) == 1  # small, but for everyone
    assert clear_winner([base, base]) is None
    assert clear_winner([base, base + rng.normal(0, 0.3, 400)]) is None
    assert clear_winner([base]) is None
