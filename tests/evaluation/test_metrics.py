from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import (
    DEFAULT_METRICS,
    Metric,
    compute,
    coverage,
    hit_rate,
    metrics_at,
    mrr,
    ndcg,
    parse_cutoffs,
    parse_metric,
    precision,
    recall,
)
from evaluation.ranks import NEVER, Ranks
from recsys.errors import InputError

# user 0: targets at 1 and 4; user 1: one at 2; user 2: one far behind; user 3: one that is never recommended
RANKS = Ranks.from_lists([[4, 1], [2], [40], [NEVER]])

RANK_LISTS = st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True), min_size=1, max_size=8)


def test_recall_by_hand():
    assert recall(RANKS, 3).tolist() == [0.5, 1, 0, 0]
    assert recall(RANKS, 4).tolist() == [1, 1, 0, 0]


def test_precision_by_hand():
    assert precision(RANKS, 4).tolist() == [0.5, 0.25, 0, 0]


def test_hit_rate_by_hand():
    assert hit_rate(RANKS, 1).tolist() == [1, 0, 0, 0]
    assert hit_rate(RANKS, 40).tolist() == [1, 1, 1, 0]


def test_ndcg_by_hand():
    two_found = (1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    np.testing.assert_allclose(ndcg(RANKS, 10), [two_found, 1 / math.log2(3), 0, 0])
    # at 1 the ideal list has room for one of the two targets only
    np.testing.assert_allclose(ndcg(RANKS, 1), [1, 0, 0, 0])


def test_mrr_by_hand():
    np.testing.assert_allclose(mrr(RANKS), [1, 0.5, 1 / 40, 0], atol=1e-15)
    assert mrr(RANKS, 10).tolist() == [1, 0.5, 0, 0]


def test_coverage_counts_titles_once_and_no_padding():
    lists = np.array([[2, 3, 4], [3, 2, 0], [5, 0, 0]])
    assert coverage(lists, 1, n_titles=8) == 3 / 8
    assert coverage(lists, 3, n_titles=8) == 4 / 8
    assert coverage(lists, 100, n_titles=8) == 4 / 8


@given(RANK_LISTS, st.integers(1, 70))
def test_values_lie_between_zero_and_one_and_grow_with_k(rows, k):
    ranks = Ranks.from_lists(rows)
    for metric in (recall, hit_rate, ndcg, mrr, precision):
        values = metric(ranks, k)
        assert values.shape == (len(rows),)
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    for metric in (recall, hit_rate, mrr):
        assert (metric(ranks, k + 1) >= metric(ranks, k)).all()


@given(RANK_LISTS, st.integers(1, 70))
def test_a_user_is_judged_alike_alone_and_among_others(rows, k):
    together = Ranks.from_lists(rows)
    for metric in (recall, precision, hit_rate, ndcg, mrr):
        alone = np.concatenate([metric(Ranks.from_lists([row]), k) for row in rows])
        np.testing.assert_allclose(metric(together, k), alone)


@given(RANK_LISTS, st.integers(1, 70))
def test_moving_a_target_up_never_hurts(rows, k):
    worse = Ranks.from_lists([[rank + 1 for rank in row] for row in rows])
    for metric in (recall, precision, hit_rate, ndcg, mrr):
        assert (metric(Ranks.from_lists(rows), k) >= metric(worse, k) - 1e-12).all()


@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(1, 70))
def test_with_one_target_recall_is_the_hit_rate(places, k):
    ranks = Ranks.from_lists([[place] for place in places])
    assert recall(ranks, k).tolist() == hit_rate(ranks, k).tolist()


@given(st.integers(1, 5), st.integers(5, 9))
def test_a_perfect_list_has_ndcg_one(n_targets, k):
    assert ndcg(Ranks.from_lists([list(range(1, n_targets + 1))]), k) == pytest.approx(1)


def test_texts_become_metrics():
    assert parse_metric(" NDCG@10 ") == Metric("ndcg", 10)
    assert str(parse_metric("hit-rate@5")) == "hit_rate@5"
    assert compute(parse_metric("mrr"), RANKS).tolist() == mrr(RANKS).tolist()
    assert compute(parse_metric("mrr@2"), RANKS).tolist() == mrr(RANKS, 2).tolist()


def test_names_meet_cutoffs():
    assert [str(metric) for metric in metrics_at(["ndcg", "ndcg@5", "mrr"], [5, 10])] == ["ndcg@5", "ndcg@10", "mrr"]
    assert len(metrics_at(DEFAULT_METRICS, [1, 2])) == 9


@pytest.mark.parametrize(
    "text, message",
    [
        ("recal@10", r"There is no metric 'recal' \(in 'recal@10'\)\. Did you mean 'recall'\?"),
        ("", "There is no metric ''"),
        ("recall", r"'recall' needs a cutoff\. For example 'recall@10'\."),
        ("ndcg@0", "A cutoff k must be at least 1, got 0"),
        ("ndcg@-3", "A cutoff k must be at least 1, got -3"),
        ("ndcg@ten", "A cutoff k must be a whole number, got 'ten'"),
        ("ndcg@1.5", "must be a whole number"),
        ("ndcg@", "must be a whole number, got ''"),
    ],
)
def test_a_wrong_text_is_explained(text, message):
    with pytest.raises(InputError, match=message):
        parse_metric(text)


def test_cutoffs_must_be_given():
    assert parse_cutoffs("5 10,20") == [5, 10, 20]
    with pytest.raises(InputError, match="At least one cutoff k is needed"):
        parse_cutoffs(" , ")
    with pytest.raises(InputError, match="must be at least 1, got 0"):
        metrics_at(["recall"], [0])
