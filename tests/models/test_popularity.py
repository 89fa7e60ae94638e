from __future__ import annotations

import numpy as np

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.models.base import Recommender
from recsys.models.popularity import PopularityRecommender, count_watchers
from recsys.ranking.filters import Filters
from tests.contract import RecommenderContract


class TestPopularityContract(RecommenderContract):
    learns = None

    @classmethod
    def make(cls) -> Recommender:
        return PopularityRecommender()


def test_counts_by_hand(small: Dataset) -> None:
    frame = PopularityRecommender().fit(small).recommend([101], k=20, filters=Filters(keep_seen=True, adult=True))
    counts = dict(zip(frame["anime_id"], frame["score"], strict=True))
    assert counts == {10: 2, 11: 3, 12: 3, 13: 3, 14: 2, 20: 2, 21: 3, 22: 3, 23: 3, 24: 2, 30: 0}
    assert frame["anime_id"][:6].to_list() == [11, 12, 13, 21, 22, 23]


def test_counts_a_person_once() -> None:
    histories = Histories.from_lists([[2, 3, 2, 2], [2], []])
    assert count_watchers(histories, 5).tolist() == [0, 0, 2, 1, 0]
    assert count_watchers(histories, 5).dtype == np.float32


def test_titles_as_popular_are_similar(small: Dataset) -> None:
    frame = PopularityRecommender().fit(small).similar(10, k=2)
    assert frame["anime_id"].to_list() == [14, 20]
    assert frame["score"].to_list() == [0.0, 0.0]
