from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.models import make_model, slim
from recsys.models.base import Recommender
from recsys.models.collaborative import interaction_matrix
from recsys.models.linear import EASEConfig, EASERecommender
from recsys.models.slim import SLIMConfig, SLIMRecommender, solve_among, strongest
from tests.contract import RecommenderContract
from tests.worlds import camps


class TestSLIMContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return SLIMRecommender(SLIMConfig(regularization=10.0, neighbours=8))


class TestSLIMOfFewTitlesContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return SLIMRecommender(SLIMConfig(regularization=10.0, neighbours=5, max_titles=20))


def plain(**settings: Any) -> SLIMRecommender:
    return SLIMRecommender(SLIMConfig(**{"regularization": 1.0, "discount": 0.0} | settings))


def test_one_predictor_by_hand(small: Dataset) -> None:
    """Of three people all watched 10, two 11 as well and one 12: with one predictor the weight is both / (one + 1)."""
    three = small.with_histories(Histories.from_lists([[2, 3], [3, 2, 4], [2]]))
    scores = plain(neighbours=1).fit(three).scores(Histories.from_lists([[2], [3], [4]]))
    assert scores[:, 3] == pytest.approx([2 / 4, 0, 0]), "11 is predicted from 10 alone, which 3 watched"
    assert scores[:, 2] == pytest.approx([0, 2 / 3, 0]), "10 from 11, which 2 watched"


def test_the_strongest_are_the_largest_weights_by_size() -> None:
    weights = np.array([[0, -3, 2], [1, 0, 1], [-2, 1, 0]], dtype=np.float32)
    assert strongest(weights, 1).tolist() == [[2], [0], [0]]
    assert strongest(weights, 9).tolist() == [[1, 2], [0, 2], [0, 1]]
    assert strongest(np.zeros((1, 1), dtype=np.float32), 9).shape == (1, 0)


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_weights_are_the_ridge_regressions_on_the_predictors(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slim, "SYSTEMS", block)
    world = camps(30)
    dense = interaction_matrix(world.histories, world.n_codes)[:, 2:27].toarray().astype(np.float64)
    monkeypatch.setattr(slim, "BLOCK", block)
    predictors = strongest(np.random.default_rng(0).standard_normal((25, 25)).astype(np.float32), 4)
    weights = solve_among(dense.T @ dense, predictors, 3.0).toarray()
    for title in range(25):
        chosen = predictors[title]
        assert title not in chosen
        X = dense[:, chosen]
        expected = np.linalg.solve(X.T @ X + 3.0 * np.eye(4), X.T @ dense[:, title])
        assert weights[chosen, title] == pytest.approx(expected, abs=1e-6)
    assert np.count_nonzero(weights) <= 25 * 4


def test_with_all_other_titles_as_predictors_it_is_ease() -> None:
    world = camps()
    ease = EASERecommender(EASEConfig(regularization=1.0)).fit(world)
    everyone = SLIMRecommender(SLIMConfig(regularization=1.0, neighbours=1000)).fit(world)
    assert everyone.scores(world.histories) == pytest.approx(ease.scores(world.histories), abs=1e-4)


def test_serves_data_of_a_single_title(small: Dataset) -> None:
    lonely = small.with_histories(Histories.from_lists([[2], [2]]))
    scores = plain().fit(lonely).scores(Histories.from_lists([[2], []]))
    assert np.isfinite(scores[:, 2:]).all()


def test_the_order_of_a_history_and_repeats_do_not_count() -> None:
    model = plain(neighbours=5).fit(camps())
    there, back = model.scores(Histories.from_lists([[2, 5, 9], [9, 2, 5, 5, 2]]))
    assert np.array_equal(there, back)


@pytest.mark.parametrize("changed", [{"regularization": 50.0}, {"discount": 0.5}, {"neighbours": 3}, {"max_titles": 8}])
def test_every_setting_counts(changed: dict[str, Any]) -> None:
    world = camps()
    usual, other = make_model("slim").fit(world), make_model("slim", changed).fit(world)
    assert not np.array_equal(usual.scores(world.histories), other.scores(world.histories))
