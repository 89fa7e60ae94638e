from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.auto import ORDERED, TAUGHT, UNORDERED, _Contest, _epochs_in_all, _shorter, find_model
from evaluation.auto_screen import verdict
from evaluation.certainty import Difference
from recsys.cli.fit_auto import auto_options
from recsys.config import Settings, setting
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Order
from recsys.dataset.split import split_dataset
from recsys.errors import ConfigError
from recsys.models import COMPOSITE, REGISTRY, load_model
from recsys.models.base import OnEpoch, Scores
from recsys.models.lstm.config import LSTMConfig
from recsys.models.popularity import PopularityRecommender
from tests.cli.conftest import Outcome, Recsys
from tests.models.lstm_data import waiting_dataset
from tests.worlds import camps, franchises


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return camps(120).save(tmp_path / "prepared")


class Clock:
    """Tell a time that goes on when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@dataclass(frozen=True)
class SlowConfig(Settings):
    epochs: int = setting(10, "how long", low=1)


class SlowRecommender(PopularityRecommender):
    """Take a minute an epoch."""

    name = "slow"
    Config = SlowConfig
    finds_epochs = True
    fits: list[int] = []  # noqa: RUF012

    def __init__(self, config: Settings | None = None, *, on_epoch: OnEpoch | None = None) -> None:
        super().__init__(config)
        self.on_epoch = on_epoch

    def _fit(self, *arguments: Any) -> None:
        super()._fit(*arguments)
        epochs = int(self.config.to_mapping()["epochs"])
        self.fits.append(epochs)
        for epoch in range(1, epochs + 1):
            CLOCK.now += 60
            if self.on_epoch is not None:
                self.on_epoch(epoch, {})


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Register a model that takes a minute an epoch; give the numbers of epochs that it was fitted for."""
    monkeypatch.setitem(REGISTRY, "slow", f"{__name__}:SlowRecommender")
    monkeypatch.setattr("evaluation.auto.model_class", lambda name: {"slow": SlowRecommender}.get(name) or _class(name))
    monkeypatch.setattr("evaluation.auto.make_model", _make)
    monkeypatch.setattr(CLOCK, "now", 0.0)
    fits: list[int] = []
    monkeypatch.setattr(SlowRecommender, "fits", fits)
    return fits


def _class(name: str) -> Any:
    from recsys.models import model_class

    return model_class(name)


def _make(name: str, settings: Mapping[str, Any], **options: Any) -> Any:
    from recsys.models import make_model

    return SlowRecommender(SlowConfig(**settings), **options) if name == "slow" else make_model(name, settings)


def test_keeps_the_best_candidate_and_says_what_it_found(recsys: Recsys, prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "best"
    done = recsys("fit", prepared, "--model", "auto", "--candidates", "popularity", "item-knn", "--out", out)
    assert done.code == 0, done.err
    for text in ("NDCG@10".lower(), "recall@10", "seconds", "popularity", "item-knn", "blend", "rerank", "Keeping"):
        assert text in done.out
    assert "Fitting item-knn" in done.err
    model = load_model(out)
    assert model.name in ("item-knn", "blend", "rerank")
    assert f"Fitted {model.name} on" in done.out
    rows = {row["model"]: row for row in model.facts["contest"]["rows"]}
    assert list(rows) == ["popularity", "item-knn", "blend", "rerank"]
    assert rows["item-knn"]["ndcg"] > rows["popularity"]["ndcg"]
    assert recsys("recommend", out, "--user", 5000).code == 0
    assert "item-knn" in recsys("describe", out).out
    judged = recsys("evaluate", prepared, "--saved", out, "--out", tmp_path / "results")
    assert judged.code == 0, judged.err


def test_final_learns_from_everything(recsys: Recsys, prepared: Path, tmp_path: Path) -> None:
    for candidates in (["item-knn"], ["item-knn", "ease"]):
        out = tmp_path / "-".join(candidates)
        words = ["--set", "item-knn.neighbours=9", "--final", "--out", out]
        done = recsys("fit", prepared, "--model", "auto", "--candidates", *candidates, *words)
        assert done.code == 0, done.err
        assert "(everything)" in done.out
        model = load_model(out)
        assert model.facts["test_sha256"] is None
        assert model.facts["contest"]["rows"][0]["model"] == "item-knn"


def test_the_same_seed_finds_the_same(recsys: Recsys, prepared: Path, tmp_path: Path) -> None:
    scores = []
    for name in ("one", "two"):
        words = ["--seed", 3, "--candidates", "item-knn als", "--set", "als.factors=4", "--out", tmp_path / name]
        assert recsys("fit", prepared, "--model", "auto", *words).code == 0
        model = load_model(tmp_path / name)
        scores.append(model.scores(model.data.histories))
    assert np.array_equal(*scores)


def test_what_is_made_of_several_is_kept_only_beyond_noise() -> None:
    """Noise has no best model: whatever leads, the interval of the lead reaches below zero."""
    data = camps(150, taste=False)
    found = find_model(data, split_dataset(data), candidates=["popularity", "item-knn", "ease"])
    assert found.gain is not None
    assert found.gain.low <= 0
    assert found.model.name not in COMPOSITE
    assert f"{found.composite} is not better beyond noise" in verdict(found)


def test_a_second_stage_is_kept_where_it_finds_more() -> None:
    data = franchises(200)
    found = find_model(data, split_dataset(data), candidates=["popularity", "als"], settings={"als": {"factors": 2}})
    assert (found.model.name, found.composite) == ("rerank", "rerank")
    assert found.gain is not None
    assert found.gain.low > 0
    assert "Keeping rerank: better than als beyond noise" in verdict(found)


def test_without_lightgbm_there_is_no_second_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    data = camps(60)
    found = find_model(data, split_dataset(data), candidates=["popularity", "item-knn"])
    assert found.rows[-1].model == "rerank"
    assert "needs the package lightgbm" in found.rows[-1].note


def test_order_decides_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.auto._Contest.run", lambda self, names: names)
    data = camps(40)
    names = [find_model(replace(data, order=order), split_dataset(data)) for order in (Order.TIME, Order.NONE)]
    assert names == [ORDERED, UNORDERED]
    assert "markov" not in UNORDERED


def test_no_candidate_begins_after_its_time(slow: list[int]) -> None:
    data = camps(40)
    found = find_model(data, split_dataset(data), candidates=["slow", "popularity"], minutes=5, clock=CLOCK)
    assert slow == [10], "the first one is not stopped: there would be nothing else"
    assert [(row.model, row.note) for row in found.rows] == [("slow", ""), ("popularity", "left out: no time")]


def test_epochs_are_fitted_into_the_time(slow: list[int]) -> None:
    data = camps(40)
    found = find_model(data, split_dataset(data), candidates=["popularity", "slow"], minutes=6, clock=CLOCK)
    assert slow == [10, 5], "one minute went into finding out how long an epoch takes"
    assert "5 of 10 epochs for lack of time" in found.rows[1].note
    find_model(data, split_dataset(data), candidates=["popularity", "slow"], minutes=600, clock=CLOCK)
    assert slow[2:] == [10]
    late = find_model(data, split_dataset(data), candidates=["popularity", "slow"], minutes=2, clock=CLOCK)
    assert late.rows[1].note == "left out: time for 1 of 10 epochs only"
    assert late.model.name == "popularity"


def test_a_candidate_with_a_preset_is_tried_where_there_is_time_for_all_of_it(
    slow: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.auto.PRESETS", {"slow@more": {"epochs": 9}})
    data, names = camps(40), ["popularity", "slow", "slow@more"]
    settings = {"slow": {"epochs": 3}}
    found = find_model(data, split_dataset(data), candidates=names, minutes=6, settings=settings, clock=CLOCK)
    assert slow == [3, 9]
    assert found.rows[2].note == "left out: time for 2 of 9 epochs only"
    find_model(data, split_dataset(data), candidates=names, minutes=60, settings=settings, clock=CLOCK)
    settings["slow@more"] = {"epochs": 4}
    find_model(data, split_dataset(data), candidates=names, minutes=60, settings=settings, clock=CLOCK)
    assert slow[2:] == [3, 9, 3, 4]


def test_one_model_is_several_candidates_and_members(tmp_path: Path) -> None:
    data, names = camps(120), ["item-knn", "item-knn@few", "ease"]
    settings = {"item-knn@few": {"neighbours": 1}, "item-knn": {"neighbours": 60}}
    found = find_model(data, split_dataset(data), candidates=names, settings=settings)
    assert [row.model for row in found.rows] == [*names, "blend", "rerank"]
    assert len({row.ndcg for row in found.rows[:2]}) == 2
    assert found.kept in [row.model for row in found.rows]
    assert found.facts()["kept"] == found.kept
    assert f"Keeping {found.kept}" in verdict(found)
    assert load_model(found.model.save(tmp_path / "best")).name == found.kept.partition("@")[0]


def test_the_taught_lstm_has_the_settings_of_the_lstm_and_teachers() -> None:
    settings = auto_options(1.0, None, ["lstm.dim=64", "lstm@taught.teacher.dim=32"], 0, {})["settings"]
    data = camps(40)
    contest = _Contest(data, split_dataset(data), settings, 60.0, 3, False, CLOCK)
    config = LSTMConfig.from_mapping(contest._settings(TAUGHT))
    assert (config.dim, config.teachers, config.teacher(1).dim, config.seed) == (64, 2, 32, 3)
    assert contest._settings("lstm") == {"seed": 3, "dim": 64}


def test_the_epochs_of_teachers_count_and_are_cut_too() -> None:
    slow = LSTMConfig.from_mapping({"epochs": 10, "teachers": 2, "teacher": {"epochs": 20}})
    assert _epochs_in_all(slow) == 10 + 2 * 20
    faster = LSTMConfig.from_mapping({**slow.to_mapping(), **_shorter(slow, 0.5)})
    assert (faster.epochs, faster.teacher(0).epochs) == (5, 10)
    assert _epochs_in_all(SlowConfig()) == _shorter(SlowConfig(), 1.0)["epochs"] == 10


def test_a_candidate_that_fails_is_noted_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.models.linear.available_memory", lambda: 100.0)
    data = camps(40)
    found = find_model(data, split_dataset(data), candidates=["ease", "popularity"])
    assert "EASE needs" in found.rows[0].note
    assert found.model.name == "popularity"
    with pytest.raises(ConfigError, match="None of the candidates could be fitted: ease: EASE needs"):
        find_model(data, split_dataset(data), candidates=["ease"])


@pytest.mark.parametrize(
    "words, message",
    [
        (["--minutes", 0], "more than 0 minutes, got 0"),
        (["--candidates", "ease", "esae"], "There is no model 'esae'"),
        (["--candidates", "ease", "ease"], "Candidates must differ"),
        (["--candidates", "lstm@a-b", "lstm@a_b"], "in more than - and _, got lstm@a-b lstm@a_b"),
        (["--candidates", "blend"], "combined anyway"),
        (["--candidates", "blend@2"], "blend@2 is no candidate"),
        (["--candidates", "ease@"], "label must consist of letters"),
        (["--config", "x.toml"], "--config is for one model"),
        (["--resume"], "--resume is for one model"),
        (["--set", "epochs=3"], "epochs=3"),
        (["--set", "lstm.epoch=3"], "There is no setting 'epoch'"),
        (["--split", "tme"], "'kind' must be one of"),
        (["--model", "ease", "--minutes", 3], "--minutes belongs to --model auto"),
        (["--model", "ease", "--candidates", "als"], "--candidates belongs to --model auto"),
    ],
)
def test_bad_input_is_refused(
    recsys: Recsys, prepared: Path, tmp_path: Path, words: list[object], message: str
) -> None:
    named = [] if "--model" in words else ["--model", "auto"]
    done = recsys("fit", prepared, *named, "--out", tmp_path / "model", *words)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]


def fit_popularity(recsys: Recsys, prepared: Path, out: Path, *words: object) -> Outcome:
    return recsys("fit", prepared, "--model", "auto", "--candidates", "popularity", "--out", out, *words)


@pytest.mark.parametrize("seed", [-3, 2**31])
def test_an_impossible_seed_is_refused_before_anything_is_fitted(recsys, prepared, tmp_path, seed) -> None:
    refused = fit_popularity(recsys, prepared, tmp_path / "best", "--seed", seed)
    assert refused.code == 2
    assert f"A seed must be from 0 to 2147483647, got {seed}." in refused.err


def test_what_was_found_is_kept_though_nobody_reads_along(recsys, prepared, tmp_path, monkeypatch) -> None:
    def nobody(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("rich.console.Console.print", nobody)
    fit_popularity(recsys, prepared, tmp_path / "best")
    assert load_model(tmp_path / "best").name == "popularity"


def test_what_is_better_beyond_doubt_comes_before_what_is_better_on_average(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"blend": object(), "rerank": object()}
    gains = {
        "blend": Difference(0.010, 0.002, 0.018, 0.01, 5, 0, 1),
        "rerank": Difference(0.012, -0.001, 0.025, 0.1, 5, 0, 1),
    }
    monkeypatch.setattr("evaluation.auto._Contest._combine", lambda self, name, winner: (made[name], gains[name]))
    world = camps(60)
    found = find_model(world, split_dataset(world), candidates=["popularity", "item-knn"], minutes=5)
    assert found.model is made["blend"]
    assert (found.composite, found.gain) == ("blend", gains["blend"])


def test_a_candidate_that_reads_request_times_is_told_them(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []

    def scores(self: PopularityRecommender, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        told.append(histories.asked is not None)
        return plain(self, histories, mood)

    plain = PopularityRecommender._scores
    monkeypatch.setattr(PopularityRecommender, "_scores", scores)
    data = waiting_dataset(n_people=20)
    for reads in (False, True):
        monkeypatch.setattr(PopularityRecommender, "reads_request_times", reads)
        find_model(data, split_dataset(data), candidates=["popularity"], minutes=5)
        assert set(told) == {reads}
        told.clear()


def test_settings_of_teachers_reach_the_candidate() -> None:
    options = auto_options(1.0, None, ["lstm.teachers=1", "lstm.teacher.dim=64"], 0, {})
    assert options["settings"]["lstm"] == {"teachers": 1, "teacher_settings": ("dim=64",)}
