from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.liked import main, measure
from recsys.dataset.split import split_dataset
from recsys.errors import InputError
from tests.worlds import camps, chains

SETTINGS = {"units": (16,), "dim": 16, "epochs": 8, "batch_size": 16, "learning_rate": 1e-2, "user_dim": 0}


@pytest.fixture(scope="module")
def world():
    """Give two camps with a taste; every second title is rated 10, the others 2."""
    data = camps(150)
    ratings = np.where(data.histories.items % 2 == 0, 10.0, 2.0)
    return replace(data, histories=replace(data.histories, ratings=ratings))


def test_titles_of_weight_nothing_give_way_to_liked_ones(world):
    rows = measure(world, split_dataset(world), SETTINGS, liked=8.0, weights=[1.0, 0.0], seeds=[0, 1])
    first, second = rows
    assert [row["disliked_weight"] for row in rows] == [1.0, 0.0]
    assert 0 < first["liked_users"] < first["all_users"] == 150
    gain = second["liked_gain"]["ndcg@10"]
    assert gain["low"] > 0
    assert gain["value"] == pytest.approx(second["liked"]["ndcg@10"] - first["liked"]["ndcg@10"])
    assert second["all_gain"]["ndcg@10"]["value"] < gain["value"]
    assert "liked_gain" not in first


def test_data_without_ratings_is_refused_before_anything_is_fitted():
    data = chains(0.5, n_people=20)
    with pytest.raises(InputError, match="Only data with ratings"):
        measure(data, split_dataset(data), SETTINGS, liked=8.0, weights=[1.0], seeds=[0])


def test_what_is_wrong_is_said_with_exit_code_2(tmp_path, capsys):
    assert main(["--data", "ml2m", "--real", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "There is no data set 'ml2m'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
