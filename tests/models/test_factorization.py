from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.errors import ConfigError
from recsys.models import make_model
from recsys.models.base import Recommender
from recsys.models.collaborative import interaction_matrix
from recsys.models.factorization import (
    ALSConfig,
    ALSRecommender,
    BPRConfig,
    BPRRecommender,
    FactorRecommender,
    LMFConfig,
    LMFRecommender,
)
from tests.contract import RecommenderContract
from tests.worlds import camps

SMALL_ALS = ALSConfig(factors=8, regularization=1.0, iterations=5)
SMALL_BPR = BPRConfig(factors=8, learning_rate=0.1, iterations=100)
SMALL_LMF = LMFConfig(factors=8, iterations=30)


class TestALSContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return ALSRecommender(SMALL_ALS)


class TestBPRContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return BPRRecommender(SMALL_BPR)


class TestLMFContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return LMFRecommender(SMALL_LMF)


@pytest.fixture(scope="module")
def world() -> Dataset:
    return camps()


# -- ALS: the fold-in ----------------------------------------------------------------------------------------------


def test_als_solves_the_normal_equations_of_a_history_by_hand() -> None:
    model = ALSRecommender(ALSConfig(factors=2, regularization=0.5, alpha=3.0))
    vectors = np.array([[0, 0], [0, 0], [1, 0], [0, 2], [1, 1]], dtype=np.float32)
    model.arrays = {"item_vectors": vectors, "gram": vectors.T @ vectors + 0.5 * np.eye(2, dtype=np.float32)}
    # Y'Y + I/2 = [[2.5, 1], [1, 5.5]]; the history {2, 4} adds 2 [[2, 1], [1, 1]] and has the right side 3 (2, 1)
    expected = np.linalg.solve([[6.5, 3.0], [3.0, 7.5]], [6.0, 3.0])
    found = model.fold_in(interaction_matrix(Histories.from_lists([[2, 4], []]), 5))
    assert found == pytest.approx(np.array([expected, [0.0, 0.0]]), abs=1e-6)


@pytest.mark.parametrize("alpha", [1.0, 4.0])
def test_als_folds_in_as_implicit_does(world: Dataset, alpha: float) -> None:
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    config = ALSConfig(factors=8, regularization=0.7, alpha=alpha, iterations=5, seed=3)
    model = ALSRecommender(config).fit(world)
    seen = interaction_matrix(world.histories, world.n_codes)
    with threadpool_limits(1, user_api="blas"):
        twin = AlternatingLeastSquares(8, regularization=0.7, alpha=alpha, iterations=5, random_state=3)
        twin.fit(seen, show_progress=False)
        expected = twin.recalculate_user(np.arange(world.histories.n_users), seen)
    assert model.fold_in(seen) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_als_without_regularization_is_solvable_with_more_factors_than_titles(world: Dataset) -> None:
    model = ALSRecommender(ALSConfig(factors=64, regularization=0.0, iterations=3)).fit(world)
    assert np.isfinite(model.scores(world.histories)[:, 2:]).all()


# -- BPR and LMF: the average ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bpr", "lmf"])
def test_averages_the_vectors_of_a_history(name: str, world: Dataset) -> None:
    model = make_model(name, {"factors": 4}).fit(world)
    assert isinstance(model, FactorRecommender)
    vectors, biases = model.arrays["item_vectors"], model.arrays["biases"]
    person = vectors[[5, 9]].mean(axis=0) - vectors[world.histories.items].mean(axis=0)
    found = model.scores(Histories.from_lists([[5, 9, 5]]))[0, 2:]
    assert found == pytest.approx((vectors @ person + biases)[2:], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ["bpr", "lmf"])
def test_a_title_that_nobody_watched_has_the_lowest_bias_and_no_vector(name: str, world: Dataset) -> None:
    arrays: dict[str, np.ndarray] = make_model(name, {"factors": 4}).fit(world).arrays  # type: ignore[attr-defined]
    unseen = world.n_codes - 1
    assert arrays["biases"][unseen] == arrays["biases"].min()
    assert not arrays["item_vectors"][unseen].any()


def test_a_learning_rate_out_of_range_is_the_settings_fault(world: Dataset) -> None:
    with pytest.raises(ConfigError, match="ran out of the range of numbers"):
        BPRRecommender(BPRConfig(learning_rate=1e30, iterations=5)).fit(world)


# -- all -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [ALSRecommender(SMALL_ALS), BPRRecommender(SMALL_BPR), LMFRecommender(SMALL_LMF)],
    ids=lambda model: model.name,
)
def test_similar_titles_are_of_the_same_camp(model: Recommender) -> None:
    frame = model.fit(camps(200)).similar(100, k=6)
    assert set(frame["anime_id"]) <= set(range(101, 112))


@pytest.mark.parametrize(
    "name, base, setting, value",
    [
        ("als", SMALL_ALS, "factors", 9),
        ("als", SMALL_ALS, "regularization", 2.0),
        ("als", SMALL_ALS, "alpha", 3.0),
        ("als", SMALL_ALS, "iterations", 6),
        ("als", SMALL_ALS, "seed", 1),
        ("bpr", SMALL_BPR, "factors", 9),
        ("bpr", SMALL_BPR, "learning_rate", 0.05),
        ("bpr", SMALL_BPR, "regularization", 0.1),
        ("bpr", SMALL_BPR, "iterations", 99),
        ("bpr", SMALL_BPR, "seed", 1),
        ("lmf", SMALL_LMF, "factors", 9),
        ("lmf", SMALL_LMF, "learning_rate", 0.5),
        ("lmf", SMALL_LMF, "regularization", 1.0),
        ("lmf", SMALL_LMF, "iterations", 29),
        ("lmf", SMALL_LMF, "negatives", 1),
        ("lmf", SMALL_LMF, "seed", 1),
    ],
)
def test_every_setting_counts(name: str, base: Any, setting: str, value: Any, world: Dataset) -> None:
    usual, changed = make_model(name, base.to_mapping()), make_model(name, base.to_mapping() | {setting: value})
    assert not np.array_equal(usual.fit(world).scores(world.histories), changed.fit(world).scores(world.histories))


def test_marks_each_known_title_of_a_history_once() -> None:
    matrix = interaction_matrix(Histories.from_lists([[3, 1, 3, 2], [], [0, 4]]), 5)
    assert matrix.toarray().tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
