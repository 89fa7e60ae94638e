from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.models import make_model
from recsys.models.base import Recommender
from recsys.models.recent import DAY, RecentConfig, RecentRecommender, divide_by_tokens
from tests.contract import RecommenderContract
from tests.worlds import camps


class TestRecentContract(RecommenderContract):
    """The camps' genres tell them apart."""

    @classmethod
    def make(cls) -> Recommender:
        return RecentRecommender(RecentConfig(days=1000))


class TestRecentWithoutGenresContract(RecommenderContract):
    learns = None

    @classmethod
    def make(cls) -> Recommender:
        return RecentRecommender(RecentConfig(genre_weight=0))


@pytest.fixture
def timed() -> Dataset:
    """Give three people and four titles; the last event is on day 100, title 10 was watched on day 1 only."""
    genres = [["Action"], ["Action", "Comedy"], ["Comedy"], []]
    catalogue = Catalogue(pl.DataFrame({"anime_id": [10, 11, 12, 13], "genres": genres}))
    base = Histories.from_lists([[2, 3], [2, 4], [2, 3, 4]], users=[2, 3, 4])
    days = np.array([1, 99, 1, 100, 1, 95, 100])
    histories = Histories(base.offsets, base.items, times=days * DAY, users=base.users)
    return Dataset("timed", histories, Vocabulary([1, 2, 3]), Vocabulary([10, 11, 12, 13]), catalogue, Order.TIME)


def test_the_window_ends_with_the_last_event(timed: Dataset) -> None:
    model = RecentRecommender(RecentConfig(days=3, genre_weight=0)).fit(timed)
    assert model.scores(timed.histories)[:, FIRST:] == pytest.approx(
        np.array([[1 - 1, (1 + 2 / 3) / 3, (2 + 2 / 3) / 3, 0 - 1]] * 3)
    )
    assert model.facts["recent_events"] == 3
    assert model.facts["window"] == "the 3 days up to 1970-04-11"


def test_titles_outside_the_window_follow_by_popularity(timed: Dataset) -> None:
    frame = RecentRecommender(RecentConfig(days=0.5)).fit(timed).recommend(histories=Histories.from_lists([[]]))
    assert frame["anime_id"].to_list() == [12, 10, 11, 13]


def test_overall_popularity_decides_ties_of_recent_titles(timed: Dataset) -> None:
    base = timed.histories
    days = np.array([1, 99, 99, 1, 1, 2, 2])  # on day 99, one person watched title 11 and one title 10
    tied = timed.with_histories(Histories(base.offsets, base.items, times=days * DAY, users=base.users))
    frame = RecentRecommender(RecentConfig(days=3)).fit(tied).recommend(histories=Histories.from_lists([[]]), k=2)
    assert frame["anime_id"].to_list() == [10, 11]


def test_genres_lift_by_hand(timed: Dataset) -> None:
    """Everyone's profile q: of 7 watched titles 3 are Action, 2 Comedy, 2 half and half: (4, 3) / 7.

    Who watched title 12 (Comedy) and has one average title besides has p = (4, 3 + 7) / 14.
    """
    config = RecentConfig(days=200, genre_weight=1, shrinkage=1)
    action, comedy = 4 / 14 / (4 / 7), 10 / 14 / (3 / 7)
    scores = RecentRecommender(config).fit(timed).scores(Histories.from_lists([[4], []]))
    shares = np.array([3 + 3 / 3, 2 + 2 / 3, 2 + 2 / 3]) / 3
    assert scores[0, 2:5] == pytest.approx(shares * [action, (action + comedy) / 2, comedy])
    assert scores[1, 2:5] == pytest.approx(shares), "nobody's taste is everyone's"
    assert scores[:, 5] == pytest.approx([-1, -1])
    twice = RecentRecommender(replace(config, genre_weight=2)).fit(timed).scores(Histories.from_lists([[4]]))
    assert twice[0, 2:5] == pytest.approx(shares * np.square([action, (action + comedy) / 2, comedy]))


def test_a_longer_history_of_one_taste_is_trusted_more() -> None:
    world = camps(200)
    model = RecentRecommender(RecentConfig(days=1000)).fit(world)
    short, long = model.scores(Histories.from_lists([[2], [2, 3, 4, 5, 6]]))
    assert long[13] > short[13] > model.scores(Histories.from_lists([[]]))[0, 13]


def test_titles_without_genres_are_not_lifted(timed: Dataset) -> None:
    bare = replace(timed, catalogue=Catalogue(pl.DataFrame({"anime_id": [10, 11, 12, 13]})))
    scores = RecentRecommender().fit(bare).scores(timed.histories)
    assert scores[:, FIRST:] == pytest.approx(np.array([[0, (2 + 2 / 3) / 3, (2 + 2 / 3) / 3, -1]] * 3))
    watched = replace(timed, histories=Histories.from_lists([[5, 2], [5, 3]]), order=Order.NONE)
    shares = RecentRecommender().fit(watched).scores(Histories.from_lists([[4]]))[0]
    assert shares[5] == pytest.approx((2 + 2 / 2) / 2), "two of two watched it; it has no genre"


def test_without_times_the_last_of_each_history_are_recent(timed: Dataset) -> None:
    base = timed.histories
    listed = replace(timed, histories=Histories(base.offsets, base.items, users=base.users), order=Order.LISTED)
    model = RecentRecommender(RecentConfig(tail=0.3, genre_weight=0)).fit(listed)
    assert model.scores(base)[0, FIRST:] == pytest.approx([0, (1 + 2 / 3) / 3, (2 + 2 / 3) / 3, -1])
    assert model.facts["window"] == "the last 30% of each history: there are no times"


def test_without_times_and_order_everything_is_recent(timed: Dataset) -> None:
    base = timed.histories
    loose = replace(timed, histories=Histories(base.offsets, base.items, users=base.users), order=Order.NONE)
    model = RecentRecommender(RecentConfig(genre_weight=0)).fit(loose)
    assert model.scores(base)[0, FIRST:] == pytest.approx([(3 + 3 / 3) / 3, (2 + 2 / 3) / 3, (2 + 2 / 3) / 3, -1])
    assert model.facts["window"] == "everything: there is neither time nor order"


def test_a_title_is_divided_evenly_among_its_genres_and_tags(small: Dataset) -> None:
    divided = divide_by_tokens(small.catalogue)
    tokens = small.catalogue.tokens["token"].to_list()
    assert dict(zip(tokens, divided[2], strict=True)) == pytest.approx(
        {"action": 1 / 3, "sci fi": 1 / 3, "space": 1 / 3, "romance": 0, "school": 0, "hentai": 0}
    )
    assert divided[FIRST:].sum(axis=1) == pytest.approx(np.ones(11))
    assert not divided[:FIRST].any()


def test_the_order_of_a_history_and_repeats_do_not_count() -> None:
    model = RecentRecommender().fit(camps())
    there, back = model.scores(Histories.from_lists([[2, 5, 20], [20, 2, 5, 5, 2]]))
    assert np.array_equal(there, back)


@pytest.mark.parametrize("changed", [{"days": 5}, {"genre_weight": 2.0}, {"shrinkage": 20.0}])
def test_every_setting_counts(changed: dict[str, Any]) -> None:
    world = camps()
    usual, other = make_model("recent").fit(world), make_model("recent", changed).fit(world)
    assert not np.array_equal(usual.scores(world.histories), other.scores(world.histories))


def test_the_tail_counts_where_there_are_no_times(small: Dataset) -> None:
    base = small.histories
    listed = replace(small, histories=Histories(base.offsets, base.items, users=base.users), order=Order.LISTED)
    usual, other = make_model("recent").fit(listed), make_model("recent", {"tail": 1.0}).fit(listed)
    assert not np.array_equal(usual.scores(base), other.scores(base))
