"""What the second stage is told of its candidates: cases by hand, and what must not change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.models import make_model
from recsys.models.likeness import name_likeness
from recsys.models.rerank.candidates import OF_THE_LAST_TITLE, Candidates, feature_names
from recsys.models.rerank.facts import TitleFacts
from recsys.models.rerank.recommender import list_quality
from recsys.models.rerank.trees import Lists
from tests.worlds import camps


def small_world() -> Dataset:
    catalogue = pl.DataFrame(
        {
            "anime_id": [10, 11, 12, 13],
            "title": ["Aria", "Aria Natural", "Blame", "Clannad"],
            "genres": [["Slice"], ["Slice"], ["Action"], ["Slice", "Action"]],
            "type": ["TV", "TV", "Movie", None],
            "episodes": [13, 26, None, 1],
        }
    )
    base = Histories.from_lists([[2, 4], [2, 3], [2]], [2, 3, 4])
    ratings = np.array([8, 6, 9, 7, np.nan], dtype=np.float32)
    histories = Histories(base.offsets, base.items, ratings, users=base.users)
    items = Vocabulary([10, 11, 12, 13])
    return Dataset("small", histories, Vocabulary([1, 2, 3]), items, Catalogue(catalogue), Order.NONE)


def test_facts_by_hand() -> None:
    facts = TitleFacts.of(small_world())
    assert facts.log_watchers == pytest.approx(np.log1p([0, 0, 3, 1, 1, 0]))
    assert facts.liking[2] == pytest.approx((1 + 1) / (2 + 5)), "rated 1 above the mean by two people"
    assert facts.liking[4] == pytest.approx(-1 / (1 + 5))
    assert facts.log_ratings == pytest.approx(np.log1p([0, 0, 2, 1, 1, 0]))
    assert facts.log_episodes == pytest.approx(np.log1p([0, 0, 13, 26, 0, 1]))
    assert facts.kinds.sum(axis=1).tolist() == [0, 0, 1, 1, 1, 1]
    assert facts.token_share.tolist() == pytest.approx([4 / 5, 1 / 5]), "slice, action of five watched titles"


def test_candidates_by_hand() -> None:
    data = small_world()
    scores = {"a": np.array([[0, 0, 9, 3, 8, 1]], dtype=np.float32), "b": np.array([[0, 0, 9, 1, 8, 1]], np.float32)}
    found = Candidates.find(scores, data.histories.select(slice(0, 1)), TitleFacts.of(data), 1, last_title=True)
    assert found.rows.tolist() == [0]
    assert found.codes.tolist() == [3], "both members' best unseen title"
    features = dict(zip(feature_names(["a", "b"], last_title=True), found.features[0].tolist(), strict=True))
    assert features["a: score"] == 3
    assert features["b: below the first"] == 0
    assert features["a: log rank"] == 0
    assert features["mean rating"] == 7
    assert features["length of the history"] == pytest.approx(np.log(3))
    assert features["share of the type in the history"] == 0.5
    assert features["cosine of genres and tags"] == pytest.approx(np.sqrt(0.5))
    alike = name_likeness(pl.Series(["aria", "aria natural", "blame", "clannad"]))[2, 3]
    assert features["likeness of names"] == pytest.approx(alike)
    assert features["rating of names alike"] == pytest.approx(alike * 1), "Aria was rated 1 above the mean"
    assert features["watched of the franchise"] == (alike >= 0.45)
    assert features["places after the last title"] == pytest.approx(-np.log(2)), "3, one before the last watched, 4"
    assert features["places of the step to the last title"] == pytest.approx(np.log(3)), "from 2 to 4"
    assert features["cosine of genres and tags with the last title"] == 0, "Action alone, and Slice alone"
    assert features["likeness of names with the last title"] == 0


def test_members_of_one_model_are_averaged_too() -> None:
    data = small_world()
    high, low = (np.array([[0, 0, 9, score, 8, 1]], dtype=np.float32) for score in (3, 2))
    scores = {"als": high, "als@2": low, "ease": high.copy()}
    found = Candidates.find(scores, data.histories.select(slice(0, 1)), TitleFacts.of(data), 1)
    features = dict(zip(feature_names(list(scores)), found.features[0].tolist(), strict=True))
    assert features["mean of als: score"] == 2.5
    assert features["mean of als: below the first"] == 0
    assert "mean of ease: score" not in features


def test_a_history_without_a_last_title_says_nothing_of_it() -> None:
    data = small_world()
    histories = Histories.from_lists([[], [3]], [2, 3])
    scores = {"a": np.array([[0, 0, 3, 2, 1, 0], [0, 0, 3, 2, 1, 0]], dtype=np.float32)}
    found = Candidates.find(scores, histories, TitleFacts.of(data), 1, last_title=True)
    assert found.codes.tolist() == [2, 2]
    names = feature_names(["a"], last_title=True)
    assert names[: -len(OF_THE_LAST_TITLE)] == feature_names(["a"])
    assert found.features[0, -len(OF_THE_LAST_TITLE) :].tolist() == [0, 0, 0, 0]
    after, step, cosine, alike = found.features[1, -len(OF_THE_LAST_TITLE) :].tolist()
    assert (after, step, cosine) == pytest.approx((-np.log(2), 0, 1))
    assert alike > 0.25, "Aria and Aria Natural"


def test_every_candidate_is_unseen_and_alone_as_in_company() -> None:
    data = camps()
    models = {name: make_model(name).fit(data) for name in ("item-knn", "ease")}
    facts = TitleFacts.of(data)

    def find(histories: Histories) -> Candidates:
        scores = {name: one._scores(histories) for name, one in models.items()}
        return Candidates.find(scores, histories, facts, 5, last_title=True)

    together = find(data.histories)
    assert together.features.shape == (len(together.rows), len(feature_names(list(models), last_title=True)))
    assert np.isfinite(together.features).all()
    assert not any(code in data.histories.of(row) for row, code in zip(together.rows, together.codes, strict=True))
    for user in range(5):
        alone = find(data.histories.select(slice(user, user + 1)))
        assert np.array_equal(alone.codes, together.codes[together.rows == user])
        assert alone.features == pytest.approx(together.features[together.rows == user], abs=1e-5)


def test_the_quality_of_lists_counts_ties_and_misses_against_them() -> None:
    lists = Lists(
        np.array([0, 0, 1, 1, 3]),
        np.array([2, 3, 2, 4, 5]),
        np.array([True, False, False, True, False]),
        np.zeros((5, 1), dtype=np.float32),
    )
    found, recall = list_quality(lists, np.array([1, 1, 0, 2, 9], dtype=np.float32), np.array([1, 2, 1, 1]), 10)
    assert found == pytest.approx([1 / np.log2(3), 1 / (1 + 1 / np.log2(3)), 0, 0])
    assert recall.tolist() == [1, 0.5, 0, 0]


def test_episodes_that_nobody_can_count_are_none() -> None:
    world = small_world()
    frame = world.catalogue.frame.with_columns(episodes=pl.lit(-5, dtype=pl.Int64))
    facts = TitleFacts.of(replace(world, catalogue=Catalogue(frame)))
    assert not facts.log_episodes.any()


def test_only_frequent_types_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small world has TV twice, Movie once and one title without a type."""
    whole = TitleFacts.of(small_world()).kinds
    monkeypatch.setattr("recsys.models.rerank.facts.MAX_KINDS", 1)
    assert whole.shape[1] == 3
    assert TitleFacts.of(small_world()).kinds[FIRST:].ravel().tolist() == [1, 1, 0, 0]
