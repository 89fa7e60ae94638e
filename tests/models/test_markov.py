from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST, UNKNOWN
from recsys.errors import ConfigError
from recsys.models import make_model, markov
from recsys.models.base import Recommender
from recsys.models.markov import MarkovConfig, MarkovRecommender, count_transitions, expect_transitions, keep_largest
from tests.contract import RecommenderContract, UnorderedContract
from tests.worlds import camps, chains


class TestMarkovContract(RecommenderContract):
    learns = "order"

    @classmethod
    def make(cls) -> Recommender:
        return MarkovRecommender(MarkovConfig(smoothing=5.0))


class TestFirstOrderContract(RecommenderContract):
    learns = "order"

    @classmethod
    def make(cls) -> Recommender:
        return MarkovRecommender(MarkovConfig(window=1, last=1, smoothing=5.0))


class TestFewSuccessorsContract(RecommenderContract):
    learns = "order"

    @classmethod
    def make(cls) -> Recommender:
        return MarkovRecommender(MarkovConfig(smoothing=5.0, successors=5))


class TestUnorderedContract(UnorderedContract):
    """Data without an order: any two titles of a history are a pair."""

    @classmethod
    def make(cls) -> Recommender:
        return MarkovRecommender(MarkovConfig(smoothing=5.0))


def chain(**settings: Any) -> MarkovRecommender:
    return MarkovRecommender(MarkovConfig(**{"window": 1, "last": 1, "smoothing": 1.0} | settings))


@pytest.fixture
def three(small: Dataset) -> Dataset:
    """Give three people: after title 10 came 11 twice and 12 once, after 11 came 12 once."""
    return small.with_histories(Histories.from_lists([[2, 3, 4], [2, 3], [2, 4]]))


def test_a_first_order_chain_by_hand(three: Dataset) -> None:
    model = chain().fit(three)
    popularity = np.array([3, 2, 2]) / 7
    after_10, after_11, after_12, nothing = model.scores(Histories.from_lists([[4, 2], [3], [4], []]))
    assert after_10[2:5] == pytest.approx((np.array([0, 2, 1]) + popularity) / 4)
    assert after_11[2:5] == pytest.approx((np.array([0, 0, 1]) + popularity) / 2)
    assert after_12[2:5] == pytest.approx(popularity), "nothing ever came after it"
    assert nothing[2:5] == pytest.approx(popularity)
    assert model.similar(10)["anime_id"].to_list() == [11, 12]
    assert model.similar(10)["score"].to_list() == pytest.approx([2 / 4, 1 / 4])
    assert model.similar(12).height == 0


def test_titles_further_apart_count_less(three: Dataset) -> None:
    scores = chain(window=2, window_decay=0.5).fit(three).scores(Histories.from_lists([[2]]))[0]
    assert scores[2:5] == pytest.approx((np.array([0, 2, 1 + 0.5]) + np.array([3, 2, 2]) / 7) / 4.5)


def test_titles_further_back_have_a_smaller_vote(three: Dataset) -> None:
    one = chain().fit(three).scores(Histories.from_lists([[2], [3]]))
    two = chain(last=2, decay=0.5).fit(three).scores(Histories.from_lists([[4, 2, 3], [2, UNKNOWN, 3]]))
    assert two[:, FIRST:] == pytest.approx(np.array([(one[1] + one[0] / 2) / 1.5] * 2)[:, FIRST:])


def test_without_smoothing_only_what_followed_is_likely(three: Dataset) -> None:
    scores = chain(smoothing=0).fit(three).scores(Histories.from_lists([[2], [4]]))
    assert scores[0, FIRST:] == pytest.approx([0, 2 / 3, 1 / 3] + [0] * 8)
    assert scores[1, 2:5] == pytest.approx(np.array([3, 2, 2]) / 7)


def test_popularity_has_the_probability_of_what_is_not_kept(three: Dataset) -> None:
    model = chain(successors=1).fit(three)
    popularity = np.array([3, 2, 2]) / 7
    after_10, after_11 = model.scores(Histories.from_lists([[2], [3]]))
    assert after_10[2:5] == pytest.approx((np.array([0, 2, 0]) + (1 + 1) * popularity) / 4)
    assert after_11[2:5] == pytest.approx((np.array([0, 0, 1]) + popularity) / 2)
    assert model.similar(10)["anime_id"].to_list() == [11]
    assert model.facts["different_transitions"] == 2


@pytest.mark.parametrize("order", [Order.LISTED, Order.NONE])
@pytest.mark.parametrize("block", [1, 5, 512])
def test_keeping_all_of_them_changes_nothing(order: Order, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markov, "BLOCK", block)
    world = replace(camps(), order=order)
    whole = MarkovRecommender().fit(world).scores(world.histories)
    assert MarkovRecommender(MarkovConfig(successors=10**6)).fit(world).scores(world.histories) == pytest.approx(whole)


def test_of_like_ones_the_lower_codes_are_kept() -> None:
    matrix = csr_matrix(np.array([[0, 2, 1, 2, 2], [0, 0, 0, 0, 0], [3, 0, 1, 1, 0]], dtype=np.float32))
    kept, dropped = keep_largest(matrix.__getitem__, 3, 2)
    assert kept.toarray().tolist() == [[0, 2, 0, 2, 0], [0, 0, 0, 0, 0], [3, 0, 1, 0, 0]]
    assert dropped.tolist() == [3, 0, 1]


def test_a_title_does_not_follow_itself() -> None:
    counts = count_transitions(Histories.from_lists([[2, 2, 3], [3], []]), 5, 2, 0.5)
    assert counts.toarray()[2].tolist() == [0, 0, 0, 1.5, 0]
    assert counts.nnz == 1


def test_transitions_do_not_cross_from_one_person_to_the_next() -> None:
    assert count_transitions(Histories.from_lists([[2], [3], [4, 5]]), 6, 3, 1.0).nnz == 1
    assert count_transitions(Histories.from_lists([[2], [3]]), 6, 3, 1.0).nnz == 0


@pytest.mark.parametrize("window, decay", [(1, 1.0), (2, 0.5), (10, 0.8), (2, 0.0)])
def test_without_an_order_the_mean_over_all_orders_is_counted(window: int, decay: float) -> None:
    lists = [[2, 3, 4, 5], [3, 6], [4], []]
    orders = [list(permutations(row)) for row in lists]
    mean = sum(
        count_transitions(Histories.from_lists(possible), 7, window, decay).toarray() / len(possible)
        for possible in orders
    )
    found = expect_transitions(Histories.from_lists(lists), 7, window, decay)
    assert found.toarray() == pytest.approx(mean, abs=1e-6)


def test_without_an_order_the_order_does_not_count() -> None:
    world = replace(camps(), order=Order.NONE)
    model = MarkovRecommender().fit(world)
    assert model.facts["transitions"] == "any pair inside a history: no order"
    there, back = model.scores(Histories.from_lists([[2, 5, 9], [9, 2, 5]]))
    assert np.array_equal(there, back)


@given(
    st.lists(st.lists(st.integers(FIRST, 12), max_size=8), min_size=1, max_size=6),
    st.floats(0, 100),
    st.integers(0, 4),
)
@example([[]], 5e-324, 0)  # one divided by it is no number
def test_scores_are_a_distribution(rows: list[list[int]], smoothing: float, successors: int) -> None:
    world = camps(20)
    model = MarkovRecommender(MarkovConfig(smoothing=smoothing, successors=successors)).fit(world)
    scores = model.scores(Histories.from_lists(rows))[:, FIRST:]
    assert (scores >= 0).all()
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-4)


def test_a_dense_table_scores_as_a_sparse_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    world = camps()
    tables = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(markov, "DENSE_FROM", share)
        tables.append(MarkovRecommender().fit(world))
    dense, sparse = tables
    assert isinstance(dense._chain, np.ndarray)
    assert not isinstance(sparse._chain, np.ndarray)
    assert dense.scores(world.histories) == pytest.approx(sparse.scores(world.histories), abs=1e-6)
    assert dense.similar(100, k=5).equals(sparse.similar(100, k=5))


@pytest.mark.parametrize(
    "changed",
    [{"window": 1}, {"window_decay": 0.1}, {"last": 1}, {"decay": 0.1}, {"smoothing": 1.0}, {"successors": 3}],
)
def test_every_setting_counts(changed: dict[str, Any]) -> None:
    world = chains(0.9)
    usual, other = make_model("markov").fit(world), make_model("markov", changed).fit(world)
    assert not np.array_equal(usual.scores(world.histories), other.scores(world.histories))


def test_pairs_that_would_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = replace(camps(), order=Order.NONE)
    monkeypatch.setattr("recsys.models.markov.available_memory", lambda: 100.0)
    with pytest.raises(ConfigError, match=r"markov needs .* GB of memory for about .* pairs"):
        MarkovRecommender().fit(data)
    MarkovRecommender(MarkovConfig(successors=50)).fit(data)
