from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from evaluation import evaluate
from evaluation.recipes import RECIPES, load
from recsys.dataset.prepared import Order
from recsys.errors import InputError
from recsys.models.popularity import PopularityRecommender

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize(
    "name, order, n_users, n_titles, n_events",
    [
        ("ml1m", Order.LISTED, 6_040, 3_416, 999_611),
        ("annict", Order.LISTED, 502, None, None),
        ("kaggle5k", Order.NONE, 5_000, None, None),
        ("ml100k", Order.TIME, 943, 1_682, 100_000),
        ("mlsmall", Order.TIME, 671, 9_066, 100_004),
        ("beauty", Order.LISTED, 22_363, 12_101, 198_502),
    ],
)
def test_the_data_is_what_the_papers_have(name, order, n_users, n_titles, n_events, realdata):
    data, split = load(name, realdata)
    assert (data.name, data.order, data.histories.n_users) == (name, order, n_users)
    assert n_titles is None or len(data.items) == n_titles
    assert n_events is None or data.histories.n_events == n_events
    assert len(data.catalogue) == len(data.items)
    assert split.test.targets.lengths.tolist() == [1] * split.test.n_users
    if order is Order.TIME:
        steps = np.diff(data.histories.times)
        steps[data.histories.offsets[1:-1] - 1] = 0
        assert (steps >= 0).all()


def test_ml1m_is_tested_on_the_last_of_the_published_file(realdata):
    data, split = load("ml1m", realdata)
    rows = pl.read_parquet(realdata / "benchmarks" / "ml1m_sequences.parquet").sort("user_id", "position")
    expected = rows.group_by("user_id", maintain_order=True).agg(
        pl.col("item_id").last().alias("test"), pl.col("item_id").get(-2).alias("validation")
    )
    assert data.users.decode(split.test.targets.users).to_list() == expected["user_id"].to_list()
    assert data.items.decode(split.test.targets.items).to_list() == expected["test"].to_list()
    assert data.items.decode(split.validation.targets.items).to_list() == expected["validation"].to_list()
    assert data.catalogue.frame["genres"].list.len().min() >= 1


def test_popularity_is_as_weak_on_ml1m_as_it_must_be(realdata):
    """A full ranking of 3,416 titles leaves popularity a few percent; sampled negatives would make it 45 %."""
    data, split = load("ml1m", realdata)
    found = evaluate(PopularityRecommender().fit(data, split), split, ["recall@10"])
    assert 0.01 < found.metrics["recall@10"].value < 0.05


@pytest.mark.parametrize("name, n_users", [("ml100k", 301), ("mlsmall", 147)])
def test_movielens_is_split_at_one_moment(name, n_users, realdata):
    data, split = load(name, realdata)
    assert split.test.n_users == n_users
    assert split.train.times.max() < split.test_from <= split.test.targets.times.min()
    assert (data.histories.times < split.test_from).mean() == pytest.approx(0.8, abs=0.001)


def test_kaggle_has_unrated_titles_and_a_random_holdout(realdata):
    data, split = load("kaggle5k", realdata)
    assert split.protocol == "random-1-out-seed-0"
    assert 0.15 < np.isnan(data.histories.ratings).mean() < 0.25
    assert np.nanmin(data.histories.ratings) >= 1


def test_annict_states_become_ratings(realdata):
    data, _ = load("annict", realdata)
    assert data.histories.lengths.min() >= 5
    known = data.histories.ratings[~np.isnan(data.histories.ratings)]
    assert set(known.tolist()) == {2, 5, 8, 10}


def test_an_unknown_name_and_a_missing_file_are_said(tmp_path):
    with pytest.raises(InputError, match="There is no data set 'ml2m'"):
        load("ml2m", tmp_path)
    for name in RECIPES:
        with pytest.raises(InputError, match="does not exist"):
            load(name, tmp_path)
