"""The chain beside the LSTM for people known by few titles: the contract again, cases by hand, what validation says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import split_dataset
from recsys.dataset.vocabulary import FIRST, UNKNOWN
from recsys.models import load_model
from recsys.models.lstm import chain
from recsys.models.lstm.chain import ENOUGH, FEWEST, KNOWN, RARE, SETTINGS, SHARES, USUAL_SHARES, Chain
from recsys.models.lstm.recommender import LSTMRecommender
from recsys.models.markov import MarkovRecommender
from tests.contract import RecommenderContract, UnorderedContract
from tests.models.lstm_data import TINY, markov_dataset
from tests.worlds import camps, chains

ALONE = TINY
BESIDE = dataclasses.replace(TINY, chain_share=1.0)
CHOSEN = dataclasses.replace(TINY, chain_share=None, wide_neighbours=0, learning_rate=1e-5, epochs=1)  # learns nothing


class TestChainBesideTheLSTMContract(RecommenderContract):
    learns = "order"
    knows_people = True

    @classmethod
    def make(cls) -> LSTMRecommender:
        return LSTMRecommender(dataclasses.replace(BESIDE, epochs=12, learning_rate=0.01))


class TestUnorderedChainContract(UnorderedContract):
    knows_people = True

    @classmethod
    def make(cls) -> LSTMRecommender:
        return LSTMRecommender(dataclasses.replace(BESIDE, wide_neighbours=5, wide_regularization=2.0))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return markov_dataset(0.8, n_users=140, length=14)


@pytest.fixture(scope="module")
def beside(data: Dataset) -> LSTMRecommender:
    return LSTMRecommender(BESIDE).fit(data)


# -- cases by hand -----------------------------------------------------------------------------------------------------


def test_it_counts_less_the_more_titles_are_known() -> None:
    world = chains(0.9)
    found = Chain(MarkovRecommender(SETTINGS).fit(world), np.array([False] * 3 + [True]), (2.0, 1.0, 0.5, 0.2))
    rows = [[FIRST] * n for n in (0, 1, 2, 5, 10, ENOUGH, 50)]
    assert found.weights(Histories.from_lists(rows)).tolist() == pytest.approx([0, 2, 1, 0.5, 0.2, 0, 0])
    three, fifteen = found.weights(Histories.from_lists([[FIRST] * 3, [FIRST] * 15]))
    assert three == pytest.approx(1 - 0.5 * np.log(3 / 2) / np.log(5 / 2))
    assert fifteen == pytest.approx(0.2 * np.log(20 / 15) / np.log(2))
    assert found.weights(Histories.from_lists([[UNKNOWN, FIRST, UNKNOWN]])).tolist() == [2]
    known, new, newer = found.weights(Histories.from_lists([[FIRST]] * 3, users=[3, 2, 999]))
    assert (known, new, newer) == (0, 2, 2), "not for people whose histories were learned"


def test_its_log_odds_are_added(data: Dataset, beside: LSTMRecommender) -> None:
    alone = LSTMRecommender(ALONE).fit(data)
    people = Histories.from_lists([[5], [5, 9], [], list(range(FIRST, FIRST + 12)), list(range(FIRST, FIRST + 22))])
    probabilities = MarkovRecommender(SETTINGS).fit(data).scores(people)[:, FIRST:]
    weights = [1, 1 - np.log(2) / np.log(20), 0, 1 - np.log(12) / np.log(20), 0]
    gain = beside.scores(people)[:, FIRST:] - alone.scores(people)[:, FIRST:]
    assert weights[3] > 0.1
    odds = np.log(np.maximum(probabilities, RARE) / probabilities.max(axis=1, keepdims=True))
    assert gain == pytest.approx(np.array(weights)[:, None] * odds, abs=2e-3)
    assert np.array_equal(beside.scores(people)[[2, 4]], alone.scores(people)[[2, 4]])
    assert not any(gain[[2, 4]].ravel())


def test_a_wish_outweighs_it(data: Dataset) -> None:
    people = Histories.from_lists([[5], list(range(FIRST, FIRST + 22))])
    told, untold = (
        LSTMRecommender(dataclasses.replace(BESIDE, wish_odds=odds)).fit(data).scores(people, mood=["Drama"])
        for odds in (3.0, 0.0)
    )
    drama = np.arange(data.n_codes - FIRST) % 3 == 1
    assert told[:, FIRST:] - untold[:, FIRST:] == pytest.approx(np.array([[3.0], [0.0]]) * drama, abs=1e-4)


def test_it_comes_back_from_a_folder(data: Dataset, beside: LSTMRecommender, tmp_path: Path) -> None:
    few = data.histories.last(2)
    loaded = load_model(beside.save(tmp_path / "model"))
    for people in (few, few.without_users()):
        assert np.array_equal(loaded.scores(people), beside.scores(people))
    again = LSTMRecommender(BESIDE).fit(data).fit(dataclasses.replace(data, order=Order.NONE))
    assert again._chain is not None
    assert again._chain.model.data.order is Order.NONE


def test_who_had_nothing_to_learn_from_is_new(data: Dataset) -> None:
    lengths = np.where(np.arange(140) % 2, data.histories.lengths, 0)
    halved = data.histories.keep_events(np.repeat(lengths > 0, data.histories.lengths))
    found = LSTMRecommender(BESIDE).fit(data.with_histories(halved))._chain
    assert found is not None
    assert (found.weights(data.histories.last(1)) > 0).tolist() == [True, False] * 70


# -- what validation says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [Order.LISTED, Order.NONE])
def test_validation_chooses_what_it_counts(order: Order, tmp_path: Path) -> None:
    world = dataclasses.replace(camps(300) if order is Order.NONE else chains(0.9, n_people=300), order=order)
    split = split_dataset(world)
    model = LSTMRecommender(CHOSEN).fit(world, split)
    shares = model.facts["chain_shares"]
    assert model._chain is not None
    assert tuple(shares) == model._chain.shares
    assert shares[0] >= shares[1] >= shares[2] >= shares[3] >= 0
    assert set(shares) <= set(SHARES)
    assert shares[0] > 0, "the network knows nothing, the chain does"
    counts = ", ".join(f"{share:g}" for share in shares)
    assert f"A Markov chain counts {counts} beside it for new people known by 1, 2, 5, 10 titles." in model.findings()
    loaded = load_model(model.save(tmp_path / "model"))
    few = world.histories.last(3).without_users()
    assert np.array_equal(loaded.scores(few), model.scores(few))
    final = loaded.refit()
    assert isinstance(final, LSTMRecommender)
    assert final.facts["chain_shares"] == shares
    assert final._chain is not None
    assert final._chain.shares == tuple(shares)
    assert final.findings() == model.findings()


def test_a_chain_that_validation_finds_harmful_is_left_out(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Chain.log_odds
    monkeypatch.setattr(Chain, "log_odds", lambda self, histories: -20 * usual(self, histories))
    trained = dataclasses.replace(CHOSEN, epochs=12, learning_rate=0.01)
    model = LSTMRecommender(trained).fit(data, split_dataset(data))
    assert model.facts["chain_shares"] == [0, 0, 0, 0]
    assert model._chain is None
    assert not any("chain" in line for line in model.findings())
    loaded = load_model(model.save(tmp_path / "model"))
    few = data.histories.last(1).without_users()
    assert np.array_equal(loaded.scores(few), model.scores(few))
    assert loaded.refit().config.to_mapping()["chain_share"] == 0


def test_few_validation_people_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = list(USUAL_SHARES[True])
    monkeypatch.setattr(chain, "SHARES", (0.0, 8.0))
    world = chains(0.9, n_people=FEWEST - 1)
    assert LSTMRecommender(CHOSEN).fit(world, split_dataset(world)).facts["chain_shares"] == usual
    world = chains(0.9, n_people=150)
    assert LSTMRecommender(CHOSEN).fit(world, split_dataset(world)).facts["chain_shares"] == [8.0] * 4
    monkeypatch.setattr(chain, "MOST", 40)  # every fourth is asked: too few again
    assert LSTMRecommender(CHOSEN).fit(world, split_dataset(world)).facts["chain_shares"] == usual


@pytest.mark.parametrize("order", [Order.LISTED, Order.NONE])
def test_without_a_validation_part_it_counts_as_usual(order: Order) -> None:
    world = dataclasses.replace(markov_dataset(0.8, n_users=20, length=14), order=order)
    model = LSTMRecommender(CHOSEN).fit(world)
    assert model._chain is not None
    assert model._chain.shares == USUAL_SHARES[order is not Order.NONE]
    assert len(model._chain.shares) == len(KNOWN)
    assert model.refit().facts["chain_shares"] == list(model._chain.shares)


def test_teachers_have_none() -> None:
    assert dataclasses.replace(BESIDE, teachers=1).teacher(0).chain_share == 0
