"""What the network is fed: windows, wishes, candidates, codes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import Encoding, gather_windows
from recsys.models.lstm.windows import TrainingWindows, _cut, _once
from tests.models.lstm_data import TINY, markov_dataset


def windows_of(data: Dataset, config: LSTMConfig, **options: bool) -> TrainingWindows:
    encoding = Encoding.of(data, config)
    return TrainingWindows(data.histories, encoding, config, encoding.item_tags(data.catalogue), **options)


@given(st.lists(st.integers(2, 40), min_size=1, max_size=8), st.integers(2, 12), st.integers(0, 5))
def test_windows_predict_every_event_but_the_first_exactly_once(lengths: list[int], window: int, seed: int) -> None:
    histories = Histories.from_lists([list(range(2, 2 + n)) for n in lengths])
    _, starts, counts = _cut(histories, window, np.random.default_rng(seed))
    predicted = np.concatenate([np.arange(s + 1, s + 1 + n) for s, n in zip(starts, counts, strict=True)])
    expected = np.setdiff1d(np.arange(histories.n_events), histories.offsets[:-1])
    assert np.array_equal(np.sort(predicted), expected)
    assert counts.min() >= 1
    assert counts.max() <= window


def test_a_batch_pairs_each_timestep_with_the_next_anime() -> None:
    data = markov_dataset(1.0, n_users=4, n_items=6, length=9)
    windows = windows_of(data, TINY)
    follows = {
        (int(a), int(b))
        for row in range(4)
        for a, b in zip(data.histories.of(row), data.histories.of(row)[1:], strict=False)
    }
    seen = 0
    for index in range(len(windows)):
        inputs, _, weights = windows[index]
        following = inputs["candidates"][inputs["targets"]]
        for at in zip(*np.nonzero(weights), strict=True):
            assert (int(inputs["items"][at]), int(following[at])) in follows
            seen += 1
    assert seen == data.histories.n_events - 4


def test_titles_rated_low_count_less_as_targets() -> None:
    plain = markov_dataset(1.0, n_users=4, n_items=6, length=9)
    events = plain.histories
    ratings = np.where(np.arange(events.n_events) % 3 == 0, np.nan, np.arange(events.n_events) % 10)
    data = plain.with_histories(dataclasses.replace(events, ratings=ratings))
    config = dataclasses.replace(TINY, disliked_weight=0.25, liked_from=5.0)
    windows, usual = windows_of(data, config), windows_of(data, TINY)
    found = np.concatenate([windows[index][2].ravel() for index in range(len(windows))])
    is_target = np.ones(events.n_events, dtype=bool)
    is_target[events.offsets[:-1]] = False
    disliked = int((is_target & (ratings < 5)).sum())
    assert np.bincount((found * 4).astype(int))[1:].tolist() == [disliked, 0, 0, int(is_target.sum()) - disliked]
    assert {float(one) for index in range(len(usual)) for one in usual[index][2].ravel()} <= {0.0, 1.0}


def test_the_same_epoch_gives_the_same_bytes_and_another_epoch_others() -> None:
    data = markov_dataset(0.5)
    first, again = windows_of(data, TINY), windows_of(data, TINY)
    assert np.array_equal(first[0][0]["items"], again[0][0]["items"])
    again.on_epoch_end()
    assert not np.array_equal(first[0][0]["items"], again[0][0]["items"])


def test_data_without_an_order_is_shuffled_anew_each_epoch() -> None:
    data = markov_dataset(1.0, n_users=1, n_items=30, length=10)
    plain, shuffled = windows_of(data, TINY), windows_of(data, TINY, shuffled=True)
    seen = plain[0][0]["items"][0].tolist()
    assert shuffled[0][0]["items"][0].tolist() != seen
    assert set(shuffled[0][0]["items"].ravel()) <= {0, *data.histories.items.tolist()}


def test_most_samples_wish_for_nothing_and_the_others_for_tags_of_the_next_anime() -> None:
    data = markov_dataset(0.5, n_users=400)
    config = dataclasses.replace(TINY, wish_rate=0.2, batch_size=10_000, least_steps=1)
    windows = windows_of(data, config)
    inputs, _, weights = windows[0]
    tags = Encoding.of(data, config).item_tags(data.catalogue)
    wished = inputs["wishes"][..., 0] > 1
    assert 0.1 < wished.any(axis=1).mean() < 0.3
    following = inputs["candidates"][inputs["targets"]]
    columns = inputs["wishes"][..., 0] - 1
    assert (np.take_along_axis(tags[following], columns[..., None], axis=2)[..., 0][wished] > 0).all()
    assert weights[wished].all()
    assert (inputs["wishes"][~wished] == [1, 0]).all()


def test_the_users_of_some_samples_are_hidden() -> None:
    data = markov_dataset(0.5, n_users=400)
    inputs, _, _ = windows_of(data, dataclasses.replace(TINY, user_dropout=0.5, batch_size=10_000, least_steps=1))[0]
    assert 0.4 < (inputs["users"] == 1).mean() < 0.6


def test_the_sampled_loss_scores_targets_and_drawn_titles_with_their_log_probability() -> None:
    data = markov_dataset(0.5, n_items=200)
    config = dataclasses.replace(TINY, loss="sampled", negatives=20)
    windows = windows_of(data, config)
    inputs, _, weights = windows[0]
    assert len(np.unique(inputs["candidates"])) == len(inputs["candidates"]) < 200
    counts = np.bincount(data.histories.items, minlength=data.n_codes)
    draw, share = counts**0.75 / (counts**0.75).sum(), counts / counts.sum()
    expected = 20 * draw[inputs["candidates"]] + weights.sum() * share[inputs["candidates"]]
    expected = np.log(1 - np.exp(-expected))
    assert inputs["log_q"] == pytest.approx(expected, rel=1e-4)
    assert (inputs["candidates"][inputs["targets"]][weights > 0] >= 2).all()


def test_ratings_and_gaps_become_codes(small: Dataset) -> None:
    encoding = Encoding.of(small, TINY)
    assert encoding.rating_levels == (5.0, 6.0, 7.0, 8.0, 9.0, 10.0)
    ratings = encoding.rating_codes(small.histories)
    gaps = encoding.gap_codes(small.histories)
    assert ratings is not None
    assert ratings[:4].tolist() == [0, 2, 3, 4]  # missing, 6, 7, 8
    assert gaps is not None
    assert gaps[:4].tolist() == [0, 17, 17, 17]  # none, then a day: 1 + floor(log2(86,401))


def test_padding_is_on_the_right_and_zero() -> None:
    cut = gather_windows(np.array([5, 6, 7, 8]), np.array([0, 3]), np.array([3, 1]), 4)
    assert cut.tolist() == [[5, 6, 7, 0], [8, 0, 0, 0]]


def test_little_data_gets_smaller_batches() -> None:
    data = markov_dataset(0.5, n_users=640, length=11)  # one window each
    large, small = (dataclasses.replace(TINY, batch_size=128, least_steps=steps) for steps in (1, 40))
    assert len(windows_of(data, large)) == 5
    assert len(windows_of(data, dataclasses.replace(small, least_steps=20))) == 20
    assert len(windows_of(data, dataclasses.replace(small, least_steps=10_000))) == 40  # 16 windows each


def test_batches_of_one_window_are_never_empty() -> None:
    data = markov_dataset(0.5, n_users=5, length=26)
    windows = windows_of(data, dataclasses.replace(TINY, batch_size=1))
    for _ in range(5):
        assert all(len(windows[index][0]["items"]) for index in range(len(windows)))
        windows.on_epoch_end()


def test_a_title_watched_twice_is_seen_once() -> None:
    seen = _once(np.array([[3, 1, 3, -1, 1, 3], [0, 1, 2, 0, -1, -1]], dtype=np.int32))
    assert seen.tolist() == [[3, 1, -1, -1, -1, -1], [0, 1, 2, -1, -1, -1]]
