from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.lists import Lists
from evaluation.metrics import (
    CATALOGUE_METRICS,
    USER_LIST_METRICS,
    coverage,
    diversity,
    gini,
    miscalibration,
    novelty,
    popularity,
    popularity_lift,
    sequel_breaks,
    serendipity,
)
from evaluation.metrics import content as content_module
from recsys.dataset.histories import Histories

# Codes 2 … 7 are six titles. Genres a, b, c; 7 has none. 3 continues 2, 4 continues 3. Of 8 people, so many watched:
WATCHERS = np.array([0, 0, 8, 4, 2, 1, 4, 0])
GENRES = np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]])
PREQUELS = np.array([0, 0, 0, 2, 3, 0, 0, 0], dtype=np.int32)


def lists_of(codes, inputs, targets=None):
    return Lists(
        np.array(codes, dtype=np.int32),
        n_titles=6,
        inputs=Histories.from_lists(inputs),
        targets=Histories.from_lists(targets or [[7]] * len(inputs)),
        watchers=WATCHERS,
        n_people=8,
        features=GENRES.astype(np.float32),
        genres=GENRES.astype(np.float32),
        prequels=PREQUELS,
    )


def test_novelty_by_hand():
    lists = lists_of([[2, 3, 4], [5, 7, 0], [0, 0, 0]], [[6]] * 3)
    # bits: log2(8/8) = 0, log2(8/4) = 1, log2(8/2) = 2; 3 where one watched it, and where nobody did
    assert novelty(lists, 3).tolist() == [1, 3, 0]
    assert novelty(lists, 2).tolist() == [0.5, 3, 0]


def test_popularity_by_hand():
    lists = lists_of([[2, 3, 4], [5, 7, 0], [0, 0, 0]], [[6]] * 3)
    np.testing.assert_allclose(popularity(lists, 3), [14 / 24, 1 / 16, 0])


def test_popularity_lift_by_hand():
    codes = [[2, 0], [5, 7], [3, 2], [0, 0], [2, 3], [2, 3]]
    lists = lists_of(codes, [[3, 4], [3, 4], [1, 6], [3], [], [7]])
    # history 3/8: the list has 1, then 1/16; history 4/8, the unknown code 1 left out: the list has 3/4
    expected = [(1 - 3 / 8) / (3 / 8), (1 / 16 - 3 / 8) / (3 / 8), 0.5, -1, 0, 0]
    np.testing.assert_allclose(popularity_lift(lists, 2), expected)


def test_serendipity_by_hand():
    # popularity ranks: 2 is first; 3 and 6 second; 4 fourth; 5 fifth; 7, which nobody watched, is never to be expected
    lists = lists_of([[5, 3], [7, 2], [3, 5], [2, 0]], [[6]] * 4, [[5, 3], [7], [6], [2]])
    # first list: title 5 at place 1 (6/6 against 2/6), title 3 at place 2, where popularity has it as well
    np.testing.assert_allclose(serendipity(lists, 2), [(6 / 6 - 2 / 6) / 2, (6 / 6 - 0) / 2, 0, 0])
    np.testing.assert_allclose(serendipity(lists, 1), [4 / 6, 1, 0, 0])


def test_diversity_by_hand():
    lists = lists_of([[2, 6, 0], [2, 5, 0], [2, 3, 4], [2, 7, 7], [2, 5, 7]], [[6]] * 5)
    half = math.sqrt(0.5)  # the cosine of {a} and {a, b}
    expected = [0, 1, 1 - (half + 0 + half) / 3, 0, 1]  # 7 has no genre: neither like nor unlike the others
    np.testing.assert_allclose(diversity(lists, 3), expected, atol=1e-12)
    assert diversity(lists, 1).tolist() == [0] * 5


def test_miscalibration_by_hand():
    lists = lists_of([[2, 6], [3, 0], [4, 5], [0, 0], [2, 3]], [[2], [2, 4], [2], [2], [7]])
    # the third user watched {a} and is shown {b}, {c}: p(a) log(p(a) / (.01 p(a))) = log 100; so with an empty list;
    # the last one watched only what has no genre
    np.testing.assert_allclose(miscalibration(lists, 2), [0, 0, math.log(100), math.log(100), 0], atol=1e-12)
    # the history is a: 1/2, b: 1/2; the list is a: 3/4, b: 1/4
    lists = lists_of([[2, 3]], [[2, 4]])
    expected = sum(0.5 * math.log(0.5 / (0.99 * q + 0.005)) for q in (0.75, 0.25))
    np.testing.assert_allclose(miscalibration(lists, 2), [expected])


def test_sequel_breaks_by_hand():
    lists = lists_of([[3, 4, 5], [3, 4, 0], [2, 3, 0], [0, 0, 0]], [[2], [6, 3], [6], [6]])
    # 4 continues 3, which the first user has not watched; the second watched the second part, but not the first;
    # that the third user's list has the first part before the second does not count as watched
    np.testing.assert_allclose(sequel_breaks(lists, 3), [1 / 3, 1 / 2, 1 / 2, 0])
    np.testing.assert_allclose(sequel_breaks(lists, 1), [0, 1, 0, 0])


def test_coverage_counts_titles_once_and_no_padding():
    lists = lists_of([[2, 3, 4], [3, 2, 0], [5, 0, 0]], [[6]] * 3)
    assert coverage(lists, 1) == 3 / 6
    assert coverage(lists, 3) == 4 / 6
    assert coverage(lists, 100) == 4 / 6


def test_gini_by_hand():
    everything_once = lists_of([[2, 3, 4], [5, 6, 7]], [[6]] * 2)
    assert gini(everything_once, 3) == 0
    one_title = lists_of([[2, 3], [2, 4]], [[6]] * 2)
    assert gini(one_title, 1) == pytest.approx(1 - 1 / 6)
    # exposures 0 0 0 1 1 2: (1 * 1 + 3 * 1 + 5 * 2) / (6 * 4)
    assert gini(one_title, 2) == pytest.approx(14 / 24)
    assert gini(lists_of([[0]], [[6]]), 1) == 0


@st.composite
def some_lists(draw):
    n_users, depth = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    titles = st.integers(2, 7)
    rows = [draw(st.lists(titles, max_size=depth, unique=True)) for _ in range(n_users)]
    codes = [row + [0] * (depth - len(row)) for row in rows]
    inputs = [draw(st.lists(st.integers(1, 7), max_size=8)) for _ in range(n_users)]
    targets = [draw(st.lists(titles, min_size=1, max_size=3, unique=True)) for _ in range(n_users)]
    return lists_of(codes, inputs, targets)


BOUNDS = {
    "novelty": (0, 3),
    "diversity": (0, 1),
    "popularity": (0, 1),
    "popularity_lift": (-1, 7),
    "serendipity": (0, 1),
    "miscalibration": (0, math.log(100)),
    "sequel_breaks": (0, 1),
    "coverage": (0, 1),
    "gini": (0, 5 / 6),
}


@given(some_lists(), st.integers(1, 6))
def test_values_stay_within_their_bounds(lists, k):
    for name, metric in {**USER_LIST_METRICS, **CATALOGUE_METRICS}.items():
        values, (low, high) = np.asarray(metric(lists, k)), BOUNDS[name]
        assert values.shape == ((lists.n_users,) if name in USER_LIST_METRICS else ())
        assert (values >= low - 1e-12).all(), name
        assert (values <= high + 1e-12).all(), name


@given(some_lists(), st.integers(1, 6), st.randoms())
def test_users_are_judged_one_by_one(lists, k, random):
    order = np.array(random.sample(range(lists.n_users), lists.n_users))
    moved = replace(
        lists, codes=lists.codes[order], inputs=lists.inputs.select(order), targets=lists.targets.select(order)
    )
    for metric in USER_LIST_METRICS.values():
        np.testing.assert_allclose(metric(moved, k), metric(lists, k)[order], atol=1e-12)
    for metric in CATALOGUE_METRICS.values():
        assert metric(moved, k) == metric(lists, k)


@given(some_lists(), st.integers(1, 6))
def test_only_the_first_k_count_and_more_cover_more(lists, k):
    cut = replace(lists, codes=lists.codes[:, :k])
    for metric in USER_LIST_METRICS.values():
        np.testing.assert_array_equal(metric(lists, k), metric(cut, k))
        np.testing.assert_array_equal(metric(cut, k), metric(cut, k + 3))
    assert coverage(lists, k + 1) >= coverage(lists, k)


@given(some_lists(), st.integers(1, 6), st.randoms())
def test_the_order_inside_the_first_k_matters_to_serendipity_only(lists, k, random):
    codes = lists.codes.copy()
    for row in codes:
        row[:k] = random.sample(row[:k].tolist(), len(row[:k]))
    for name, metric in {**USER_LIST_METRICS, **CATALOGUE_METRICS}.items():
        if name != "serendipity":
            np.testing.assert_allclose(metric(replace(lists, codes=codes), k), metric(lists, k), atol=1e-12)


def test_blocks_of_users_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    codes = np.stack([rng.permutation(np.arange(2, 8))[:4] for _ in range(9)])
    lists = lists_of(codes, [rng.integers(2, 8, 3).tolist() for _ in range(9)])
    whole = [metric(lists, 3) for metric in (diversity, miscalibration)]
    monkeypatch.setattr(content_module, "USERS_PER_BLOCK", 2)
    for metric, values in zip((diversity, miscalibration), whole, strict=True):
        np.testing.assert_array_equal(metric(lists, 3), values)
