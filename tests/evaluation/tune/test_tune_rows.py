from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.recipes import RECIPES, Recipe
from evaluation.rows import Row, read_row, write_row
from evaluation.tune import __main__ as runner
from recsys.dataset.prepared import Dataset
from recsys.errors import ConfigError
from tests.worlds import camps


@pytest.fixture
def camp_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the camps a public data set."""

    class Camps(Recipe):
        def build(self, name: str, folder: Path) -> Dataset:
            return camps(30)

    monkeypatch.setitem(RECIPES, "camps", Camps("Camps", "the next title", "none"))


def run(out: Path, *words: str) -> int:
    return runner.main(["--data", "camps", "--real", str(out.parent), "--out", str(out), *words])


def test_what_was_found_becomes_the_rows_toml(camp_recipe: None, tmp_path: Path, capsys: Any) -> None:
    write_row(Row("camps", "item-knn", seeds=(0, 1), settings={"neighbours": 3}), tmp_path / "out")
    words = ["--model", "item-knn", "--trials", "3", "--minutes", "5", "--set", "item-knn.similarity=cosine"]
    assert run(tmp_path / "out", *words, "--workdir", str(tmp_path / "work")) == 0
    row = read_row(tmp_path / "out" / "camps--item-knn.toml")
    assert row.seeds == (0, 1), "how often a row is run is not the search's to say"
    assert row.settings["similarity"] == "cosine"
    assert {name: row.tuning[name] for name in ("budget", "trials", "metric", "command")} == {
        "budget": "3 trials or 5 minutes",
        "trials": 3,
        "metric": "ndcg@10 on the validation part",
        "command": "python -m evaluation.tune --data camps --model item-knn --trials 3 --minutes 5 "
        "--set item-knn.similarity=cosine",
    }
    assert row.tuning["value"] >= row.tuning["default_value"]
    assert "trials in" in capsys.readouterr().out
    assert run(tmp_path / "out", *words, "--workdir", str(tmp_path / "work")) == 2
    assert "There is a search in" in capsys.readouterr().err
    assert run(tmp_path / "out", *words, "--workdir", str(tmp_path / "work"), "--resume") == 0
    assert read_row(tmp_path / "out" / "camps--item-knn.toml") == row


def test_a_model_with_nothing_to_search_gets_an_empty_row(camp_recipe: None, tmp_path: Path) -> None:
    assert run(tmp_path / "out", "--model", "popularity", "--trials", "3") == 0
    row = read_row(tmp_path / "out" / "camps--popularity.toml")
    assert row.settings == {}
    assert row.tuning == {"budget": "none: there is nothing to search"}


def test_a_row_made_by_hand_stays(camp_recipe: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_row(Row("camps", "rerank", settings={"members": ["ease", "slim"]}), tmp_path)
    kept = path.read_bytes()
    assert run(tmp_path, "--model", "rerank", "--trials", "3") == 2
    assert "its row has settings made by hand" in " ".join(capsys.readouterr().err.split())
    assert path.read_bytes() == kept


@pytest.mark.parametrize(
    "words, message",
    [
        (["--model", "als"], "A search needs a budget, got none."),
        (["--model", "als", "--trials", "0"], "A search needs at least 1 trial, got 0."),
        (["--model", "als", "--minutes", "0"], "A search needs more than 0 minutes, got 0."),
        (["--model", "pop", "--trials", "1"], "There is no model 'pop'."),
        (["--model", "als", "--trials", "1", "--metric", "rekall@1"], "There is no metric 'rekall'"),
        (["--model", "als", "--trials", "1", "--set", "als.x=1"], "There is no setting 'x'."),
        (["--model", "als", "--trials", "1", "--resume"], "--resume needs the folder"),
        (["--model", "als", "--trials", "1", "--data", "camp"], "There is no data set 'camp'."),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(
    words: list[str], message: str, camp_recipe: None, tmp_path: Path, capsys: Any
) -> None:
    assert run(tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_each_pair_has_a_process_of_its_own_and_one_that_fails_stops_no_other(
    camp_recipe: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def fake(words: list[str], check: bool) -> Any:
        commands.append(words)
        return type("Done", (), {"returncode": -9 if len(commands) == 1 else 0})

    monkeypatch.setattr(runner.subprocess, "run", fake)
    words = ["--model", "als", "ease", "--trials", "2", "--set", "als.factors=8", "als.iterations=3", "--seed", "4"]
    assert run(tmp_path / "out", *words) == 9
    assert len(commands) == 2
    parsed = [runner._parser().parse_args(one[3:]) for one in commands]
    assert [one.model for one in parsed] == [["als"], ["ease"]]
    assert [one.set for one in parsed] == [["als.factors=8", "als.iterations=3"], []]
    assert {(one.trials, one.minutes, one.seed, one.resume) for one in parsed} == {(2, None, 4, False)}


def test_fixed_settings_are_values() -> None:
    fixed = runner.fixed_settings("lstm", ["units=8, 8", "learning-rate=1e-3"])
    assert fixed == {"units": (8, 8), "learning_rate": 0.001}
    with pytest.raises(ConfigError, match="name=value"):
        runner.fixed_settings("lstm", ["units"])
