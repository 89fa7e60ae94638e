from __future__ import annotations

import pytest

from evaluation.metrics import (
    CATALOGUE_METRICS,
    DEFAULT_METRICS,
    NEEDS,
    RANK_METRICS,
    USER_LIST_METRICS,
    Metric,
    compute,
    metrics_at,
    mrr,
    parse_cutoffs,
    parse_metric,
)
from evaluation.ranks import NEVER, Ranks
from recsys.errors import InputError

RANKS = Ranks.from_lists([[4, 1], [2], [40], [NEVER]])


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


def test_every_metric_has_one_name_and_is_described():
    tables = [RANK_METRICS, USER_LIST_METRICS, CATALOGUE_METRICS]
    names = [name for table in tables for name in table]
    assert len(names) == len(set(names))
    assert set(NEEDS) <= set(names)
    for table in tables:
        for name, function in table.items():
            assert parse_metric(f"{name}@10") == Metric(name, 10)
            assert "Source:" in (function.__doc__ or "")
