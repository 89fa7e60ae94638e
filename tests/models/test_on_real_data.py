"""The baselines on real data: each beats what it must beat. Quick, on a part of the users and titles."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evaluation.judge import evaluate
from evaluation.recipes import load
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split
from recsys.models import make_model

pytestmark = pytest.mark.realdata

PEOPLE = slice(800)
SMALL = {
    "als": {"factors": 32, "iterations": 3},
    "ease": {"max_titles": 1000},
    "slim": {"max_titles": 1000},
}


@cache
def prepared(name: str, folder: Path) -> tuple[Dataset, Split]:
    return load(name, folder)


@cache
def validation_ndcg(data_name: str, model_name: str, folder: Path) -> float:
    data, split = prepared(data_name, folder)
    settings: dict[str, Any] = SMALL.get(model_name, {})
    model = make_model(model_name, settings).fit(data, split)
    return evaluate(model, split.validation.select(PEOPLE), ["ndcg@10"]).metrics["ndcg@10"].value


@pytest.mark.parametrize(
    "better, worse, data, by",
    [
        ("recent", "popularity", "kaggle5k", 0.005),  # by the genres: this data has no times
        ("item-knn", "popularity", "kaggle5k", 0.05),
        ("als", "popularity", "kaggle5k", 0.05),
        ("ease", "item-knn", "kaggle5k", 0.02),
        ("slim", "item-knn", "kaggle5k", 0.02),
        ("markov", "popularity", "annict", 0.1),
        ("markov", "item-knn", "annict", 0.05),
    ],
)
def test_one_baseline_beats_another(better: str, worse: str, data: str, by: float, realdata: Path) -> None:
    assert validation_ndcg(data, better, realdata) > validation_ndcg(data, worse, realdata) + by


def test_a_plain_chain_meets_a_count_of_transitions_done_elsewhere(realdata: Path) -> None:
    """Counts of what followed the last title, popularity for ties, in a few lines of polars: recall@10 .175 on test."""
    data, split = prepared("annict", realdata)
    model = make_model("markov", {"window": 1, "last": 1}).fit(data, split)
    assert evaluate(model, split, ["recall@10"]).metrics["recall@10"].value == pytest.approx(0.175, abs=0.002)
