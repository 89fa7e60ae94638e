from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation import Rules, evaluate
from evaluation.tune.search import space_of
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import hold_out_earlier, split_dataset
from recsys.dataset.vocabulary import FIRST
from recsys.errors import ArtifactError, ConfigError, InputError
from recsys.models import load_model, make_model
from recsys.models.base import Recommender
from recsys.models.popularity import PopularityRecommender
from recsys.models.rerank.config import RerankConfig
from recsys.models.rerank.recommender import RerankRecommender
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


def test_nobody_has_more_candidates_than_trees_can_order() -> None:
    with pytest.raises(ConfigError, match=r"at most 10,000 candidates.*got 4000 times 3") as caught:
        make_model("rerank", {"members": "popularity als item-knn", "depth": 4000})
    assert "3333 or less" in caught.value.hint
    make_model("rerank", {"members": "popularity als item-knn", "depth": 3333})


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
