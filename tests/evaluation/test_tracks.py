from __future__ import annotations

import pytest

from evaluation.tracks import main, measure
from recsys.dataset.split import split_dataset
from recsys.errors import InputError
from tests.models.lstm_data import waiting_dataset
from tests.worlds import chains

SETTINGS = {"units": (16,), "dim": 16, "epochs": 8, "batch_size": 16, "learning_rate": 1e-2, "user_dim": 0}


def test_who_knows_the_time_of_the_request_finds_more_where_it_tells():
    data = waiting_dataset()
    blind, aware, untold = measure(data, split_dataset(data, "leave-last-out"), SETTINGS, width=8, seeds=[0])
    assert [row["track"] for row in (blind, aware, untold)] == ["time-blind", "time-aware", "time-aware, times hidden"]
    assert blind["users"] == aware["users"] == data.histories.n_users
    assert "gain" not in blind
    assert aware["gain"]["recall@10"]["low"] > 0
    assert aware["gain"]["recall@10"]["value"] == pytest.approx(aware["recall@10"] - blind["recall@10"])
    assert untold["recall@10"] < aware["recall@10"]


def test_data_without_times_is_refused_before_anything_is_fitted():
    data = chains(0.5, n_people=20)
    with pytest.raises(InputError, match="no times, so no request tells one"):
        measure(data, split_dataset(data), SETTINGS, width=8, seeds=[0])


def test_what_is_wrong_is_said_with_exit_code_2(tmp_path, capsys):
    assert main(["--data", "ml2m", "--real", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "There is no data set 'ml2m'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
