"""Names beside the LSTM, for titles that few have watched: the contract again, cases by hand, what validation says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import split_dataset
from recsys.dataset.vocabulary import FIRST, UNKNOWN, Vocabulary
from recsys.models import load_model
from recsys.models.likeness import name_likeness
from recsys.models.lstm.judging import ranking_quality
from recsys.models.lstm.names import FADING, LEAST, ODDS, USUAL_ODDS, Names
from recsys.models.lstm.recommender import LSTMRecommender
from tests.contract import RecommenderContract, UnorderedContract
from tests.models.lstm_data import TINY
from tests.worlds import camps

BESIDE = dataclasses.replace(TINY, names_odds=6.0)
CHOSEN = dataclasses.replace(TINY, names_odds=None, wide_neighbours=0, learning_rate=1e-5, epochs=1)  # learns nothing
SEASONS = ("", " Second Season", " Final Season", ": The Movie")


def franchises(n_people: int = 200, *, order: Order = Order.LISTED, told: bool = True, seed: int = 0) -> Dataset:
    """Give people who watch the seasons of two of a hundred series, each in their order; `told` names say so.

    Six popular titles are in most histories, so that a season has a few watchers and these have many.
    """
    rng = np.random.default_rng(seed)
    n_series = 100
    titles = [f"series{number}x{season}" for number in range(n_series) for season in SEASONS]
    titles += [f"popular{number}" for number in range(6)]
    if not told:
        rng.shuffle(titles)
    rows = []
    for _ in range(n_people):
        series = rng.choice(n_series, 2, replace=False) * len(SEASONS)
        popular = rng.permutation(6)[:4] + n_series * len(SEASONS)
        rows.append((np.concatenate([popular, *(one + np.arange(len(SEASONS)) for one in series)]) + FIRST).tolist())
    items = Vocabulary(np.arange(len(titles)))
    genres = [["Drama"] if number % 2 else ["Action"] for number in range(len(titles))]
    catalogue = Catalogue(pl.DataFrame({"anime_id": items.ids, "title": titles, "genres": genres}))
    histories = Histories.from_lists(rows, list(range(FIRST, FIRST + n_people)))
    return Dataset("franchises", histories, Vocabulary(np.arange(n_people)), items, catalogue, order)


def named(world: Dataset) -> Dataset:
    """Give every two titles one series' name."""
    titles = [f"series{number // 2} part{number}" for number in range(len(world.items))]
    return dataclasses.replace(world, catalogue=Catalogue(world.catalogue.frame.with_columns(title=pl.Series(titles))))


class TestNamesBesideTheLSTMContract(RecommenderContract):
    learns = "order"
    knows_people = True

    @classmethod
    def make(cls) -> LSTMRecommender:
        return LSTMRecommender(dataclasses.replace(BESIDE, epochs=12, learning_rate=0.01))

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> Dataset:
        return named(camps())

    def test_names_have_a_say(self, model: LSTMRecommender, world: Dataset) -> None:
        assert model._names is not None
        assert model._names.likeness(world.histories).any()


class TestUnorderedNamesContract(UnorderedContract):
    knows_people = True

    @classmethod
    def make(cls) -> LSTMRecommender:
        return LSTMRecommender(dataclasses.replace(BESIDE, wide_neighbours=5, wide_regularization=2.0))

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> Dataset:
        return dataclasses.replace(named(camps()), order=Order.NONE)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return franchises(60)


@pytest.fixture(scope="module")
def beside(data: Dataset) -> LSTMRecommender:
    return LSTMRecommender(BESIDE).fit(data)


# -- cases by hand -----------------------------------------------------------------------------------------------------


def small_names(order: Order = Order.LISTED) -> tuple[Dataset, Names]:
    """Three seasons of one series that 0, 10 and 990 people have watched, and a title of its own."""
    titles = ["aria", "aria natural", "aria origination", "blame"]
    catalogue = Catalogue(pl.DataFrame({"anime_id": [1, 2, 3, 4], "title": titles}))
    rows = [[3, 5]] * 10 + [[4, 5]] * 990
    world = Dataset(
        "small", Histories.from_lists(rows), Vocabulary(range(1000)), Vocabulary([1, 2, 3, 4]), catalogue, order
    )
    return world, Names.of(world, 8.0)


def test_a_name_counts_less_the_more_have_watched_the_title() -> None:
    world, found = small_names()
    alike = name_likeness(world.catalogue.titles).toarray()
    weights = found.weights.toarray()
    assert weights[:, 2] == pytest.approx(alike[:, 2]), "nobody has watched it"
    assert weights[:, 3] == pytest.approx(alike[:, 3] * (LEAST + (1 - LEAST) / 2))
    assert weights[:, 4] == pytest.approx(alike[:, 4] * (LEAST + (1 - LEAST) / 100))
    assert not weights[:, 5].any(), "nothing is like it"


@pytest.mark.parametrize("order", [Order.LISTED, Order.NONE])
def test_the_nearest_likeness_counts(order: Order) -> None:
    world, found = small_names(order)
    to_first = name_likeness(world.catalogue.titles).toarray()[:, 2]
    people = Histories.from_lists([[4], [4, 5, 5], [3, 4], [4, 3], [5], [], [UNKNOWN, 4, UNKNOWN]])
    fading = 1.0 if order is Order.NONE else FADING
    expected = [
        to_first[4],
        to_first[4] * fading**2,
        max(to_first[4], to_first[3] * fading),
        max(to_first[3], to_first[4] * fading),
        0,
        0,
        to_first[4] * fading,
    ]
    assert found.likeness(people)[:, 2] == pytest.approx(expected)
    scores = np.ones((7, 6), dtype=np.float32)
    found.add_to(scores, people)
    assert scores[:, 2] == pytest.approx(1 + 8 * np.array(expected))
    assert not (scores[:, [0, 1, 5]] != 1).any()
    for among, gain in ((np.arange(6) == 2, scores - 1), (np.arange(6) != 2, 0 * scores)):
        silenced = np.ones((7, 6), dtype=np.float32)
        found.add_to(silenced, people, among)
        assert np.array_equal(silenced, 1 + gain)


def test_they_are_added_to_the_network(data: Dataset, beside: LSTMRecommender) -> None:
    alone = LSTMRecommender(TINY).fit(data)
    assert beside._names is not None
    for people in (data.histories, data.histories.without_users()):
        gain = beside.scores(people)[:, FIRST:] - alone.scores(people)[:, FIRST:]
        assert gain == pytest.approx(6 * beside._names.likeness(people)[:, FIRST:], abs=1e-4)


def test_a_wish_silences_titles_without_it(data: Dataset, beside: LSTMRecommender) -> None:
    alone = LSTMRecommender(TINY).fit(data)
    people = data.histories.last(3)
    told, untold = (model.scores(people, mood=["Drama"])[:, FIRST:] for model in (beside, alone))
    drama = np.arange(data.n_codes - FIRST) % 2 == 1
    assert beside._names is not None
    assert told - untold == pytest.approx(6 * beside._names.likeness(people)[:, FIRST:] * drama, abs=1e-4)
    assert (told - untold)[:, drama].max() > 1


def test_it_comes_back_from_a_folder(data: Dataset, beside: LSTMRecommender, tmp_path: Path) -> None:
    loaded = load_model(beside.save(tmp_path / "model"))
    assert np.array_equal(loaded.scores(data.histories), beside.scores(data.histories))
    again = loaded.save(tmp_path / "again")
    assert np.array_equal(load_model(again).scores(data.histories), beside.scores(data.histories))


def test_one_person_alone_is_served_as_in_a_batch(data: Dataset, beside: LSTMRecommender) -> None:
    whole = beside.scores(data.histories)
    for row in (0, 17, 59):
        assert beside.scores(data.histories.select([row]))[0] == pytest.approx(whole[row], abs=1e-5)


# -- what validation says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [Order.LISTED, Order.NONE])
def test_validation_chooses_what_they_add(order: Order, tmp_path: Path) -> None:
    world = franchises(order=order)
    split = split_dataset(world)
    model = LSTMRecommender(CHOSEN).fit(world, split)
    odds = model.facts["names_odds"]
    assert odds in ODDS
    assert odds > 0, "the network knows nothing, names do"
    found = model.facts["validation_with_names"]
    alone = LSTMRecommender(dataclasses.replace(CHOSEN, names_odds=0.0)).fit(world, split)
    assert found == pytest.approx(ranking_quality(model.scores, split.validation))
    assert found["ndcg@10"] > ranking_quality(alone.scores, split.validation)["ndcg@10"] + 0.2
    line = f"Names add up to {odds:g} to the log odds of titles that few know: ndcg@10 {found['ndcg@10']:.4f}."
    assert line in model.findings()
    final = load_model(model.save(tmp_path / "model")).refit()
    assert isinstance(final, LSTMRecommender)
    assert final.config.names_odds == final.facts["names_odds"] == odds
    assert final.findings() == model.findings()
    assert final._names is not None


def test_names_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    world = franchises(told=False)
    split = split_dataset(world)
    model = LSTMRecommender(dataclasses.replace(CHOSEN, epochs=20, learning_rate=0.01)).fit(world, split)
    assert model.facts["names_odds"] == 0
    assert model._names is None
    loaded = load_model(model.save(tmp_path / "model"))
    assert np.array_equal(loaded.scores(world.histories), model.scores(world.histories))
    assert loaded.refit().config.to_mapping()["names_odds"] == 0


@pytest.mark.parametrize("order", [Order.LISTED, Order.NONE])
def test_without_a_validation_part_they_add_as_usual(order: Order, data: Dataset) -> None:
    model = LSTMRecommender(CHOSEN).fit(dataclasses.replace(data, order=order))
    assert model._names is not None
    assert model._names.odds == model.facts["names_odds"] == USUAL_ODDS[order is not Order.NONE]


def test_where_no_title_has_a_name_none_are_compared(data: Dataset) -> None:
    nameless = dataclasses.replace(data, catalogue=Catalogue(data.catalogue.frame.drop("title")))
    model = LSTMRecommender(CHOSEN).fit(nameless, split_dataset(nameless))
    assert model._names is None
    assert "names_odds" not in model.facts
    again = LSTMRecommender(BESIDE).fit(data).fit(nameless)
    assert again._names is None


def test_teachers_compare_none() -> None:
    assert dataclasses.replace(BESIDE, teachers=1).teacher(0).names_odds == 0
