from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import RANK_METRICS, average_precision, hit_rate, mrr, ndcg, precision, recall
from evaluation.ranks import NEVER, Ranks

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


def test_average_precision_by_hand():
    # user 0: targets at 1 and 4 are the first and second found: 1/1 and 2/4; at 1 the list has room for one target
    np.testing.assert_allclose(average_precision(RANKS, 10), [(1 + 2 / 4) / 2, 1 / 2, 0, 0])
    np.testing.assert_allclose(average_precision(RANKS, 1), [1, 0, 0, 0])
    np.testing.assert_allclose(average_precision(Ranks.from_lists([[2, 3, 9]]), 5), [(1 / 2 + 2 / 3) / 3])


@given(RANK_LISTS, st.integers(1, 70))
def test_values_lie_between_zero_and_one_and_grow_with_k(rows, k):
    ranks = Ranks.from_lists(rows)
    for metric in RANK_METRICS.values():
        values = metric(ranks, k)
        assert values.shape == (len(rows),)
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    for metric in (recall, hit_rate, mrr):
        assert (metric(ranks, k + 1) >= metric(ranks, k)).all()


@given(RANK_LISTS, st.integers(1, 70))
def test_a_user_is_judged_alike_alone_and_among_others(rows, k):
    together = Ranks.from_lists(rows)
    for metric in RANK_METRICS.values():
        alone = np.concatenate([metric(Ranks.from_lists([row]), k) for row in rows])
        np.testing.assert_allclose(metric(together, k), alone)


@given(RANK_LISTS, st.integers(1, 70))
def test_moving_a_target_up_never_hurts(rows, k):
    worse = Ranks.from_lists([[rank + 1 for rank in row] for row in rows])
    for metric in RANK_METRICS.values():
        assert (metric(Ranks.from_lists(rows), k) >= metric(worse, k) - 1e-12).all()


@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(1, 70))
def test_with_one_target_recall_is_the_hit_rate_and_map_is_mrr(places, k):
    ranks = Ranks.from_lists([[place] for place in places])
    assert recall(ranks, k).tolist() == hit_rate(ranks, k).tolist()
    assert average_precision(ranks, k).tolist() == mrr(ranks, k).tolist()


@given(st.integers(1, 5), st.integers(5, 9))
def test_a_perfect_list_has_ndcg_and_map_one(n_targets, k):
    perfect = Ranks.from_lists([list(range(1, n_targets + 1))])
    for cutoff in (1, k):  # also where the list has no room for all targets
        assert ndcg(perfect, cutoff) == pytest.approx(1)
        assert average_precision(perfect, cutoff) == pytest.approx(1)


@given(RANK_LISTS, st.integers(1, 70), st.randoms())
def test_the_order_of_users_changes_nothing(rows, k, random):
    order = random.sample(range(len(rows)), len(rows))
    for metric in RANK_METRICS.values():
        values = metric(Ranks.from_lists(rows), k)
        assert metric(Ranks.from_lists([rows[user] for user in order]), k).tolist() == values[order].tolist()
