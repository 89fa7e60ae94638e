from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifact import write_folder
from recsys.config import Settings
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout, split_dataset
from recsys.errors import ArtifactError, ConfigError, InputError, RecsysError, UnknownIdError
from recsys.models import REGISTRY, base, load_model, make_model, model_class
from recsys.models.base import Recommender, Scores
from recsys.models.popularity import PopularityRecommender
from recsys.ranking.filters import Filters


@dataclass(frozen=True)
class NoSettings(Settings):
    """Set nothing."""


class LastTitle(Recommender):
    """Score titles by how near their code is to that of the last title; count the calls."""

    name = "last-title"
    Config = NoSettings

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.learnt_from: Histories | None = None
        self.validated_on: Holdout | None = None

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        self.learnt_from, self.validated_on = data.histories, validation

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        self.batches.append(histories.n_users)
        last = histories.items[histories.offsets[1:] - 1]
        return -np.abs(last[:, None] - np.arange(self.data.n_codes)[None, :]).astype(np.float32)

    def _similar(self, codes: np.ndarray) -> Scores:
        return self._scores(Histories.from_lists([[code] for code in codes]))

    def _save(self, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    def _load(self, folder: Path) -> None:
        raise AssertionError("never saved")


def test_recommends_by_hand(small: Dataset) -> None:
    frame = LastTitle().fit(small).recommend([103, 101], k=3)
    # 103 watched 10, 12, 14, 13, 11 (codes 2-6), the last is code 3; 101 watched codes 2-5, the last is code 5
    assert frame["user_id"].to_list() == [103] * 3 + [101] * 3
    assert frame["anime_id"].to_list() == [20, 21, 22, 14, 20, 21]
    assert frame["score"].to_list() == [-4, -5, -6, -1, -2, -3]
    assert frame["title"].to_list()[3] == "Gintama"


def test_leaves_out_adult_titles_unless_asked(small: Dataset) -> None:
    model = LastTitle().fit(small)
    assert 24 not in model.recommend(k=20)["anime_id"].to_list()
    assert 24 in model.recommend(k=20, filters=Filters(adult=True))["anime_id"].to_list()


def test_works_in_batches(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = LastTitle().fit(small).recommend(k=4)
    monkeypatch.setattr(base, "BATCH", 4)
    model = LastTitle().fit(small)
    assert model.recommend(k=4).equals(whole)
    assert model.batches == [4, 2]


def test_learns_from_the_training_part_only(small: Dataset) -> None:
    split = split_dataset(small)
    model = LastTitle().fit(small, split)
    assert model.learnt_from is split.train
    assert model.validated_on is split.validation
    assert model.facts.pop("fit_seconds") >= 0
    assert model.facts == {
        "fitted_on": "train part of leave-last-1-out",
        "test_sha256": split.sha256,
        "n_events": split.train.n_events,
        "latest_event": split.train.times.max(),
    }
    assert model.histories_of([101]).n_events == 4


def test_learns_from_everything_without_a_split(small: Dataset) -> None:
    model = LastTitle().fit(small)
    assert model.learnt_from is small.histories
    assert model.facts["fitted_on"] == "everything"
    assert model.facts["test_sha256"] is None


def test_a_model_whose_second_fit_fails_serves_nobody(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    model = PopularityRecommender().fit(small)

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(model, "_fit", fail)
    with pytest.raises(MemoryError):
        model.fit(small)
    with pytest.raises(RecsysError, match="has not been fitted"):
        model.recommend()


def test_similar_leaves_out_the_title_itself_and_what_filters_exclude(small: Dataset) -> None:
    model = LastTitle().fit(small)
    assert model.similar(12, k=4)["anime_id"].to_list() == [11, 13, 10, 14]
    assert model.similar(12, k=2, filters=Filters(include_genres=["romance"]))["anime_id"].to_list() == [20, 21]


def test_a_full_disk_leaves_nothing_behind(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be written: No space left on device"):
        LastTitle().fit(small).save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_class_loads_only_its_own_folders(small: Dataset, tmp_path: Path) -> None:
    folder = PopularityRecommender().fit(small).save(tmp_path / "model")
    with pytest.raises(InputError, match="holds a popularity model, not last-title"):
        LastTitle.load(folder)


@pytest.mark.parametrize("name", REGISTRY)
def test_the_registry_names_classes_by_their_own_names(name: str) -> None:
    assert model_class(name).name == name


def test_makes_models_by_name_with_strict_settings() -> None:
    assert make_model("als", {"factors": 7}).config.to_mapping()["factors"] == 7
    with pytest.raises(InputError, match="There is no model 'svd'"):
        make_model("svd")
    with pytest.raises(ConfigError, match="There is no setting 'factor'"):
        make_model("als", {"factor": 7})


def test_loads_only_model_folders(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not a model folder: it does not exist"):
        load_model(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match=r"has no manifest\.json"):
        load_model(tmp_path / "empty")
    with pytest.raises(ArtifactError, match="but a model folder is needed"):
        load_model(small.save(tmp_path / "data"))


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("config.json", b"[1]", "TypeError"),
        ("config.json", b"{", "JSONDecodeError"),
        ("card.json", b"{}", "KeyError: 'name'"),
        ("events.parquet", b"no table", "ComputeError"),
        ("users.parquet", None, "lacks|No such file"),
        ("popularity.npz", b"no arrays", "ValueError"),
        ("popularity.npz", {"other": np.ones(13)}, "KeyError"),
        ("popularity.npz", {"counts": np.ones(3, dtype=np.float32)}, r"scores must be \(1, 13\).* got \(1, 3\)"),
    ],
)
def test_a_folder_of_somebody_elses_making_is_refused(
    small: Dataset, tmp_path: Path, name: str, content: Any, reason: str
) -> None:
    model = PopularityRecommender().fit(small)
    with write_folder(tmp_path / "model", kind=base.KIND, model="popularity") as folder:  # its checksums hold
        (folder / "config.json").write_text("{}")
        small.write_files(folder)
        model._save(folder)
        if content is None:
            (folder / name).unlink()
        elif isinstance(content, dict):
            np.savez(folder / name, **content)
        else:
            (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=reason):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    "k, rule", [(0, "at least 1, got 0"), (2.5, r"a whole number, got 2\.5"), (True, "a whole number")]
)
def test_k_counts_titles(small: Dataset, k: Any, rule: str) -> None:
    model = LastTitle().fit(small)
    with pytest.raises(InputError, match=f"k must be {rule}"):
        model.recommend([101], k=k)
    with pytest.raises(InputError, match=f"k must be {rule}"):
        model.similar(12, k=k)


def test_one_user_needs_no_list_and_one_mood_no_tuple(small: Dataset) -> None:
    model = LastTitle().fit(small)
    assert model.recommend(103, k=3).equals(model.recommend([103], k=3))
    with pytest.raises(UnknownIdError, match="There is no user 9999"):
        model.recommend("9999")
    model.supports_mood = True  # type: ignore[misc]
    assert len(model.recommend(103, k=3, mood="Action")) == 3
    with pytest.raises(UnknownIdError, match="There is no title 4"):
        model.similar(4)


@pytest.mark.parametrize("items", [[2, -1], [2, 99_999]])
def test_codes_that_are_none_are_refused(small: Dataset, items: list[int]) -> None:
    with pytest.raises(InputError, match=r"Item codes must be 0 to 12, got"):
        LastTitle().fit(small).recommend(histories=Histories.from_lists([items]))


def test_an_id_may_be_a_numpy_integer(small: Dataset) -> None:
    model = LastTitle().fit(small)
    assert model.recommend(np.int64(103)).equals(model.recommend(103))


def test_fewer_people_are_scored_at_a_time_where_titles_are_many() -> None:
    assert [base.batch_size(n) for n in (12, 12_296, 200_002, 2**24)] == [512, 512, 41, 1]
