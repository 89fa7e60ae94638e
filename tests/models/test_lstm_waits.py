"""The time of a request, as the LSTM reads it: when the next anime is watched, but nothing else of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split, split_dataset
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError
from recsys.export.job import export
from recsys.models import load_model
from recsys.models.lstm.inputs import Encoding
from recsys.models.lstm.recommender import LSTMRecommender
from recsys.models.requests import recommend
from tests.models.lstm_data import LEARN, MINUTE, MONTH, TINY, markov_dataset, waiting_dataset


@pytest.fixture(scope="module")
def world() -> Dataset:
    return waiting_dataset()


@pytest.fixture(scope="module")
def split(world: Dataset) -> Split:
    return split_dataset(world, "leave-last-out")


@pytest.fixture(scope="module")
def fitted(world: Dataset, split: Split) -> LSTMRecommender:
    config = dataclasses.replace(LEARN, user_dim=0, time_dim=0, wait_dim=8, epochs=8)
    return LSTMRecommender(config).fit(world, split)


def test_the_wait_after_the_last_event_is_that_for_the_request() -> None:
    base = Histories.from_lists([[2, 3, 4], [], [5]])
    histories = dataclasses.replace(base, times=np.array([0, 0, 100, 50]))
    encoding = Encoding(10, 0, (), has_times=False, tokens=(), waits=(1, 5))
    asking = histories.asking_at(np.array([100 + 3, 7, 40]))
    hidden, told = encoding.wait_codes(histories), encoding.wait_codes(asking)
    assert hidden is not None
    assert told is not None
    assert hidden.tolist() == [1, 5, 0, 0]  # no time, 1 + floor(log2(101)) but no more than 5, unknown twice
    assert told.tolist() == [1, 5, 3, 1]  # the last one asks before the event, which counts as at once


def test_who_asks_when_stays_with_the_person() -> None:
    asking = Histories.from_lists([[2, 3], [4], [5, 6]], [7, 8, 9]).asking_at(np.array([10, 20, 30]))
    assert asking.select([2, 0]).asked.tolist() == [30, 10]  # type: ignore[union-attr]
    for other in (asking.last(1), asking.without_users(), asking.reorder_events(np.arange(5))):
        assert other.asked is not None
        assert other.asked.tolist() == [10, 20, 30]
    assert asking.asking_at(None).asked is None


def test_it_learns_what_a_wait_tells(fitted: LSTMRecommender, split: Split) -> None:
    inputs = split.test.inputs
    assert inputs.times is not None
    last = inputs.times[inputs.offsets[1:] - 1]
    even = np.arange(fitted.data.n_codes) % 2 == 0
    even[:FIRST] = False
    odd = ~even
    odd[:FIRST] = False

    def lead(histories: Histories) -> float:
        scores = fitted.scores(histories)
        return float(scores[:, even].mean() - scores[:, odd].mean())

    assert lead(inputs.asking_at(last + MINUTE)) > 2
    assert lead(inputs.asking_at(last + MONTH)) < -2
    assert abs(lead(inputs)) < 1.5  # not told: both are possible


def test_validation_is_asked_at_its_own_times(fitted: LSTMRecommender) -> None:
    assert fitted.facts["best_validation"] > 0.25  # not told, NDCG@10 of 10 of 40 titles by chance is .11


def test_the_engine_that_serves_equals_the_network(fitted: LSTMRecommender, split: Split) -> None:
    from tests.models.test_lstm import keras_states

    asking = split.test.with_request_times().inputs.select(slice(0, 9))
    assert fitted._encoder.encode(asking) == pytest.approx(keras_states(fitted, asking), abs=1e-5)


def test_reloaded_it_answers_alike_and_one_by_one(fitted: LSTMRecommender, split: Split, tmp_path: Path) -> None:
    asking = split.test.with_request_times().inputs
    again = load_model(fitted.save(tmp_path / "model"))
    assert again.reads_request_times
    together = fitted.scores(asking)
    assert (again.scores(asking) == together).all()
    assert fitted.scores(asking.select([3])) == pytest.approx(together[[3]], abs=1e-5)


def test_a_request_may_tell_its_time(fitted: LSTMRecommender) -> None:
    soon, late = (recommend(fitted, [3], 3, at=moment) for moment in ("2010-01-01", "2030-01-01T12:00"))
    assert set(soon["anime_id"] % 2) == {0}
    assert set(late["anime_id"] % 2) == {1}
    with pytest.raises(InputError, match="this history has no times"):
        recommend(fitted, titles=["100"], at="now")
    with pytest.raises(InputError, match="must be a moment, got 'soon'"):
        recommend(fitted, [3], at="soon")


def test_an_export_may_tell_its_time(fitted: LSTMRecommender, tmp_path: Path) -> None:
    exported = export(fitted, tmp_path / "lists.parquet", 3, users=[3], at="2030-01-01")
    assert set(pl.read_parquet(exported)["anime_id"] % 2) == {1}


def test_what_cannot_read_or_learn_a_request_time_says_so() -> None:
    data = markov_dataset(1.0, n_users=20)
    with pytest.raises(InputError, match="This data has no times, so wait_dim tells nothing"):
        LSTMRecommender(dataclasses.replace(TINY, wait_dim=4)).fit(data)
    model = LSTMRecommender(dataclasses.replace(TINY, epochs=1)).fit(data)
    with pytest.raises(InputError, match="does not read when somebody asks"):
        recommend(model, [3], at="now")
