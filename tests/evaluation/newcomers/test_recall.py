from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.newcomers.recall import OVER, TINY, differences, hits, interval_of, sign_test, summary, wilson
from evaluation.ranks import NEVER


def test_hits_are_means_over_seeds():
    ranks = np.array([[10, 11, 20, 21, NEVER], [1, 1, 21, 21, NEVER]])
    assert hits(ranks).tolist() == [[1, 1], [0.5, 1], [0, 0.5], [0, 0], [0, 0]]


def test_wilson_agrees_with_scipy():
    from scipy.stats import binomtest

    for n_hits, n in ((0, 25), (3, 40), (40, 40)):
        expected = binomtest(n_hits, n).proportion_ci(method="wilson")
        assert wilson(n_hits / n, n)[1:] == pytest.approx((expected.low, expected.high))


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_an_interval_holds_its_value_and_is_never_a_point(share, n):
    value, low, high = wilson(share, n)
    assert 0 <= low <= value + 1e-12
    assert value - 1e-12 <= high <= 1
    assert high > low


def test_the_sign_test_is_exact():
    assert sign_test(4, 0) == pytest.approx(2 / 16)
    assert sign_test(1, 3) == sign_test(3, 1) == pytest.approx(2 * 5 / 16)
    assert sign_test(0, 0) == 1


def test_differences_are_paired():
    a, b = np.array([[1.0], [1.0], [0.0], [0.0]]), np.array([[0.0], [1.0], [0.0], [0.0]])
    [found] = differences(a, b)
    assert (found.value, found.wins, found.ties, found.losses, found.p) == (0.25, 1, 3, 0, 1.0)
    assert found.low == 0


def test_a_summary_names_small_groups():
    table = np.ones((TINY - 1, 2))
    told = summary(table, np.zeros_like(table))
    assert told["tiny"]
    assert told["n_targets"] == TINY - 1
    assert told["recall@10"]["value"] == 1
    assert told[OVER]["recall@20"]["wins"] == TINY - 1
    assert interval_of(told, "recall@10") == wilson(1.0, TINY - 1)
    assert not summary(np.ones((TINY, 2)))["tiny"]
    assert OVER not in summary(table)


def test_nobody_has_no_recall():
    told = summary(np.zeros((0, 2)), np.zeros((0, 2)))
    assert told == {"n_targets": 0, "tiny": True, "recall@10": None, "recall@20": None}
    assert interval_of(told, "recall@10") is None
