from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.models import make_model
from recsys.models.base import Recommender
from recsys.models.collaborative import interaction_matrix
from recsys.models.neighbours import ItemKNNConfig, ItemKNNRecommender
from recsys.ranking.filters import Filters
from tests.contract import RecommenderContract
from tests.worlds import camps


class TestCosineContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return ItemKNNRecommender(ItemKNNConfig(similarity="cosine"))


class TestTFIDFContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return ItemKNNRecommender(ItemKNNConfig(similarity="tfidf"))


class TestBM25Contract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return ItemKNNRecommender(ItemKNNConfig(similarity="bm25"))


@pytest.fixture
def three(small: Dataset) -> Dataset:
    """Give three titles and four people: 10 and 11 were watched by 3, two of them the same; 12 by one of those."""
    rows = [[2, 3, 4], [2, 3], [2], [3]]
    return small.with_histories(Histories.from_lists(rows))


def test_cosine_by_hand(three: Dataset) -> None:
    model = ItemKNNRecommender(ItemKNNConfig(similarity="cosine")).fit(three)
    similar = model.similar(10)
    assert similar["anime_id"].to_list() == [11, 12]
    assert similar["score"].to_list() == pytest.approx([2 / 3, 1 / np.sqrt(3)])
    both = model.scores(Histories.from_lists([[2, 3], [4]]))
    assert both[0, 4] == pytest.approx(2 / np.sqrt(3))
    assert both[1, 2:4] == pytest.approx([1 / np.sqrt(3)] * 2)


def test_only_the_nearest_neighbours_of_the_candidate_count(three: Dataset) -> None:
    model = ItemKNNRecommender(ItemKNNConfig(similarity="cosine", neighbours=1)).fit(three)
    # the one neighbour of 10 is 11 and that of 11 is 10: who watched 12 has no neighbour of theirs
    assert model.scores(Histories.from_lists([[4]]))[0, 2:4] == pytest.approx([3 / 4 - 1] * 2)
    assert model.scores(Histories.from_lists([[3]]))[0, 2] == pytest.approx(2 / 3)


def test_titles_without_a_watched_neighbour_follow_by_popularity(small: Dataset) -> None:
    frame = ItemKNNRecommender().fit(small).recommend([101], k=20, filters=Filters(adult=True))
    assert frame["anime_id"].to_list() == [14, 21, 22, 23, 20, 24, 30]
    assert frame["score"][0] > 0
    assert frame["score"].to_list()[1:] == pytest.approx([-1 / 2] * 3 + [-2 / 3] * 2 + [-1])


@pytest.mark.parametrize("similarity", ["cosine", "tfidf", "bm25"])
def test_keeps_the_nearest_of_a_full_comparison(similarity: str) -> None:
    from implicit.nearest_neighbours import bm25_weight, normalize, tfidf_weight

    world = camps()
    items = interaction_matrix(world.histories, world.n_codes).T
    weighted = {
        "cosine": normalize,
        "tfidf": lambda matrix: normalize(tfidf_weight(matrix)),
        "bm25": lambda matrix: bm25_weight(matrix, 2.0, 0.5),
    }[similarity](items).toarray()
    expected = weighted @ weighted.T
    np.fill_diagonal(expected, 0)
    config = ItemKNNConfig(similarity=similarity, neighbours=4, bm25_k1=2.0, bm25_b=0.5)
    arrays = ItemKNNRecommender(config).fit(world).arrays
    for code, row in enumerate(expected):
        span = slice(arrays["starts"][code], arrays["starts"][code + 1])
        best = -np.sort(-row)[:4]
        assert arrays["similarities"][span] == pytest.approx(best[best > 0], rel=1e-5)
        assert row[arrays["neighbours"][span]] == pytest.approx(best[best > 0], rel=1e-5)


@pytest.mark.parametrize("similarity", ["cosine", "tfidf", "bm25"])
def test_similar_titles_are_of_the_same_camp(similarity: str) -> None:
    model = ItemKNNRecommender(ItemKNNConfig(similarity=similarity)).fit(camps(200))
    assert set(model.similar(100, k=6)["anime_id"]) <= set(range(101, 112))


@pytest.mark.parametrize(
    "base, changed",
    [
        ({}, {"similarity": "cosine"}),
        ({}, {"neighbours": 3}),
        ({"similarity": "bm25"}, {"bm25_k1": 5.0}),
        ({"similarity": "bm25"}, {"bm25_b": 0.0}),
    ],
)
def test_every_setting_counts(base: dict[str, Any], changed: dict[str, Any]) -> None:
    world = camps()
    usual, other = make_model("item-knn", base).fit(world), make_model("item-knn", base | changed).fit(world)
    assert not np.array_equal(usual.scores(world.histories), other.scores(world.histories))
