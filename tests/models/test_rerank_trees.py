"""The second stage's trees, and the lists of candidates that they are grown on."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from recsys.errors import ConfigError
from recsys.models.rerank.candidates import Floats
from recsys.models.rerank.config import RerankConfig
from recsys.models.rerank.recommender import list_quality
from recsys.models.rerank.trees import Lists, Trees


def lists_of(n_people: int, rule: bool, seed: int = 0) -> Lists:
    """Give each person ten candidates, one wanted: that with the highest second feature, or any."""
    rng = np.random.default_rng(seed)
    features = rng.random((n_people, 10, 3)).astype(np.float32)
    wanted = features[:, :, 1].argmax(axis=1) if rule else rng.integers(0, 10, n_people)
    rows = np.repeat(np.arange(n_people), 10)
    return Lists(
        rows, np.tile(np.arange(10), n_people), (wanted[:, None] == np.arange(10)).ravel(), features.reshape(-1, 3)
    )


def test_trees_learn_a_rule_and_nothing_from_noise() -> None:
    config = RerankConfig.from_flags(["trees=60", "cutoff=3"])
    ones = np.ones(300, dtype=np.int64)
    values = []
    for rule in (True, False):
        trees, other = Trees.grow(lists_of(600, rule), config, ["a", "b: x", "c"]), lists_of(300, rule, seed=1)
        values.append(list_quality(other, trees.score(other.features), ones, 3)[0].mean())
        if rule:
            assert trees.gains().argmax() == 1
    assert values[0] > 0.8
    assert values[1] == pytest.approx((1 + 1 / np.log2(3) + 0.5) / 10, abs=0.08)


def test_trees_come_back_from_their_text() -> None:
    lists = lists_of(100, True)
    trees = Trees.grow(lists, RerankConfig(), ["a", "b", "c"])
    assert np.array_equal(Trees(trees.text).score(lists.features), trees.score(lists.features))
    assert Trees(trees.text).score(lists.features[:0]).shape == (0,)
    with pytest.raises(ValueError, match="LightGBM does not read"):
        Trees("no trees").score(lists.features)
    with pytest.raises(ValueError, match="grown on other features than this version has"):
        trees.check(["a", "b"])


def test_learning_goes_on_from_the_scores_that_its_trees_give(monkeypatch: pytest.MonkeyPatch) -> None:
    import lightgbm

    lists, believed, train = lists_of(300, True), [], lightgbm.train

    def note(scores: Floats, data: Any) -> tuple[str, float, bool]:
        believed.append(scores.copy())
        return "nothing", 0.0, True

    monkeypatch.setattr(lightgbm, "train", lambda *args, **kw: train(*args, valid_sets=[args[1]], feval=note, **kw))
    trees = Trees.grow(lists, RerankConfig.from_flags(["trees=20"]), ["a", "b", "c"])
    np.testing.assert_allclose(believed[-1], trees.score(lists.features), atol=1e-5)


def test_without_lightgbm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ConfigError, match="needs the package lightgbm"):
        Trees.grow(lists_of(20, True), RerankConfig(), ["a", "b", "c"])


def test_lists_of_other_people_are_joined() -> None:
    parts = [lists_of(3, True), lists_of(2, True, seed=1), lists_of(2, True, seed=2).of(np.array([False, True]))]
    joined = Lists.joined(parts)
    assert joined.rows.tolist() == [person for person in (0, 1, 2, 3, 4, 6) for _ in range(10)]
    assert joined.n_users == 6
    assert np.array_equal(joined.features, np.concatenate([part.features for part in parts]))
    assert joined.wanted.sum() == 6
