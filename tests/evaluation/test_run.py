from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evaluation.result_files import read_ranks
from evaluation.rows import Row, find_row
from evaluation.run import _load_fitted, command_of, main, parse_seeds, peak_memory_mb, real_folder, settings_by_model
from recsys.errors import ConfigError, InputError
from recsys.models import make_model


def test_settings_find_their_model():
    assert settings_by_model(["lstm.epochs=3", "lstm.units=8,8"], ["lstm"]) == {"lstm": ["epochs=3", "units=8,8"]}
    for flag in ("epochs=3", "lstm.epochs", "epochs"):
        with pytest.raises(ConfigError, match=r"A setting is given as model\.name=value"):
            settings_by_model([flag], ["lstm"])
    with pytest.raises(ConfigError, match=r"'als\.factors=3' sets a model that is not evaluated. Evaluated: lstm"):
        settings_by_model(["als.factors=3"], ["lstm"])


def test_the_command_gives_the_row_again():
    row = Row("toy", "lstm")
    assert command_of(row, []) == "python -m evaluation.run --data toy --model lstm"
    command = command_of(replace(row, seeds=(2, 3)), ["units=8, 8"])
    assert command == "python -m evaluation.run --data toy --model lstm --set 'lstm.units=8, 8' --seeds 2,3"
    tuned = find_row("ml1m", "ease")
    assert command_of(tuned, []) == "python -m evaluation.run --data ml1m --model ease"
    assert command_of(replace(tuned, settings={}), []) == "python -m evaluation.run --data ml1m --model ease --defaults"


def test_seeds_are_read_from_the_command_line():
    assert parse_seeds("0,1 2") == (0, 1, 2)
    for text in ("", "x", "1,1", "-1"):
        with pytest.raises(InputError, match="Seeds must be different whole numbers from 0"):
            parse_seeds(text)


def test_memory_is_measured_in_megabytes():
    assert 20 < peak_memory_mb() < 100_000


def test_the_folder_of_files_must_be_named(monkeypatch, tmp_path):
    monkeypatch.delenv("RECSYS_REALDATA", raising=False)
    with pytest.raises(InputError, match="no folder was named"):
        real_folder(None)
    monkeypatch.setenv("RECSYS_REALDATA", str(tmp_path))
    assert real_folder(None) == tmp_path
    assert real_folder("other").name == "other"


@pytest.mark.parametrize(
    "words, message",
    [
        (["--data", "ml2m", "--model", "popularity"], "There is no data set 'ml2m'."),
        (["--data", "ml1m", "--model", "pop"], "There is no model 'pop'."),
        (["--data", "ml1m", "--model", "popularity"], "ml1m_sequences.parquet does not exist."),
        (["--data", "ml1m", "--model", "popularity", "--set", "popularity.x=1"], "There is no setting 'x'."),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(words, message, tmp_path, capsys):
    assert main([*words, "--real", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_saved_models_must_be_those_of_the_row(small, tmp_path):
    folder = make_model("als", {"factors": 4}).fit(small).save(tmp_path / "als")
    row = Row("toy", "als", seeds=(0,), settings={"factors": 4})
    assert _load_fitted(row, [], []) == {}
    assert _load_fitted(row, [], [folder])[0].name == "als"
    with pytest.raises(InputError, match=r"The row has 2 seeds \(0, 1\), --fitted names 1."):
        _load_fitted(replace(row, seeds=(0, 1)), [], [folder])
    with pytest.raises(InputError, match=r"other settings than seed 0 of the row \(factors\)"):
        _load_fitted(row, ["factors=5"], [folder])
    with pytest.raises(InputError, match=r"other settings than seed 2 of the row \(seed\)"):
        _load_fitted(replace(row, seeds=(2,)), [], [folder])
    with pytest.raises(InputError, match="holds the model als, not bpr"):
        _load_fitted(Row("toy", "bpr"), [], [folder])


@pytest.mark.realdata
def test_rows_are_written_from_real_files(realdata, tmp_path, capfd):
    words = ["--data", "annict", "--model", "popularity", "--real", str(realdata), "--out", str(tmp_path / "out")]
    assert main([*words, "--save", str(tmp_path / "models")]) == 0
    result = json.loads((tmp_path / "out" / "annict--popularity.json").read_text())
    assert result["command"] == "python -m evaluation.run --data annict --model popularity"
    assert result["peak_memory_mb"] > 20
    assert 0 < result["metrics"]["recall@10"]["value"] < 0.1
    assert read_ranks(tmp_path / "out" / "annict--popularity.json").height == result["protocol"]["n_users"]
    fitted = tmp_path / "models" / "annict--popularity"
    assert main([*words[:-1], str(tmp_path / "again"), "--fitted", str(fitted)]) == 0
    again = json.loads((tmp_path / "again" / "annict--popularity.json").read_text())
    assert again["metrics"] == result["metrics"]
    assert again["train_seconds"] == result["train_seconds"]


@pytest.mark.realdata
def test_several_rows_run_in_processes_of_their_own(realdata, tmp_path, capfd):
    words = ["--data", "annict", "--data", "ml100k", "--model", "popularity", "--real", str(realdata)]
    assert main([*words, "--out", str(tmp_path)]) == 0
    names = sorted(path.name for path in tmp_path.glob("*.json"))
    assert names == ["annict--popularity.json", "ml100k--popularity.json"]
