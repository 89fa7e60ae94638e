from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.judge import evaluate
from recsys.config import read_toml
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout, split_dataset
from recsys.errors import ConfigError, InputError
from recsys.models import load_model, make_model
from recsys.models.base import Recommender
from recsys.models.blend.config import BlendConfig
from recsys.models.blend.recommender import BlendRecommender
from recsys.models.blend.scales import SCALES, Seen, find_sharpness
from recsys.models.blend.weights import Choice, choose, cross_fitted, pool_members
from tests.contract import RecommenderContract, assert_same_lists, hit_rate
from tests.worlds import camps, chains

FLAGS = ["members=item-knn ease", "ease.regularization=5"]


class TestBlendContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return BlendRecommender(BlendConfig.from_flags(FLAGS))


class TestBlendOfGivenWeightsContract(RecommenderContract):
    @classmethod
    def make(cls) -> Recommender:
        return BlendRecommender(
            BlendConfig.from_flags(["members=slim als popularity", "weights=2 1 .5", "scale=z-score", "als.factors=8"])
        )


class TestBlendOfRanksContract(RecommenderContract):
    learns = "order"

    @classmethod
    def make(cls) -> Recommender:
        return BlendRecommender(BlendConfig.from_flags(["members=markov item-knn", "scale=rank", "weights=3,1"]))


# -- by hand -----------------------------------------------------------------------------------------------------

SCORES = np.array([[9, 9, 4, 8, 2, 6], [0, 0, 1, 1, 1, 1]], dtype=np.float32)
SEEN = Seen.of(Histories.from_lists([[3, 3, 1], []]), 6)


def test_z_scores_by_hand() -> None:
    """The first user's candidates score 4, 2 and 6: mean 4, variance 8/3. The second's are all alike."""
    scaled = SCALES["z-score"](SCORES.copy(), SEEN, 1.0)
    deviation = np.sqrt(8 / 3)
    assert scaled[0, 2:] == pytest.approx([0, 4 / deviation, -2 / deviation, 2 / deviation])
    assert scaled[1, 2:] == pytest.approx([0, 0, 0, 0])


def test_probabilities_by_hand() -> None:
    scaled = SCALES["probability"](SCORES.copy(), SEEN, 0.5)
    total = np.exp(2) + np.exp(1) + np.exp(3)
    assert scaled[0, [2, 4, 5]] == pytest.approx([np.exp(2) / total, np.exp(1) / total, np.exp(3) / total], rel=1e-5)
    assert scaled[1, 2:] == pytest.approx([0.25] * 4)


def test_reciprocal_ranks_by_hand() -> None:
    scaled = SCALES["rank"](SCORES.copy(), SEEN, 1.0)
    assert scaled[0, 2:] == pytest.approx([61 / 62, 61 / 60.5, 61 / 63, 61 / 61]), "the seen title takes no place"


def test_log_odds_by_hand() -> None:
    assert np.array_equal(SCALES["log-odds"](SCORES.copy(), SEEN, 0.5), SCORES / 2)


@pytest.mark.parametrize("scale", SCALES)
def test_a_scale_leaves_the_order_of_each_user(scale: str) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20, 40)).astype(np.float32)
    histories = Histories.from_lists([rng.choice(38, rng.integers(0, 9), replace=False) + 2 for _ in range(20)])
    seen = Seen.of(histories, 40)
    scaled = SCALES[scale](scores.copy(), seen, 1.5)
    assert np.isfinite(scaled[:, 2:]).all()
    for user in range(20):
        unseen = np.setdiff1d(np.arange(2, 40), histories.of(user))
        assert np.array_equal(np.argsort(scores[user, unseen]), np.argsort(scaled[user, unseen]))
        assert np.array_equal(np.argsort(scores[user, 2:]), np.argsort(scaled[user, 2:])), "of seen titles, too"
    alone = SCALES[scale](scores[:1].copy(), Seen.of(histories.select(slice(0, 1)), 40), 1.5)
    assert alone == pytest.approx(scaled[:1], rel=1e-5)


def test_sharpness_makes_a_softmax_likely() -> None:
    """With two candidates and the better one right in 3 of 4 cases, the odds e^(2 f) must be 3."""
    scores = np.tile(np.array([[0, 0, 2, 0]], dtype=np.float32), (4, 1))
    nothing, targets = Histories.from_lists([[]] * 4), Histories.from_lists([[2], [2], [2], [3]])
    assert find_sharpness(scores, Seen.of(nothing, 4), targets) == pytest.approx(np.log(3) / 2, rel=0.05)


def test_the_blend_is_the_weighted_sum_of_scaled_scores() -> None:
    world = camps()
    flags = ["members=ease item-knn popularity", "weights=3 1 0", "scale=z-score"]
    blend = BlendRecommender(BlendConfig.from_flags(flags)).fit(world)
    seen = Seen.of(world.histories, world.n_codes)
    ease, knn = (
        SCALES["z-score"](make_model(name).fit(world)._scores(world.histories), seen, 1.0)
        for name in ("ease", "item-knn")
    )
    assert blend.scores(world.histories)[:, 2:] == pytest.approx((0.75 * ease + 0.25 * knn)[:, 2:], abs=1e-5)
    assert list(blend.members) == ["ease", "item-knn"], "a member without weight is not kept"


# -- weights -----------------------------------------------------------------------------------------------------


def table_scorer(table: np.ndarray) -> Any:
    """Score user n by row n of a table; histories name their users."""
    return lambda histories: table[histories.users].astype(np.float32)


def two_half_blind(n_users: int = 400, n_codes: int = 60) -> tuple[list[Any], Holdout]:
    """Give two models that each see half of the evidence, a third that sees none, and the targets."""
    rng = np.random.default_rng(3)
    parts = rng.normal(size=(3, n_users, n_codes))
    targets = (parts[0] + parts[1])[:, 2:].argmax(axis=1) + 2
    users = list(range(n_users))
    holdout = Holdout(
        Histories.from_lists([[]] * n_users, users), Histories.from_lists([[int(one)] for one in targets], users)
    )
    return [table_scorer(part) for part in parts], holdout


def test_weights_find_the_members_that_complement_each_other() -> None:
    scores, holdout = two_half_blind()
    pool = pool_members(scores, holdout, list(SCALES), 10)
    found = choose(pool, list(SCALES))
    assert found.weights.sum() == pytest.approx(1)
    assert found.weights[:2] == pytest.approx([0.5, 0.5], abs=0.1)
    assert found.weights[2] < 0.05
    assert pool.ndcg(found).mean() > pool.single.mean(axis=0).max() + 0.2
    assert cross_fitted(pool, list(SCALES)).mean() > pool.single.mean(axis=0).max() + 0.2


def test_weight_one_is_the_member_alone_and_the_choice_never_worse() -> None:
    scores, holdout = two_half_blind(60)
    for members in (scores, scores[:1], [scores[2], scores[2]]):
        pool = pool_members(members, holdout, list(SCALES), 5)
        for place, one in enumerate(np.eye(len(members))):
            for scale in SCALES:
                assert pool.ndcg(Choice(scale, one)) == pytest.approx(pool.single[:, place])
        assert pool.ndcg(choose(pool, list(SCALES))).mean() >= pool.single.mean(axis=0).max()


def test_a_pool_of_some_users_is_that_of_all_restricted() -> None:
    scores, holdout = two_half_blind(30)
    whole = pool_members(scores, holdout, ["z-score"], 5)
    some = np.array([7, 3, 21])
    weights = Choice("z-score", np.array([0.5, 0.3, 0.2]))
    assert whole.select(some).ndcg(weights) == pytest.approx(whole.ndcg(weights)[some])


def test_the_quality_is_that_of_a_plain_full_ranking() -> None:
    """With several targets a user, each is ranked among all unseen titles, the other targets included."""
    rng = np.random.default_rng(1)
    table = rng.permutation(30 * 40).reshape(30, 40)
    picks = [rng.choice(38, 7, replace=False) + 2 for _ in range(30)]
    users = list(range(30))
    holdout = Holdout(
        Histories.from_lists([one[:4].tolist() for one in picks], users),
        Histories.from_lists([one[4:].tolist() for one in picks], users),
    )
    pool = pool_members([table_scorer(table)], holdout, ["z-score"], 6)
    for user, pick in enumerate(picks):
        order = [code for code in np.argsort(-table[user]) if code >= 2 and code not in pick[:4]][:6]
        gain = sum(1 / np.log2(2 + place) for place, code in enumerate(order) if code in pick[4:])
        assert pool.single[user, 0] == pytest.approx(gain / sum(1 / np.log2(2 + place) for place in range(3)))


def test_a_useless_member_does_not_hurt() -> None:
    """Two camps say nothing of order: the Markov chain and popularity must not pull item-knn down."""
    data = camps(200)
    split = split_dataset(data)
    best = make_model("item-knn").fit(data, split)
    blend = make_model("blend", {"members": "popularity item-knn recent"}).fit(data, split)
    validation = blend.facts["validation"]
    alone = {row["member"]: row["ndcg@10"] for row in blend._rows}  # type: ignore[attr-defined]
    assert validation["ndcg@10"] >= max(alone.values())
    assert hit_rate(blend, split.test) > hit_rate(best, split.test) - 0.05


def test_blending_learns_what_no_member_knows_alone() -> None:
    """Follow a chain inside camps: markov knows what comes next, and the blend keeps what it knows."""
    data = chains(0.9)
    split = split_dataset(data)
    blend = make_model("blend", {"members": "popularity markov"}).fit(data, split)
    assert blend.facts["weights"]["markov"] > 0.5


# -- members -----------------------------------------------------------------------------------------------------


def test_fitted_models_are_taken_as_they_are(tmp_path: Path) -> None:
    data = camps()
    split = split_dataset(data)
    fitted = {"ease": make_model("ease", {"regularization": 3}).fit(data, split), "als": _als().fit(data, split)}
    fitted["als"].facts["fit_seconds"] = 1000.0
    blend = BlendRecommender(fitted=fitted).fit(data, split)
    assert 1000 < blend.facts["fit_seconds"] < 2000
    assert all(blend.members[label] is fitted[label] for label in blend.members)
    assert blend.config.member_settings == ("ease.regularization=3.0", "als.factors=8")
    again = BlendRecommender(blend.config).fit(data, split)
    assert again.scores(data.histories) == pytest.approx(blend.scores(data.histories), abs=1e-4)
    with pytest.raises(InputError, match="The fitted ease has learned from train part"):
        BlendRecommender(fitted=fitted).fit(data, split_dataset(data, "random,seed=9"))
    with pytest.raises(InputError, match="was given as 'slim', which is no such member"):
        BlendRecommender(fitted={"slim": fitted["ease"]})


def _als() -> Recommender:
    return make_model("als", {"factors": 8})


def test_weights_that_were_searched_are_not_judged_where_they_were_found() -> None:
    data = camps(120)
    split = split_dataset(data)
    flags = ["members=als als@2", "als.factors=4", "als@2.factors=4", "als@2.seed=1"]
    given = BlendRecommender(BlendConfig.from_flags([*flags, "weights=2,1"])).fit(data, split)
    assert evaluate(given, split, ["ndcg@10"], part="validation").metrics["ndcg@10"].value > 0
    for chosen in ([], ["weights=2,1", "scale=auto"]):
        searched = BlendRecommender(BlendConfig.from_flags([*flags, *chosen])).fit(data, split)
        with pytest.raises(InputError, match="has learned from the validation part"):
            evaluate(searched, split, ["ndcg@10"], part="validation")


def test_the_seed_of_what_is_learned_is_not_that_of_fitted_members() -> None:
    als = make_model("als", {"factors": 8, "seed": 3})
    config = BlendRecommender(
        fitted={"als": als, "als@2": make_model("als"), "ease": make_model("ease")}, seed=3
    ).config
    assert config.seed == 3
    assert config.of("als") == als.config
    assert config.of("als@2") == make_model("als").config


def test_refit_keeps_the_weights_and_learns_from_everything(tmp_path: Path) -> None:
    data = camps(60)
    split = split_dataset(data)
    blend = BlendRecommender(BlendConfig.from_flags([*FLAGS, "weights=1 2"])).fit(data, split)
    final = blend.refit()
    assert final.facts["fitted_on"] == "everything"
    assert final.facts["test_sha256"] is None
    assert final.facts["validated"]["validation"] == blend.facts["validation"]
    assert final.weights == blend.weights
    for label, member in final.members.items():
        plain = make_model(label, blend.config.of(label).to_mapping()).fit(data)
        assert np.array_equal(member.scores(data.histories), plain.scores(data.histories))
    folder = final.save(tmp_path / "final")
    assert_same_lists(load_model(folder).recommend(k=5), final.recommend(k=5), exactly=True)


def test_without_a_validation_part_it_holds_one_out_itself() -> None:
    data = camps(60)
    blend = BlendRecommender(BlendConfig.from_flags(FLAGS)).fit(data)
    weighed = BlendRecommender(BlendConfig.from_flags(FLAGS)).fit(data, split_dataset(data))
    assert blend.weights == weighed.weights
    assert blend.facts["fitted_on"] == "everything"
    plain = make_model("ease", {"regularization": 5}).fit(data)
    if "ease" in blend.members:
        assert np.array_equal(blend.members["ease"].scores(data.histories), plain.scores(data.histories))


def test_people_with_too_few_events_to_hold_any_out_get_equal_weights(small: Dataset) -> None:
    tiny = small.with_histories(Histories.from_lists([[2, 3], [3, 2], [4]]))
    blend = make_model("blend", {"members": "item-knn popularity"}).fit(tiny)
    assert blend.facts["weights"] == {"item-knn": 0.5, "popularity": 0.5}


def test_the_folder_is_flat_and_names_members(tmp_path: Path) -> None:
    config = BlendConfig.from_flags(["members=ease ease@b", "weights=1 1", "ease@b.regularization=7"])
    blend = BlendRecommender(config).fit(camps())
    folder = blend.save(tmp_path / "model")
    names = {path.name for path in folder.iterdir()}
    assert {"ease.arrays.npz", "ease@b.arrays.npz", "blend.json"} <= names
    again = load_model(folder)
    assert isinstance(again, BlendRecommender)
    assert again.members["ease@b"].config.to_mapping()["regularization"] == 7
    assert again.describe().columns[:3] == ["member", "model", "weight"]


def test_a_network_as_a_member_comes_back_and_goes_on(tmp_path: Path) -> None:
    data = camps(30)
    split = split_dataset(data)
    flags = ["members=lstm item-knn", "weights=1 1", "lstm.units=4", "lstm.dim=4", "lstm.epochs=1", "lstm.user_dim=0"]
    blend = BlendRecommender(BlendConfig.from_flags(flags)).fit(data, split)
    again = load_model(load_model(blend.save(tmp_path / "one")).save(tmp_path / "two"))
    assert_same_lists(again.recommend(k=5), blend.recommend(k=5), exactly=True)
    assert again.recommend(k=3, mood=["Romance"]).height == 90
    final = blend.refit()
    assert final.members["lstm"].facts["fitted_on"] == "everything"
    assert final.weights == {"lstm": 0.5, "item-knn": 0.5}


class MoodyEASE:
    """Stand for a member that follows moods: its scores turn round with one."""

    def __init__(self, model: Recommender) -> None:
        self.model = model

    def __call__(self, histories: Histories, mood: Any = ()) -> Any:
        scores = type(self.model)._scores(self.model, histories)
        return -scores if mood else scores


def test_a_mood_is_followed_by_those_who_can(monkeypatch: pytest.MonkeyPatch) -> None:
    from recsys.models.linear import EASERecommender

    data = camps()
    split = split_dataset(data)
    monkeypatch.setattr(EASERecommender, "supports_mood", True)
    fitted = {name: make_model(name).fit(data, split) for name in ("ease", "item-knn")}
    config = BlendConfig.from_flags(["members=ease item-knn", "weights=1 1"])
    monkeypatch.setattr(fitted["ease"], "_scores", MoodyEASE(fitted["ease"]))
    blend = BlendRecommender(config, fitted=fitted).fit(data, split)
    assert blend.supports_mood
    with_mood = blend.scores(data.histories, mood=["Romance"])
    assert with_mood[:, 2:] == pytest.approx(-fitted["ease"].scores(data.histories)[:, 2:])


# -- settings ----------------------------------------------------------------------------------------------------


def test_members_settings_as_a_toml_table(tmp_path: Path) -> None:
    file = tmp_path / "blend.toml"
    file.write_text(
        'members = ["lstm", "item-knn"]\n[lstm]\nunits = [16, 8]\ndropout = 0.1\n[item-knn]\nneighbours=7\n'
    )
    config = BlendConfig.from_flags(["item-knn.neighbours=9", "seed=4"], read_toml(file))
    assert config.of("lstm").to_mapping()["units"] == [16, 8]
    assert config.of("lstm").to_mapping()["seed"] == 4
    assert config.of("item-knn").to_mapping()["neighbours"] == 9
    assert BlendConfig.from_mapping(config.to_mapping()) == config


@pytest.mark.parametrize(
    "flags, message",
    [
        (["members=ease esae"], "There is no model 'esae'"),
        (["members="], "at least one member"),
        (["members=ease ease"], "members must differ"),
        (["members=ease@a_b ease@a-b"], "in more than - and _, got ease@a_b ease@a-b"),
        (["members=ease blend"], "A blend cannot be a member"),
        (["members=ease@a/b"], "must consist of letters"),
        (["members=ease", "als.factors=3"], "There is no member 'als'"),
        (["members=ease", "ease.factors=3"], "Member ease: There is no setting 'factors'"),
        (["members=ease", "ease.regularization=0"], "Member ease: 'regularization' must be at least"),
        (["members=ease", "member_settings=ease"], "given as MEMBER.NAME=VALUE"),
        (["members=ease als", "weights=1"], "'weights' must be 2 numbers"),
        (["members=ease als", "weights=1 -1"], "'weights' must be 2 numbers"),
        (["members=ease als", "weights=0 0"], "not all 0"),
        (["scale=minmax"], "'scale' must be one of auto"),
        (["member=ease"], "Did you mean 'members'"),
    ],
)
def test_wrong_settings_are_refused(flags: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BlendConfig.from_flags(flags)


@pytest.mark.parametrize(
    "changed",
    [
        {"members": "item-knn als"},
        {"member_settings": "ease.regularization=50"},
        {"weights": "5 1"},
        {"scale": "rank"},
        {"cutoff": 1},
        {"seed": 3, "members": "als ease"},
    ],
)
def test_every_setting_counts(changed: dict[str, Any]) -> None:
    world = camps(60)
    base = {"members": "item-knn ease", "weights": "1 1"}
    if "cutoff" in changed:
        base = {"members": "item-knn ease"}
    usual, other = (make_model("blend", base | more).fit(world, split_dataset(world)) for more in ({}, changed))
    if "cutoff" in changed:
        assert "ndcg@1" in other.facts["validation"]
    else:
        assert not np.array_equal(usual.scores(world.histories), other.scores(world.histories))
