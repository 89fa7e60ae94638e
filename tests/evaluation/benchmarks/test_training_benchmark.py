from __future__ import annotations

import json

import evaluation.benchmarks.training as benchmark
from recsys.dataset.split import split_dataset
from tests.worlds import chains

SMALL = ["units=8", "dim=8", "epochs=3", "batch_size=16", "user_dim=0", "place_dim=0", "dropout=0", "optimizer=adam"]


def test_a_training_is_measured_and_goes_on_from_its_folder(tmp_path, monkeypatch):
    data = chains(0.5, n_people=30)
    monkeypatch.setattr(benchmark, "load", lambda name, real: (data, split_dataset(data)))
    words = ["--real", str(tmp_path), "--out", str(tmp_path), "--folder", str(tmp_path / "kept")]
    words += [word for setting in [*SMALL, "monitor=recall@5"] for word in ("--set", setting)]
    assert benchmark.main(words) == 0
    result = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    measures = result["measures"]
    assert 1 <= measures["epochs_to_99_%"] <= measures["epochs"] == 3
    assert result["ratios"] == {"minutes to 99% of the best / 30": measures["minutes_to_99_%"] / 30}
    assert "--set units=8" in result["command"]
    assert "folder" not in result["command"]

    assert benchmark.main(words) == 0  # all epochs are done: nothing is trained again
    again = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert again["measures"] == measures


def test_what_is_wrong_is_said_with_exit_code_2(tmp_path, capsys):
    assert benchmark.main(["--data", "ml2m", "--real", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "There is no data set 'ml2m'" in capsys.readouterr().err
    assert benchmark.main(["--set", "epochs=0", "--real", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "epochs" in capsys.readouterr().err
