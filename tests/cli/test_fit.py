from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recsys import models
from recsys.config import Settings, setting
from recsys.models import load_model
from recsys.models.popularity import PopularityRecommender


@dataclass(frozen=True)
class EpochsConfig(Settings):
    epochs: int = setting(5, "how long", low=1)
    seed: int = setting(0, "the seed", low=0)


class EpochsRecommender(PopularityRecommender):
    """Pretend to train in epochs."""

    name = "epochs"
    Config = EpochsConfig
    needs_validation = True
    finds_epochs = True
    made: Sequence[dict[str, Any]] = ()

    def __init__(self, config: Settings | None = None, **options: Any) -> None:
        super().__init__(config)
        type(self).made = [*self.made, options]

    def refit(self, *, progress: bool = False) -> EpochsRecommender:
        return type(self)(EpochsConfig(epochs=3)).fit(self.data, progress=progress)


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> type[EpochsRecommender]:
    """Register a model that finds its number of epochs by validation."""
    monkeypatch.setattr(EpochsRecommender, "made", [])
    monkeypatch.setattr(models, "model_class", lambda name: EpochsRecommender)
    return EpochsRecommender


def test_fit_learns_from_the_training_part(recsys, prepared, tmp_path) -> None:
    out = tmp_path / "models" / "popular"
    said = recsys("fit", prepared, "--model", "popularity", "--out", out)
    assert said.code == 0
    assert "popularity on 14 events (train part of leave-last-1-out)" in said.out
    assert f"recsys recommend {out} --user 101" in said.out
    assert load_model(out).facts["n_events"] == 14


def test_final_learns_from_everything(recsys, prepared, tmp_path) -> None:
    out = tmp_path / "model"
    said = recsys("fit", prepared, "--model", "popularity", "--out", out, "--final")
    assert "26 events (everything)" in said.out
    assert load_model(out).facts["test_sha256"] is None


def test_final_refits_for_the_epochs_that_validation_found(recsys, prepared, tmp_path, epochs) -> None:
    assert recsys("fit", prepared, "--model", "epochs", "--out", tmp_path / "model", "--final").code == 0
    model = load_model(tmp_path / "model")
    assert model.config.to_mapping()["epochs"] == 3
    assert model.facts["fitted_on"] == "everything"


def test_settings_come_from_file_flags_and_seed(recsys, prepared, tmp_path, epochs) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("epochs = 7\nseed = 1\n")
    out = tmp_path / "model"
    arguments = ["--config", file, "--set", "epochs=9", "--seed", 4]
    assert recsys("fit", prepared, "--model", "epochs", "--out", out, *arguments).code == 0
    assert load_model(out).config.to_mapping() == {"epochs": 9, "seed": 4}


def test_training_options_reach_the_model(recsys, prepared, tmp_path, epochs) -> None:
    arguments = ["--workdir", tmp_path / "work", "--resume", "--tensorboard", tmp_path / "board"]
    assert recsys("fit", prepared, "--model", "epochs", "--out", tmp_path / "model", *arguments).code == 0
    assert epochs.made[0] == {"workdir": tmp_path / "work", "resume": True, "tensorboard": tmp_path / "board"}


def test_training_goes_beside_the_model_by_default(recsys, prepared, tmp_path, epochs) -> None:
    said = recsys("fit", prepared, "--model", "epochs", "--out", tmp_path / "model")
    assert epochs.made[0] == {"workdir": tmp_path / "model-training", "resume": False, "tensorboard": None}
    assert "model-training" in said.out


def test_an_interrupted_fit_says_how_to_go_on(recsys, prepared, tmp_path, epochs, monkeypatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        (tmp_path / "model-training").mkdir()  # as the first checkpoint does
        raise KeyboardInterrupt

    monkeypatch.setattr(epochs, "_fit", interrupt)
    stopped = recsys("fit", prepared, "--model", "epochs", "--out", tmp_path / "model")
    assert stopped.code == 130
    assert "--resume" in stopped.err
    assert not (tmp_path / "model").exists()


def test_it_says_what_validation_found(recsys, prepared, tmp_path) -> None:
    arguments = ["--model", "blend", "--set", "members=popularity,item-knn", "--out", tmp_path / "model"]
    said = recsys("fit", prepared, *arguments)
    assert said.code == 0, said.err
    judged = load_model(tmp_path / "model").facts["validation"]
    assert f"On validation: ndcg@10 {judged['ndcg@10']:.4f}, recall@10 {judged['recall@10']:.4f}" in said.out
    assert "On validation" in recsys("fit", prepared, *arguments, "--overwrite", "--final").out  # before the last fit


def test_overwrite(recsys, prepared, tmp_path) -> None:
    arguments = ["fit", prepared, "--model", "popularity", "--out", tmp_path / "model"]
    assert recsys(*arguments).code == 0
    refused = recsys(*arguments)
    assert refused.code == 2
    assert "--overwrite" in refused.err
    assert recsys(*arguments, "--overwrite").code == 0


BAD = [
    (["{tmp}/nowhere", "--out", "{tmp}/m"], "nowhere is not a prepared data folder: it does not exist"),
    (["{tmp}", "--out", "{tmp}/m"], "is not a prepared data folder"),
    (["{prepared}", "--model", "lstn", "--out", "{tmp}/m"], "no model 'lstn'"),
    (["{prepared}", "--model", "lstm", "--set", "epoch=3", "--out", "{tmp}/m"], "Did you mean 'epochs'?"),
    (["{prepared}", "--model", "lstm", "--set", "epochs", "--out", "{tmp}/m"], "name=value"),
    (["{prepared}", "--model", "lstm", "--set", "epochs=0", "--out", "{tmp}/m"], "'epochs' must be at least 1, got 0"),
    (["{prepared}", "--model", "lstm", "--set", "epochs=x", "--out", "{tmp}/m"], "must be a whole number, got 'x'"),
    (["{prepared}", "--model", "lstm", "--seed", "-1", "--out", "{tmp}/m"], "'seed' must be at least 0"),
    (["{prepared}", "--config", "{tmp}/none.toml", "--out", "{tmp}/m"], "none.toml does not exist"),
    (["{prepared}", "--config", "{tmp}/file", "--out", "{tmp}/m"], "not a readable TOML"),
    (["{prepared}", "--model", "popularity", "--resume", "--out", "{tmp}/m"], "does not train in epochs"),
    (["{prepared}", "--model", "popularity", "--out", "{tmp}/file"], "is a file"),
    (["{prepared}", "--model", "popularity", "--out", "{tmp}/file/m"], "cannot be written: Not a directory"),
    (["{prepared}", "--model", "popularity", "--out", "{prepared}"], "exists already"),
    (["{prepared}", "--model", "popularity", "--out", "{prepared}", "--overwrite"], "not a folder of recsys"),
    (["{prepared}", "--model", "popularity"], "--out"),
]


@pytest.mark.parametrize("arguments, text", BAD)
def test_bad_input_is_refused_before_training(recsys, prepared, tmp_path, monkeypatch, arguments, text) -> None:
    def train(*_: object) -> None:
        raise AssertionError("trained")

    monkeypatch.setattr("recsys.cli.fit._train", train)
    (tmp_path / "file").write_text("= no TOML")
    before = sorted(tmp_path.rglob("*"))
    refused = recsys("fit", *(argument.format(tmp=tmp_path, prepared=prepared) for argument in arguments))
    assert (refused.code, refused.out) == (2, "")
    assert text in " ".join(refused.err.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_no_permission_is_said_before_training(recsys, prepared, tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("recsys.cli.fit._train", lambda *_: pytest.fail("trained"))
    monkeypatch.setattr(Path, "mkdir", refuse)  # the tests may run as root, whom no mode stops
    refused = recsys("fit", prepared, "--model", "popularity", "--out", tmp_path / "m")
    assert refused.code == 2
    assert "cannot be written: Permission denied" in refused.err


def test_the_folder_may_be_the_present_one(recsys, prepared, tmp_path, epochs, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert recsys("fit", prepared, "--model", "epochs", "--out", ".").code == 0
    assert epochs.made[0]["workdir"] == tmp_path / "here-training"


def test_a_model_without_a_seed_needs_none(recsys, prepared, tmp_path) -> None:
    assert recsys("fit", prepared, "--model", "popularity", "--seed", 3, "--out", tmp_path / "model").code == 0
    refused = recsys("fit", prepared, "--model", "popularity", "--set", "factors=3", "--out", tmp_path / "other")
    assert "There is no setting 'factors'. Leave it out: nothing can be set here." in " ".join(refused.err.split())


def test_what_to_try_next_can_be_pasted(recsys, prepared, tmp_path) -> None:
    said = recsys("fit", prepared, "--model", "popularity", "--out", tmp_path / "my model").out
    assert f"recsys recommend '{tmp_path / 'my model'}' --user 101" in said


def test_a_training_in_the_folder_is_not_replaced_unasked(recsys, prepared, tmp_path, epochs) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "log.csv").write_text("mine", encoding="utf-8")
    arguments = ["fit", prepared, "--model", "epochs", "--out", tmp_path / "model", "--workdir", work]
    refused = recsys(*arguments)
    assert refused.code == 2
    assert f"{work} holds a training (log.csv)." in refused.err
    assert "--resume" in refused.err
    assert not (tmp_path / "model").exists()
    assert recsys(*arguments, "--resume").code == 0
    assert recsys(*arguments, "--overwrite").code == 0
