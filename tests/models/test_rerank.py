from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from evaluation import Rules, evaluate
from evaluation.tune.search import space_of
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import hold_out_earlier, split_dataset
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import ArtifactError, InputError
from recsys.models import load_model, make_model
from recsys.models.base import Recommender
from recsys.models.popularity import PopularityRecommender
from recsys.models.rerank.candidates import OF_THE_LAST_TITLE, Candidates, feature_names
from recsys.models.rerank.config import RerankConfig
from recsys.models.rerank.facts import TitleFacts, name_likeness
from recsys.models.rerank.recommender import RerankRecommender, list_quality
from recsys.models.rerank.trees import Lists
from recsys.ranking.filters import Filters
from tests.contract import RecommenderContract, assert_same_lists, hit_rate
from tests.worlds import camps, chains, franchises, walks

FLAGS = ["members=item-knn popularity", "depth=12", "trees=20"]


class TestRerankContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return RerankRecommender(RerankConfig.from_flags(FLAGS))


class TestRerankOfAnOrderContract(RecommenderContract):
    learns = "order"

    @classmethod
    def make(cls) -> Recommender:
        return RerankRecommender(RerankConfig.from_flags(["members=markov popularity", "depth=12", "trees=20"]))


# -- by hand -----------------------------------------------------------------------------------------------------


def test_names_alike_by_hand() -> None:
    """ "trigun" is in one of three names, "stampede" in one, so the first two share one rare word of one and three."""
    alike = name_likeness(["trigun", "trigun stampede", "haibane renmei"], 5).toarray()
    shared = np.log(4 / 3) + 1  # in two of three names
    alone = np.log(4 / 2) + 1  # the other word, and the pair
    assert alike[2, 3] == pytest.approx(shared / np.sqrt(shared**2 + 2 * alone**2))
    assert alike[3, 2] == alike[2, 3]
    assert np.count_nonzero(alike) == 2


def test_a_word_in_every_name_makes_no_franchise() -> None:
    assert name_likeness([f"title {number}" for number in range(100)], 102).nnz == 0
    assert name_likeness(["", "", ""], 5).nnz == 0
    assert name_likeness([], 2).shape == (2, 2)


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
    alike = name_likeness(["aria", "aria natural", "blame", "clannad"], 6)[2, 3]
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


# -- the whole ---------------------------------------------------------------------------------------------------


def test_names_tell_what_no_member_knows() -> None:
    """Popularity knows nothing of franchises; the second stage reads their names."""
    data = franchises()
    split = split_dataset(data)
    alone = make_model("popularity").fit(data, split)
    model = make_model("rerank", {"members": "popularity", "depth": 25, "trees": 60}).fit(data, split)
    assert model.facts["second_stage"]
    assert hit_rate(alone, split.test) < 0.2
    assert hit_rate(model, split.test) > 0.9


def test_where_nothing_is_to_be_learned_the_best_member_remains() -> None:
    data = camps(200, taste=False)
    split = split_dataset(data)
    model = make_model("rerank", {"members": "popularity als", "als.factors": 4, "trees": 30}).fit(data, split)
    validation = model.facts["validation"]
    if not model.facts["second_stage"]:
        [member] = model.members.values()  # type: ignore[attr-defined]
        assert_same_lists(
            model.recommend(k=5), make_model(member.name, member.config.to_mapping()).fit(data, split).recommend(k=5)
        )
    assert validation["ndcg@10"] >= max(row["ndcg@10"] for row in model.describe().iter_rows(named=True))  # type: ignore[attr-defined]


def test_titles_beyond_the_candidates_follow_in_the_order_of_the_best_member() -> None:
    data = franchises(200)
    flags = ["members=popularity als", "als.factors=2", "depth=12", "trees=20"]
    model = RerankRecommender(RerankConfig.from_flags(flags)).fit(data, split_dataset(data))
    assert model.trees is not None
    scores = model.scores(data.histories)
    first = model.members[model._first].scores(data.histories)
    found = model._candidates(
        {name: one._scores(data.histories) for name, one in model.members.items()}, data.histories
    )
    for user in range(data.histories.n_users):
        own = found.codes[found.rows == user]
        others = np.setdiff1d(np.arange(FIRST, data.n_codes), own)
        assert scores[user, own].min() > scores[user, others].max()
        assert np.array_equal(
            others[np.argsort(-scores[user, others], kind="stable")],
            others[np.argsort(-first[user, others], kind="stable")],
        )


def test_it_is_not_judged_on_the_validation_part_that_it_learned_from() -> None:
    data = franchises(200)
    split = split_dataset(data)
    model = make_model("rerank", {"members": "popularity", "trees": 20}).fit(data, split)
    assert evaluate(model, split, ["mrr"]).metrics["mrr"].value > 0.5
    with pytest.raises(InputError, match="has learned from the validation part"):
        evaluate(model, split, ["mrr"], part="validation")
    with pytest.raises(InputError, match="nothing to search"):
        space_of("rerank", {})


def test_refit_keeps_the_trees_and_learns_from_everything(tmp_path: Path) -> None:
    data = franchises()
    split = split_dataset(data)
    model = RerankRecommender(RerankConfig.from_flags(["members=popularity", "trees=30"])).fit(data, split)
    final = model.refit()
    assert final.facts["fitted_on"] == "everything"
    assert final.trees == model.trees is not None
    assert final.facts["validated"]["validation"] == model.facts["validation"]
    assert final._titles is not None
    assert final._titles.log_watchers.sum() > model._titles.log_watchers.sum()  # type: ignore[union-attr]
    folder = final.save(tmp_path / "final")
    assert_same_lists(load_model(folder).recommend(k=5), final.recommend(k=5), exactly=True)


def test_fitted_models_are_taken_and_nothing_is_learned_without_a_validation_part(small: Dataset) -> None:
    data = camps()
    split = split_dataset(data)
    fitted = {"ease": make_model("ease").fit(data, split)}
    assert RerankRecommender(fitted=fitted).fit(data, split)._fitted == fitted
    tiny = small.with_histories(Histories.from_lists([[2, 3], [3, 2], [4]]))
    model = make_model("rerank", {"members": "item-knn popularity"}).fit(tiny)
    assert list(model.members) == ["item-knn"]  # type: ignore[attr-defined]


def test_a_mood_is_left_to_a_member_that_follows_it() -> None:
    data = camps(60)
    flags = ["members=lstm item-knn", "trees=10", "lstm.units=4", "lstm.dim=4", "lstm.epochs=1", "lstm.user_dim=0"]
    model = RerankRecommender(RerankConfig.from_flags(flags)).fit(data, split_dataset(data))
    assert model.supports_mood == ("lstm" in model.members)
    if model.supports_mood:
        asked = model.scores(data.histories, mood=["Romance"])
        assert np.array_equal(asked, model.members["lstm"].scores(data.histories, mood=["Romance"]))


def test_altered_trees_are_refused(tmp_path: Path) -> None:
    folder = RerankRecommender(RerankConfig.from_flags(FLAGS)).fit(camps(60)).save(tmp_path / "model")
    (folder / "titles.npz").unlink()
    with pytest.raises(ArtifactError, match="lacks"):
        load_model(folder)


@pytest.mark.parametrize(
    "changed",
    [
        {"members": "popularity als item-knn"},
        {"als.factors": 3},
        {"depth": 3},
        {"earlier_targets": 2},
        {"trees": 3},
        {"leaves": 2},
        {"learning_rate": 0.3},
        {"least_rows": 5},
        {"feature_share": 0.1},
        {"user_share": 0.3},
        {"l2": 0.0},
        {"cutoff": 1},
        {"seed": 3},
    ],
)
def test_every_setting_counts(changed: dict[str, Any]) -> None:
    world = franchises(200)
    base = {"members": "popularity als", "als.factors": 2, "trees": 12, "least_rows": 60}
    usual, other = (make_model("rerank", base | more).fit(world, split_dataset(world)) for more in ({}, changed))
    assert not np.array_equal(usual.scores(world.histories), other.scores(world.histories))


def test_it_orders_what_a_chain_and_popularity_find() -> None:
    data = chains(0.9)
    split = split_dataset(data)
    model = make_model("rerank", {"members": "popularity markov", "trees": 40}).fit(data, split)
    markov = make_model("markov").fit(data, split)
    assert hit_rate(model, split.test) > hit_rate(markov, split.test) - 0.05


def test_the_last_title_tells_where_people_walk_along_the_ids() -> None:
    data = walks(200, 60)
    split = split_dataset(data)
    settings = {"members": "popularity", "depth": 60, "trees": 60}
    blind, told = (
        make_model("rerank", settings | {"last_title": last_title}).fit(data, split) for last_title in (False, True)
    )
    assert hit_rate(told, split.test) > hit_rate(blind, split.test) + 0.3


def test_earlier_titles_teach_where_few_people_are_held_out() -> None:
    data = chains(0.9, n_people=30)
    split = split_dataset(data)
    settings = {"members": "popularity", "depth": 30, "trees": 60, "last_title": True}
    few, more = (
        hit_rate(make_model("rerank", settings | {"earlier_targets": n}).fit(data, split), split.test) for n in (0, 3)
    )
    assert more > few + 0.1


def test_members_fitted_without_earlier_titles_are_taken() -> None:
    data = franchises(200)
    split = split_dataset(data)
    config = RerankConfig.from_flags(["members=popularity als", "als.factors=2", "trees=20", "earlier_targets=2"])
    past, _ = hold_out_earlier(split.train, 2, ordered=False)
    members = {name: make_model(name, config.of(name).to_mapping()).fit(data, past) for name in config.members}
    assert members["popularity"].facts["n_events"] == split.train.n_events - 2 * 200
    members["als"].facts["fit_seconds"] = 1000.0
    given = RerankRecommender(config, fitted_earlier=members).fit(data, split)
    assert given.facts["fit_seconds"] > 1000
    assert given.trees == RerankRecommender(config).fit(data, split).trees is not None
    wrong = RerankRecommender(config, fitted_earlier={"als": make_model("als", {"factors": 2}).fit(data, split)})
    with pytest.raises(InputError, match="fitted als has learned from train part of random-1-out-seed-0, not from"):
        wrong.fit(data, split)
    with pytest.raises(InputError, match="given as 'ease', which is no such member"):
        RerankRecommender(config, fitted_earlier={"ease": make_model("ease")})
    with pytest.raises(InputError, match="for earlier_targets, which is 0"):
        RerankRecommender(replace(config, earlier_targets=0), fitted_earlier=members)


def test_earlier_titles_of_people_who_have_none_to_spare_are_missing() -> None:
    data = camps(60)
    split = split_dataset(data)
    short = replace(split, train=split.train.last(1))
    model, usual = (
        RerankRecommender(RerankConfig.from_flags([*FLAGS, f"earlier_targets={n}"])).fit(data, short) for n in (3, 0)
    )
    assert_same_lists(model.recommend(k=5), usual.recommend(k=5), exactly=True)


def test_seen_titles_cannot_be_ranked_by_trees() -> None:
    data = camps(120)
    split = split_dataset(data)
    model = RerankRecommender(RerankConfig.from_flags(FLAGS)).fit(data, split)
    assert model.trees is not None
    with pytest.raises(InputError, match="has learned to order unseen titles only"):
        model.recommend(k=3, filters=Filters(keep_seen=True))
    with pytest.raises(InputError, match="has learned to order unseen titles only"):
        evaluate(model, split, ["mrr"], rules=Rules(seen="ranked"))


def test_blocks_of_names_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"title {n % 7} of {n % 5}" for n in range(40)] + ["", "alone"]
    whole = name_likeness(names, len(names) + FIRST)
    monkeypatch.setattr("recsys.models.rerank.facts.ROWS", 3)
    assert (whole != name_likeness(names, len(names) + FIRST)).nnz == 0


def test_what_members_are_told_in_serving_they_are_told_in_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    data = replace(chains(0.9), order=Order.TIME)
    data = data.with_histories(replace(data.histories, times=np.arange(data.histories.n_events)))
    asked = []

    class Told(PopularityRecommender):
        reads_request_times = True  # type: ignore[assignment]

        def _scores(self, histories: Histories, mood: Any = ()) -> Any:
            asked.append(histories.asked is not None)
            return super()._scores(histories, mood)

    split = split_dataset(data)
    member = Told().fit(data, split)
    asked.clear()
    RerankRecommender(RerankConfig.from_flags([*FLAGS, "members=popularity"]), fitted={"popularity": member}).fit(
        data, split
    )
    assert asked
    assert all(asked)


def test_likeness_has_the_same_bytes_in_every_process() -> None:
    names = "', '".join(f"word{n % 7} of{n % 5} the season {n}" for n in range(40))
    code = (
        f"from recsys.models.rerank.facts import name_likeness as like; import hashlib; found = like(['{names}'], 42);"
        "print(hashlib.sha256(found.data.tobytes() + found.indices.tobytes()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
