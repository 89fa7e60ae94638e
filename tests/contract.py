"""The suite that every model passes: subclass `RecommenderContract`, say how to make the model, and collect it.

class TestPopularityContract(RecommenderContract):
    learns = None

    @classmethod
    def make(cls) -> Recommender:
        return PopularityRecommender()
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recsys.artifact import MANIFEST
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout, split_dataset
from recsys.dataset.vocabulary import FIRST, UNKNOWN
from recsys.errors import ArtifactError, InputError, RecsysError, UnknownIdError
from recsys.models import load_model
from recsys.models.base import Recommender
from recsys.ranking.filters import Filters
from tests.worlds import ADULT_ID, UNSEEN_ID, camps, chains

SAFE_SUFFIXES = {".json", ".parquet", ".npz", ".keras", ".onnx"}
EVERYTHING = Filters(adult=True)


def hit_rate(model: Recommender, holdout: Holdout, k: int = 3) -> float:
    """Return the share of people whose held-out title is among their first k."""
    codes = np.concatenate([part.codes for part in model.top_k(holdout.inputs, k, EVERYTHING)])
    return float((codes == holdout.targets.items[:, None]).any(axis=1).mean())


def popular_hit_rate(train: Histories, holdout: Holdout, n_codes: int, k: int = 3) -> float:
    """Return the hit rate of the titles most watched, without any code of the project's ranking."""
    order = np.argsort(-np.bincount(train.items, minlength=n_codes), kind="stable")
    hits = [
        holdout.targets.of(user)[0] in [code for code in order if code not in set(holdout.inputs.of(user))][:k]
        for user in range(holdout.n_users)
    ]
    return float(np.mean(hits))


def assert_same_lists(left: pl.DataFrame, right: pl.DataFrame, *, exactly: bool = False) -> None:
    """Demand the same titles in the same places, and the same scores (up to rounding unless `exactly`)."""
    assert_frame_equal(left, right, check_exact=exactly, abs_tol=1e-5, rel_tol=1e-4)


class RecommenderContract:
    """Prove what every model promises, on people of two camps."""

    learns: ClassVar[Literal["camps", "order"] | None] = "camps"
    """What this model must find in data: who likes what, what follows what, or nothing."""
    knows_people: ClassVar[bool] = False
    """Whether a known person may be served otherwise than a stranger with the same history."""

    @classmethod
    def make(cls) -> Recommender:
        """Return an unfitted model, seeded, small enough to be fitted in a second or two."""
        raise NotImplementedError

    @classmethod
    def make_learner(cls) -> Recommender:
        """Return an unfitted model that has what it takes to learn from a few hundred people."""
        return cls.make()

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> Dataset:
        return camps()

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, world: Dataset) -> Recommender:
        """Give the fitted model; tests share it and must not change it."""
        return cls.make().fit(world)

    @pytest.fixture(scope="class")
    @classmethod
    def saved(cls, model: Recommender, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Give the saved model's folder; tests that change it take a copy."""
        return model.save(tmp_path_factory.mktemp("contract") / "model")

    # -- fitting -------------------------------------------------------------------------------------------------

    def test_fit_returns_itself_and_one_seed_gives_the_same_bytes(self, model: Recommender, world: Dataset) -> None:
        twin = self.make()
        assert twin.fit(world, progress=True) is twin
        assert twin.scores(world.histories).tobytes() == model.scores(world.histories).tobytes()

    def test_refuses_to_fit_on_nothing(self, world: Dataset) -> None:
        nothing = world.with_histories(world.histories.keep_events(np.zeros(world.histories.n_events, dtype=bool)))
        with pytest.raises(InputError, match="at least one event"):
            self.make().fit(nothing)

    def test_fits_on_the_training_part_of_a_split_and_serves_whole_histories(self, world: Dataset) -> None:
        split = split_dataset(world)
        model = self.make().fit(world, split)
        assert model.facts["test_sha256"] == split.sha256
        frame = model.recommend(k=50, filters=EVERYTHING)
        assert frame.height == (len(world.items) - world.histories.lengths).sum()

    def test_must_be_fitted_before_use(self, world: Dataset, tmp_path: Path) -> None:
        model = self.make()
        uses: list[Callable[[], Any]] = [
            lambda: model.recommend([5000]),
            lambda: model.recommend(histories=world.histories),
            lambda: model.similar(100),
            lambda: model.save(tmp_path / "model"),
        ]
        for use in uses:
            with pytest.raises(RecsysError, match="has not been fitted"):
                use()
        assert list(tmp_path.iterdir()) == []

    # -- scores --------------------------------------------------------------------------------------------------

    def test_scores_every_title_and_nothing_else(self, model: Recommender, world: Dataset) -> None:
        scores = model.scores(world.histories)
        assert scores.shape == (world.histories.n_users, world.n_codes)
        assert scores.dtype == np.float32
        assert np.isfinite(scores[:, FIRST:]).all(), "titles that nobody watched have a score, too"
        assert (scores[:, :FIRST] == -np.inf).all()

    def test_scores_are_the_callers_to_write_into(self, model: Recommender, world: Dataset) -> None:
        scores = model.scores(world.histories)
        before = scores.copy()
        scores[:] = 0
        assert np.array_equal(model.scores(world.histories), before)

    def test_serves_people_without_a_history(self, model: Recommender) -> None:
        frame = model.recommend(histories=Histories.from_lists([[], [2, 3], []]), k=4)
        assert frame.height == 12
        assert frame["score"].is_finite().all()
        assert frame["anime_id"][:4].to_list() == frame["anime_id"][8:].to_list()

    def test_serves_histories_with_titles_that_it_does_not_know(self, model: Recommender) -> None:
        frame = model.recommend(histories=Histories.from_lists([[2, UNKNOWN, 3], [UNKNOWN], [UNKNOWN, 2]]), k=4)
        assert frame.height == 12
        assert frame["score"].is_finite().all()

    # -- lists ---------------------------------------------------------------------------------------------------

    def test_recommends_to_known_people(self, model: Recommender, world: Dataset) -> None:
        frame = model.recommend([5003, 5000], k=3)
        assert frame.schema == {
            "user_id": pl.Int64,
            "rank": pl.Int32,
            "anime_id": pl.Int64,
            "score": pl.Float32,
            "title": pl.String,
        }
        assert frame["user_id"].to_list() == [5003] * 3 + [5000] * 3
        assert frame["rank"].to_list() == [1, 2, 3, 1, 2, 3]
        names = dict(world.catalogue.frame.select("anime_id", "title").iter_rows())
        assert frame["title"].to_list() == [names[one] for one in frame["anime_id"]]

    def test_recommends_to_strangers(self, model: Recommender, world: Dataset) -> None:
        known = model.recommend(k=5)
        strangers = model.recommend(histories=world.histories.without_users(), k=5)
        assert strangers["user_id"].null_count() == strangers.height == known.height
        if not self.knows_people:
            assert_frame_equal(strangers.drop("user_id"), known.drop("user_id"))

    @pytest.mark.parametrize("k", [1, 7, 500])
    @pytest.mark.parametrize(
        "filters",
        [
            Filters(),
            EVERYTHING,
            Filters(keep_seen=True),
            Filters(include_genres=["romance"]),
            Filters(exclude_genres=["Action"], adult=True),
            Filters(types=["Movie"]),
            Filters(candidates=[100, 101, 112, ADULT_ID, UNSEEN_ID]),
            Filters(include_genres=["Hentai"]),
        ],
        ids=str,
    )
    def test_ranks_the_candidates_by_score_then_code(
        self, model: Recommender, world: Dataset, filters: Filters, k: int
    ) -> None:
        """Compare with a plain sort of all scores: seen and filtered titles are out, and every place is filled."""
        if filters.keep_seen and not model.ranks_seen:
            with pytest.raises(InputError, match="unseen titles only"):
                model.recommend(k=k, filters=filters)
            return
        frame = model.recommend(k=k, filters=filters)
        scores = model.scores(world.histories)
        allowed = np.flatnonzero(filters.allowed(world.catalogue, world.items))
        rows = []
        for user, row in enumerate(scores):
            seen = set() if filters.keep_seen else set(world.histories.of(user))
            candidates = sorted((code for code in allowed if code not in seen), key=lambda code: (-row[code], code))
            rows += [(user + 5000, place, code) for place, code in enumerate(candidates[:k], start=1)]
        users, places, codes = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
        assert frame["user_id"].to_list() == users
        assert frame["rank"].to_list() == places
        assert frame["anime_id"].to_list() == world.items.decode(np.array(codes, dtype=int)).to_list()
        assert np.array_equal(frame["score"], scores[np.array(users, dtype=int) - 5000, np.array(codes, dtype=int)])

    def test_serves_each_person_alike_alone_and_in_company(self, model: Recommender, world: Dataset) -> None:
        together = model.recommend(k=5)
        alone = [model.recommend([user], k=5) for user in world.users.ids[:8]]
        assert_same_lists(pl.concat(alone), together.head(40))

    def test_serves_each_person_alike_in_any_order(self, model: Recommender, world: Dataset) -> None:
        there = model.recommend(world.users.ids.to_list(), k=5)
        back = model.recommend(world.users.ids.reverse().to_list(), k=5)
        assert_same_lists(back.sort("user_id", "rank"), there)

    def test_serves_nobody(self, model: Recommender) -> None:
        assert model.recommend([]).height == 0

    @pytest.mark.parametrize("k", [0, -1])
    def test_refuses_k_below_one(self, model: Recommender, k: int) -> None:
        with pytest.raises(InputError, match=f"k must be at least 1, got {k}"):
            model.recommend([5000], k=k)
        with pytest.raises(InputError, match=f"k must be at least 1, got {k}"):
            model.similar(100, k=k)

    @pytest.mark.parametrize("user", [4, "nobody"])
    def test_refuses_unknown_people(self, model: Recommender, user: Any) -> None:
        with pytest.raises(UnknownIdError, match=f"There is no user {user} in camps"):
            model.recommend([5000, user])

    def test_refuses_a_mood_that_it_cannot_follow(self, model: Recommender) -> None:
        if model.supports_mood:
            assert model.recommend([5000], k=3, mood=["Romance"]).height == 3
        else:
            with pytest.raises(InputError, match="cannot follow a mood"):
                model.recommend([5000], mood=["Romance"])

    # -- similar titles ------------------------------------------------------------------------------------------

    def test_finds_similar_titles(self, model: Recommender, world: Dataset) -> None:
        frame = model.similar(100, k=6)
        assert frame.schema == {"rank": pl.Int32, "anime_id": pl.Int64, "score": pl.Float32, "title": pl.String}
        assert 1 <= frame.height <= 6
        assert frame["rank"].to_list() == list(range(1, frame.height + 1))
        assert frame["score"].is_finite().all()
        assert frame["score"].is_sorted(descending=True)
        assert frame["anime_id"].is_unique().all()
        assert not {100, ADULT_ID} & set(frame["anime_id"])
        assert set(model.similar(100, k=500, filters=Filters(types=["Movie"]))["anime_id"]) <= set(range(101, 124, 2))

    def test_answers_for_a_title_that_nobody_watched(self, model: Recommender) -> None:
        frame = model.similar(UNSEEN_ID, k=3)
        assert frame.height <= 3
        assert UNSEEN_ID not in frame["anime_id"].to_list()

    def test_refuses_titles_that_it_does_not_know(self, model: Recommender) -> None:
        with pytest.raises(RecsysError, match="There is no title 4"):
            model.similar(4)

    # -- the folder ----------------------------------------------------------------------------------------------

    def test_comes_back_as_it_was_saved(self, model: Recommender, saved: Path, world: Dataset, tmp_path: Path) -> None:
        again = load_model(saved)
        assert type(again) is type(model)
        assert again.config == model.config
        assert again.facts == model.facts
        moved = again.save(tmp_path / "second")
        for copy in (again, type(model).load(moved)):
            assert_same_lists(copy.recommend(k=5), model.recommend(k=5), exactly=True)
            assert_frame_equal(copy.similar(101, k=5), model.similar(101, k=5))
            strangers = world.histories.without_users()
            assert np.array_equal(copy.scores(strangers), model.scores(strangers))

    def test_leaves_what_stands_there_unless_told(self, model: Recommender, tmp_path: Path) -> None:
        folder = model.save(tmp_path / "model")
        before = (folder / MANIFEST).read_bytes()
        with pytest.raises(ArtifactError, match="exists already"):
            model.save(folder)
        assert (folder / MANIFEST).read_bytes() == before
        load_model(folder).save(folder, overwrite=True)
        assert_same_lists(load_model(folder).recommend(k=3), model.recommend(k=3), exactly=True)
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_saves_nothing_that_could_run(self, saved: Path) -> None:
        assert {path.suffix for path in saved.rglob("*") if path.is_file()} <= SAFE_SUFFIXES
        for path in saved.glob("*.npz"):
            with np.load(path, allow_pickle=False) as arrays:
                assert all(arrays[name].dtype != object for name in arrays.files)

    def test_refuses_an_altered_folder(self, saved: Path, tmp_path: Path) -> None:
        for path in sorted(saved.iterdir()):
            if path.name == MANIFEST:
                continue
            folder = shutil.copytree(saved, tmp_path / path.name)
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            (folder / path.name).write_bytes(content)
            with pytest.raises(ArtifactError, match="not the file that was saved"):
                load_model(folder)

    def test_refuses_an_incomplete_folder(self, saved: Path, tmp_path: Path) -> None:
        for path in sorted(saved.iterdir()):
            folder = shutil.copytree(saved, tmp_path / path.name)
            (folder / path.name).write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            with pytest.raises(ArtifactError, match=r"not the file that was saved|cannot be read"):
                load_model(folder)
            (folder / path.name).unlink()
            with pytest.raises(ArtifactError, match=r"lacks|is not a model folder"):
                load_model(folder)

    def test_refuses_a_folder_of_a_newer_format(self, saved: Path, tmp_path: Path) -> None:
        folder = shutil.copytree(saved, tmp_path / "model")
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest["format"] += 1
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        with pytest.raises(ArtifactError, match=r"has format \d+; this recsys reads up to"):
            load_model(folder)

    # -- learning ------------------------------------------------------------------------------------------------

    def learning_data(self) -> Sequence[Dataset]:
        """Return data that this model must learn from, and noise."""
        if self.learns is None:
            pytest.skip(f"a {self.make().name} model has nothing to learn from a history")
        if self.learns == "order":
            return chains(0.95), chains(0.0)
        return camps(200), camps(200, taste=False)

    def hit_rates(self, data: Dataset) -> tuple[float, float]:
        """Return the hit rates on the held-out test part: this model's, and popularity's."""
        split = split_dataset(data)
        learner = self.make_learner().fit(data, split)
        return hit_rate(learner, split.test), popular_hit_rate(split.train, split.test, data.n_codes)

    def test_learns_what_can_be_learnt(self) -> None:
        ours, popular = self.hit_rates(self.learning_data()[0])
        assert ours > popular + 0.15

    def test_learns_nothing_from_noise(self) -> None:
        ours, popular = self.hit_rates(self.learning_data()[1])
        assert ours < popular + 0.1


class UnorderedContract(RecommenderContract):
    """Prove the same where the data has no order."""

    learns = "camps"

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> Dataset:
        return replace(camps(), order=Order.NONE)

    def learning_data(self) -> Sequence[Dataset]:
        return [replace(data, order=Order.NONE) for data in super().learning_data()]
