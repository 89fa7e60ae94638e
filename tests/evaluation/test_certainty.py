from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

import evaluation.certainty
from evaluation.certainty import Difference, bootstrap, clear_winner, holm, paired_differences, seed_spread


def test_the_interval_of_a_share_is_the_textbook_one():
    values = np.zeros((1000, 1))
    values[:300] = 1
    [interval] = bootstrap(values)
    error = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    assert interval.value == pytest.approx(0.3)
    assert interval.low == pytest.approx(0.3 - error, abs=0.004)
    assert interval.high == pytest.approx(0.3 + error, abs=0.004)


def test_a_constant_is_certain():
    [interval] = bootstrap(np.full((20, 1), 0.25))
    assert interval == pytest.approx((0.25, 0.25, 0.25))


def test_the_seed_decides_the_draws():
    values = np.random.default_rng(0).random((50, 2))
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    assert bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_columns_do_not_disturb_each_other():
    values = np.random.default_rng(0).random((50, 2))
    np.testing.assert_allclose(bootstrap(values)[1], bootstrap(values[:, 1:])[0])


def test_drawing_in_chunks_changes_nothing(monkeypatch):
    values = np.random.default_rng(0).random((50, 2))
    whole = bootstrap(values)
    monkeypatch.setattr(evaluation.certainty, "_CHUNK", 777)
    np.testing.assert_allclose(bootstrap(values), whole)


def test_a_winner_must_be_clear():
    rng = np.random.default_rng(0)
    base = rng.random(400)
    assert clear_winner([base, base + 0.01 + 0.01 * rng.random(400)]) == 1  # small, but for everyone
    assert clear_winner([base, base]) is None
    assert clear_winner([base, base + rng.normal(0, 0.3, 400)]) is None
    assert clear_winner([base]) is None


# -- two models on the same users --------------------------------------------------------------------------------------


def test_the_paired_bootstrap_equals_a_plain_loop():
    rng = np.random.default_rng(5)
    a, b = rng.random((60, 2)), rng.random((60, 2))
    found = paired_differences(a, b, samples=200, seed=7)
    draws = np.random.default_rng(7).integers(0, 60, size=(200, 60), dtype=np.int32)
    for column, one in enumerate(found):
        means = [np.mean([a[user, column] - b[user, column] for user in draw]) for draw in draws]
        assert one.value == pytest.approx(np.mean(a[:, column]) - np.mean(b[:, column]))
        assert (one.low, one.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_the_paired_t_test_equals_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.random((50, 3)), rng.random((50, 3))
    found = [one.p for one in paired_differences(a, b)]
    assert found == pytest.approx([stats.ttest_rel(a[:, i], b[:, i]).pvalue for i in range(3)])


def test_pairing_sees_what_intervals_side_by_side_do_not():
    rng = np.random.default_rng(0)
    easy = rng.random(300)  # users differ much more than the models do
    a, b = easy + 0.02 + rng.normal(0, 0.05, 300), easy
    [one], [alone_a], [alone_b] = (
        paired_differences(a[:, None], b[:, None]),
        bootstrap(a[:, None]),
        bootstrap(b[:, None]),
    )
    assert alone_a.low < alone_b.high  # the two intervals overlap widely
    assert one.low > 0
    assert one.p < 0.001


def test_identical_models_differ_in_nothing():
    a = np.random.default_rng(0).random((30, 1))
    assert paired_differences(a, a) == [Difference(0.0, 0.0, 0.0, 1.0, 0, 30, 0)]
    thirds = a / 3 + a / 3 + a / 3  # the same but for the last digit
    assert paired_differences(a, thirds) == [Difference(0.0, 0.0, 0.0, 1.0, 0, 30, 0)]


def test_a_difference_that_is_the_same_for_all_is_answered_by_the_sign_test():
    for n_users, p in [(1, 1.0), (2, 0.5), (5, 0.0625), (11, 2.0**-10)]:
        [one] = paired_differences(np.full((n_users, 1), 0.75), np.full((n_users, 1), 0.5))
        assert (one.value, one.low, one.high, one.wins) == (0.25, 0.25, 0.25, n_users)
        assert one.p == pytest.approx(p)


def test_wins_ties_and_losses_are_counted_within_the_tolerance():
    a = np.array([[0.5], [0.5], [0.5], [0.0]])
    b = np.array([[0.5 + 1e-12], [0.4], [0.6], [0.0]])
    [one] = paired_differences(a, b)
    assert (one.wins, one.ties, one.losses) == (1, 2, 1)
    [one] = paired_differences(a, b, tolerance=0.2)
    assert (one.wins, one.ties, one.losses) == (0, 4, 0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    covered, false_alarms = 0, 0
    for trial in range(200):  # recall-like values with a true difference of 0.1, and of none
        draws = rng.random((150, 3))
        hits = (draws < [0.4, 0.3, 0.3]).astype(float)
        [one, null] = paired_differences(hits[:, [0, 1]], hits[:, [1, 2]], samples=400, seed=trial)
        covered += one.low <= 0.1 <= one.high
        false_alarms += null.p < 0.05
    assert 0.90 * 200 <= covered <= 0.99 * 200
    assert 0.01 * 200 <= false_alarms <= 0.10 * 200


@given(
    arrays(np.float64, st.tuples(st.integers(1, 25), st.integers(1, 3)), elements=st.floats(0, 1, width=16)),
    st.integers(0, 5),
)
def test_a_comparison_turned_around_is_its_negative(a, seed):
    b = np.roll(a, 1, axis=0)
    for one, other in zip(paired_differences(a, b, seed=seed), paired_differences(b, a, seed=seed), strict=True):
        assert one[:3] == pytest.approx((-other.value, -other.high, -other.low), abs=1e-12)
        assert one.p == pytest.approx(other.p)
        assert one[4:] == other[:3:-1]
        assert one.wins + one.ties + one.losses == len(a)
        assert 0 <= one.p <= 1


# -- several comparisons, several seeds --------------------------------------------------------------------------------


def test_holm_by_hand():
    # sorted: .005 * 4 = .02; .01 * 3 = .03; .03 * 2 = .06; .04 * 1 = .04, raised to the .06 before it
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.2]), [0.2])
    np.testing.assert_allclose(holm([0.5, 0.9, 0.7]), [1, 1, 1])
    assert holm([]).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.randoms())
def test_holm_lies_between_none_and_bonferroni_and_knows_no_order(p, shuffler):
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()
    order = list(range(len(p)))
    shuffler.shuffle(order)
    np.testing.assert_allclose(holm([p[place] for place in order]), corrected[order])


def test_the_spread_over_seeds():
    assert seed_spread([0.2, 0.4, 0.3]) == pytest.approx((0.3, 0.1, 0.2, 0.4))
    assert seed_spread([0.2]) == (0.2, None, 0.2, 0.2)
