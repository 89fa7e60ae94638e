from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.text.judge import calibration_error, judge, mean_over_seeds, wilson
from evaluation.text.sampling import draw_sums, units_of
from recsys.errors import InputError
from tests.evaluation.text.judged_texts import corpus, sure

TRUTH = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
GIVEN = [0, 0, 0, 1, 1, 1, 1, 1, 0, 0]


def test_a_case_computed_by_hand():
    found = judge(sure(GIVEN), corpus(TRUTH))
    assert found.confusion.tolist() == [[3, 1], [2, 4]]
    assert found.accuracy.value == 0.7
    # neg: precision 3/5, recall 3/4; pos: precision 4/5, recall 4/6
    neg, pos = found.per_class
    assert (neg.name, neg.support, pos.name, pos.support) == ("neg", 4, "pos", 6)
    assert (neg.precision, neg.recall, pos.precision, pos.recall) == pytest.approx((3 / 5, 3 / 4, 4 / 5, 2 / 3))
    assert (neg.f1, pos.f1) == pytest.approx((2 / 3, 8 / 11))
    assert found.metrics["macro_f1"].value == pytest.approx((2 / 3 + 8 / 11) / 2)
    assert found.metrics["log_loss"].value == pytest.approx(-(7 * math.log(0.9) + 3 * math.log(0.1)) / 10, rel=1e-5)
    assert found.metrics["calibration_error"].value == pytest.approx(0.2)  # sure by 0.9, right by 0.7
    assert found.predicted.tolist() == GIVEN
    assert "sentence_accuracy" not in found.metrics


def test_wilsons_interval_is_the_textbooks():
    # Newcombe (1998), table I: 81 of 263
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert wilson(3, 3).high == 1.0
    assert wilson(3, 3).low < 0.5


def test_intervals_hold_the_value_and_shrink_with_more_texts():
    few, many = (judge(sure(GIVEN * n), corpus(TRUTH * n)).metrics for n in (5, 100))
    for name in ("accuracy", "macro_f1", "log_loss"):
        assert many[name].low < many[name].value < many[name].high
        assert few[name].low < many[name].low < many[name].high < few[name].high
    assert (few["calibration_error"].low, few["calibration_error"].high) == (None, None)


def test_bootstrap_of_independent_texts_agrees_with_wilson():
    found = judge(sure(GIVEN * 50), corpus(TRUTH * 50))
    low, high = np.quantile(found.draws["accuracy"], [0.025, 0.975])
    assert (low, high) == pytest.approx((found.accuracy.low, found.accuracy.high), abs=0.01)


def test_repeating_every_text_in_its_group_changes_nothing():
    """Ten phrases of a sentence that say the same are no more evidence than one."""
    once = judge(sure(GIVEN * 5), corpus(TRUTH * 5, groups=np.arange(50)))
    tenfold = judge(
        sure(np.repeat(GIVEN * 5, 10)), corpus(np.repeat(TRUTH * 5, 10), groups=np.repeat(np.arange(50), 10))
    )
    for name in ("accuracy", "macro_f1", "log_loss"):
        assert tenfold.metrics[name] == pytest.approx(once.metrics[name])
    independent = judge(sure(np.repeat(GIVEN * 5, 10)), corpus(np.repeat(TRUTH * 5, 10)))
    assert independent.accuracy.high - independent.accuracy.low < (once.accuracy.high - once.accuracy.low) / 2


def test_whole_sentences_are_judged_beside_their_phrases():
    roots = np.array([True, False, False, True, False, False, False, False, True, False])
    found = judge(sure(GIVEN), corpus(TRUTH, groups=np.array([0] * 3 + [1] * 5 + [2] * 2), subset=roots))
    assert found.metrics["sentence_accuracy"].value == pytest.approx(1 / 3)
    assert found.metrics["sentence_accuracy"].low == 0.0


def test_a_class_that_neither_occurs_nor_is_predicted_does_not_count():
    found = judge(sure([0, 1, 1], 3), corpus([0, 1, 1], ("a", "b", "c")))
    assert found.metrics["macro_f1"].value == 1.0
    assert found.per_class[2].support == 0
    assert found.confusion.shape == (3, 3)


def test_certain_and_wrong_has_a_finite_loss():
    loss = judge(np.array([[1.0, 0.0], [1.0, 0.0]]), corpus([1, 0])).metrics["log_loss"]
    assert loss.value == pytest.approx(-math.log(np.finfo(float).eps) / 2)
    assert loss.high == pytest.approx(2 * loss.value)


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_values_lie_where_they_must(n_classes, seed):
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.ones(n_classes), size=30).astype(np.float32)
    found = judge(table, corpus(rng.integers(0, n_classes, 30), [f"class {i}" for i in range(n_classes)]))
    for name in ("accuracy", "macro_f1", "calibration_error"):
        assert 0 <= found.metrics[name].value <= 1
    assert found.confusion.sum() == 30
    assert all(np.isfinite(drawn).all() for drawn in found.draws.values())


def test_perfectly_calibrated_confidence_has_no_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 100_000)
    assert calibration_error(confidence, rng.random(100_000) < confidence) < 0.01
    assert calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0.0


def test_seeds_are_averaged_and_the_interval_stays_that_of_the_texts():
    texts = corpus(TRUTH * 20)
    one, other = judge(sure(GIVEN * 20), texts), judge(sure(TRUTH * 20), texts)
    mean = mean_over_seeds([one, other])
    assert mean["accuracy"].value == pytest.approx(0.85)
    # where one seed is right about everything, the mean varies half as much as the other seed does
    low, high = np.quantile(one.draws["accuracy"], [0.025, 0.975])
    assert mean["accuracy"].high - mean["accuracy"].low == pytest.approx((high - low) / 2)
    assert mean["calibration_error"].low is None
    assert mean_over_seeds([one]) == one.metrics


def test_the_seed_decides_the_draws():
    one, same, other = (judge(sure(GIVEN), corpus(TRUTH), seed=seed).draws["accuracy"] for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_sums_over_drawn_units_have_the_right_mean():
    sums = draw_sums(np.array([[1.0, 10.0], [3.0, 30.0]]), samples=4000)
    assert sums.mean(axis=0) == pytest.approx([4, 40], rel=0.05)
    assert set(sums[:, 0]) == {2.0, 4.0, 6.0}
    assert np.array_equal(10 * sums[:, 0], sums[:, 1])


def test_units_are_groups_or_texts():
    units, n_units = units_of(corpus([0, 1, 1], groups=np.array([7, 3, 7])))
    assert (units.tolist(), n_units) == ([1, 0, 1], 2)
    assert units_of(corpus([0, 1, 1]))[1] == 3


@pytest.mark.parametrize(
    "table, labels, message",
    [
        (np.zeros((0, 2)), [], "the corpus is empty"),
        (np.full((2, 3), 1 / 3), [0, 1], r"must be of shape \(2, 2\)"),
        (np.array([[0.5, 0.5], [0.9, 0.3]]), [0, 1], "1 of 2 do not .first: row 1"),
        (np.array([[np.nan, 0.5], [0.9, 0.1]]), [0, 1], "1 of 2 do not .first: row 0"),
        (np.array([[1.5, -0.5], [0.9, 0.1]]), [0, 1], "1 of 2 do not .first: row 0"),
    ],
)
def test_what_cannot_be_judged_is_refused(table, labels, message):
    with pytest.raises(InputError, match=message):
        judge(table, corpus(labels))


def test_one_class_is_nothing_to_tell_apart():
    with pytest.raises(InputError, match="At least 2 classes"):
        judge(np.ones((2, 1)), corpus([0, 0], ["only"]))


def test_frames():
    found = judge(sure(GIVEN), corpus(TRUTH))
    assert found.frame().columns == ["metric", "value", "low", "high"]
    assert found.class_frame().rows()[1][0] == "pos"
