from __future__ import annotations

from pathlib import Path

import pytest

from recsys.config import read_toml
from tests.cli.conftest import Recsys
from tests.worlds import camps


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return camps(30).save(tmp_path / "prepared")


def test_finds_settings_that_fit_takes(recsys: Recsys, prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "knn.toml"
    words = ["tune", prepared, "--model", "item-knn", "--set", "similarity=bm25", "--out", out]
    done = recsys(*words, "--trials", 6, "--metric", "recall@5")
    assert done.code == 0, done.err
    assert done.out.count("neighbours=") >= 3
    assert "6 trials in" in done.out
    assert "all with similarity=bm25" in done.out
    assert "Trial 6 of 6:" in done.err
    assert read_toml(out)["similarity"] == "bm25"
    assert (tmp_path / "knn-search" / "study.sqlite3").is_file()
    command = next(line for line in done.out.splitlines() if line.startswith("  recsys fit")).split()
    assert recsys(*command[1:-1], tmp_path / "model").code == 0

    again = recsys(*words, "--trials", 6, "--metric", "recall@5")
    assert again.code == 2
    assert "knn.toml exists already" in again.err
    more = recsys(*words, "--trials", 7, "--metric", "recall@5", "--resume", "--overwrite")
    assert more.code == 0, more.err
    assert more.err.count("Trial ") == 1
    assert "Trial 7 of 7:" in more.err
    assert recsys(*words, "--trials", 1, "--metric", "recall@5", "--overwrite").code == 0


def test_a_plan_is_followed_and_handed_on(recsys: Recsys, prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.toml"
    done = recsys("tune", prepared, "--model", "item-knn", "--split", "random,seed=3", "--trials", 1, "--out", out)
    assert done.code == 0, done.err
    assert "--split random,seed=3" in done.out


@pytest.mark.parametrize(
    "words, message",
    [
        (["--trials", 0], "A search needs at least 1 trial, got 0."),
        (["--minutes", 0], "A search needs more than 0 minutes, got 0."),
        (["--model", "popularity"], "A popularity model has nothing to search."),
        (["--model", "alz"], "There is no model 'alz'."),
        (["--set", "units=x"], "'units' must be a whole number"),
        (["--split", "tme"], "'kind' must be one of"),
        (["--metric", "coverage@10"], "A search maximises the accuracy"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    recsys: Recsys, prepared: Path, tmp_path: Path, words: list[object], message: str
) -> None:
    done = recsys("tune", prepared, "--out", tmp_path / "s.toml", *words)
    assert done.code == 2
    assert message in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]


def test_settings_show_what_is_searched(recsys: Recsys) -> None:
    assert "cosine, tfidf, bm25" in recsys("settings", "item-knn").out
