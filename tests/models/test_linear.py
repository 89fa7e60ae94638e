from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.errors import ConfigError
from recsys.models import linear, make_model
from recsys.models.base import Recommender
from recsys.models.collaborative import interaction_matrix
from recsys.models.linear import EASEConfig, EASERecommender, gram_matrix, solve_weights
from recsys.ranking.filters import Filters
from tests.contract import RecommenderContract
from tests.worlds import camps


class TestEASEContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return EASERecommender(EASEConfig(regularization=10.0))


class TestEASEOfFewTitlesContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return EASERecommender(EASEConfig(regularization=10.0, max_titles=20))


def plain(**settings: Any) -> EASERecommender:
    return EASERecommender(EASEConfig(**{"regularization": 1.0, "discount": 0.0} | settings))


@pytest.fixture
def three(small: Dataset) -> Dataset:
    """Give three people: all watched title 10, two of them 11 as well."""
    return small.with_histories(Histories.from_lists([[2, 3], [3, 2], [2]]))


def test_two_titles_by_hand(three: Dataset) -> None:
    """X'X + I is [[4, 2], [2, 3]], its inverse [[3, -2], [-2, 4]] / 8: the weights are 2/4 and 2/3."""
    model = plain().fit(three)
    scores = model.scores(Histories.from_lists([[2], [3], [2, 3], []]))
    assert scores[:3, 2:4] == pytest.approx(np.array([[0, 1 / 2], [2 / 3, 0], [2 / 3, 1 / 2]]))
    assert scores[3, 2:4] == pytest.approx([1, 2 / 3]), "without a history: the share of people who watched it"
    assert scores[1, 4:] == pytest.approx([-1] * 9), "nobody watched the others"
    assert model.similar(11)["score"].to_list() == pytest.approx([2 / 3])


def test_the_discount_divides_by_a_power_of_the_watchers(three: Dataset) -> None:
    scores = plain(discount=0.5).fit(three).scores(Histories.from_lists([[2], [3]]))
    assert scores[0, 3] == pytest.approx(1 / 2 / np.sqrt(2))
    assert scores[1, 2] == pytest.approx(2 / 3 / np.sqrt(3))


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_weights_are_the_ridge_regressions_of_each_title_on_the_others(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "BLOCK", block)
    world = camps(30)
    seen = interaction_matrix(world.histories, world.n_codes)[:, 2:27]
    dense = seen.toarray().astype(np.float64)
    weights = solve_weights(gram_matrix(seen, np.dtype(np.float64)), 3.0)
    for title in range(dense.shape[1]):
        others = np.delete(np.arange(dense.shape[1]), title)
        X = dense[:, others]
        expected = np.linalg.solve(X.T @ X + 3.0 * np.eye(len(others)), X.T @ dense[:, title])
        assert weights[others, title] == pytest.approx(expected, abs=1e-6)
    assert weights.dtype == np.float32
    assert not weights.diagonal().any()


def test_a_weak_regularization_is_solved_in_double_precision() -> None:
    world = camps(200)
    single, double = plain(regularization=100.0).fit(world), plain(regularization=0.001).fit(world)
    assert (single.facts["precision"], double.facts["precision"]) == ("float32", "float64")
    codes = double.arrays["codes"]
    gram = gram_matrix(interaction_matrix(world.histories, world.n_codes)[:, codes], np.dtype(np.float64))
    assert double.arrays["weights"] == pytest.approx(solve_weights(gram, 0.001), abs=1e-6)
    assert double.arrays["weights"].dtype == np.float32


def test_a_regression_without_a_solution_is_the_settings_fault() -> None:
    with pytest.raises(ConfigError, match=r"regularization=0 .* no stable solution. Set a higher one"):
        solve_weights(np.ones((3, 3)), 0.0)


def test_the_order_of_a_history_and_repeats_do_not_count() -> None:
    model = plain().fit(camps())
    there, back = model.scores(Histories.from_lists([[2, 5, 9], [9, 2, 5, 5, 2]]))
    assert np.array_equal(there, back)


def test_titles_beyond_the_most_watched_follow_by_popularity() -> None:
    world = camps()
    model = plain(max_titles=10).fit(world)
    watchers = np.bincount(world.histories.items, minlength=world.n_codes)
    kept = model.arrays["codes"]
    others = np.setdiff1d(np.arange(2, world.n_codes), kept)
    assert len(kept) == 10
    assert watchers[kept].min() >= watchers[others].max()
    for row in model.scores(Histories.from_lists([[int(kept[0])], kept[:5].tolist()])):
        assert row[kept].min() > row[others].max()
        assert np.array_equal(np.argsort(-row[others], kind="stable"), np.argsort(-watchers[others], kind="stable"))
    only_others = Histories.from_lists([[int(others[0])], []])
    assert np.array_equal(*model.scores(only_others)), "a history without a kept title is as good as none"


def test_says_what_memory_is_missing_and_what_would_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "available_memory", lambda: 1000.0)
    monkeypatch.setattr(linear, "GB", 1e3)
    with pytest.raises(ConfigError, match=r"needs 2\.5 GB .* 25 titles, and 1\.0 GB are free") as caught:
        EASERecommender().fit(camps())
    assert caught.value.hint.endswith("--set max_titles=15.")
    assert EASERecommender(EASEConfig(max_titles=15)).fit(camps()).facts["titles_with_weights"] == 15


def test_memory_that_runs_out_on_the_way_is_reported_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(linear, "gram_matrix", fail)
    monkeypatch.setattr(linear, "available_memory", lambda: None)
    with pytest.raises(
        ConfigError, match=r"EASE needs 0\.0 GB .* between 25 titles, and the system gave less\. Give weights"
    ):
        EASERecommender().fit(camps())


def test_similar_titles_are_of_the_same_camp() -> None:
    assert set(EASERecommender().fit(camps(200)).similar(100, k=6)["anime_id"]) <= set(range(101, 112))


def test_recommends_from_the_own_camp(small: Dataset) -> None:
    frame = EASERecommender().fit(small).recommend([101], k=3, filters=Filters(adult=True))
    assert frame["anime_id"][0] == 14


@pytest.mark.parametrize("changed", [{"regularization": 50.0}, {"discount": 0.5}, {"max_titles": 8}])
def test_every_setting_counts(changed: dict[str, Any]) -> None:
    world = camps()
    usual, other = make_model("ease").fit(world), make_model("ease", changed).fit(world)
    assert not np.array_equal(usual.scores(world.histories), other.scores(world.histories))
