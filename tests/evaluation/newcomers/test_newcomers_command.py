from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.newcomers.__main__ import command_of, load_newcomers, main
from evaluation.newcomers.files import draw, read_newcomers
from evaluation.newcomers.recall import OVER
from evaluation.recipes import RECIPES, Recipe
from evaluation.report import render
from evaluation.result_files import ranks_path
from evaluation.rows import Row
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import InputError
from tests.evaluation.judged_data import write_judged

N_USERS, N_TITLES = 60, 25


class Toy(Recipe):
    """Sixty people who watch twelve of 25 titles, each the one after the one before."""

    def build(self, name, folder):
        starts = np.random.default_rng(0).integers(0, N_TITLES, N_USERS)
        rows = [[FIRST + (start + step) % N_TITLES for step in range(12)] for start in starts]
        ids = list(range(N_TITLES))
        catalogue = Catalogue(pl.DataFrame({"anime_id": ids, "title": [f"T{one}" for one in ids]}))
        histories = Histories.from_lists(rows, users=list(range(FIRST, FIRST + N_USERS)))
        return Dataset(name, histories, Vocabulary(list(range(N_USERS))), Vocabulary(ids), catalogue, Order.LISTED)


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """Give the command's words for a toy data set, and the folder where its results go."""
    monkeypatch.setitem(RECIPES, "toy", Toy("Toy", "the next title", "none"))
    for model, rank in (("popularity", 15), ("markov", 1), ("lstm", 2)):
        write_judged(tmp_path / "results", model, {0: [[rank]] * 40}, data="toy", data_title="Toy")
    out = tmp_path / "results" / "newcomers"
    words = ["--data", "toy", "--real", str(tmp_path), "--published", str(tmp_path / "results"), "--out", str(out)]
    return words, out


def test_both_parts_and_the_picture_are_written(toy, tmp_path):
    words, out = toy
    assert main([*words, "--model", "markov", "popularity"]) == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == [
        "people/ranks/toy--markov.parquet",
        "people/ranks/toy--popularity.parquet",
        "people/toy--markov.json",
        "people/toy--popularity.json",
        "titles/toy--markov.json",
        "titles/toy--popularity.json",
        "toy.png",
    ]
    markov = json.loads((out / "people" / "toy--markov.json").read_text())
    assert list(markov["metrics"]) == ["1", "2", "5", "10"]
    # whoever is known by any title before the target has one way to go on; popularity knows nobody
    assert [group["recall@10"]["value"] for group in markov["metrics"].values()] == [1.0] * 4
    popularity = json.loads((out / "people" / "toy--popularity.json").read_text())["metrics"]
    assert len({group["recall@10"]["value"] for group in popularity.values()}) == 1
    assert markov["protocol"]["n_users"] == 6
    assert markov["command"] == "python -m evaluation.newcomers --part people --data toy --model markov"
    ranks = pl.read_parquet(ranks_path(out / "people" / "toy--markov.json"))
    assert (ranks["rank"] == 1).all()
    titles = json.loads((out / "titles" / "toy--markov.json").read_text())
    assert titles["metrics"]["0–4"][OVER]["recall@10"]["value"] == 1
    assert titles["metrics"]["20+"]["n_targets"] == 0


def test_a_later_run_adds_its_rows(toy, tmp_path, capsys):
    words, out = toy
    assert main([*words, "--model", "markov"]) == 0
    before = (out / "people" / "toy--markov.json").read_bytes()
    assert main([*words, "--model", "lstm", "ease", "--part", "titles"]) == 0
    assert "toy · ease: no published ranks" in capsys.readouterr().err
    assert (out / "people" / "toy--markov.json").read_bytes() == before
    assert list(read_newcomers("titles", out)["toy"]) == ["lstm", "markov", "popularity"]
    text = render("<!-- newcomers:begin --><!-- newcomers:end -->", tmp_path / "results")
    lines = text.splitlines()
    assert lines[1].startswith("**Toy** (`toy`): targets by their training events; 6 people whom no model has seen")
    assert lines[5] == "| model | 0–4 events: 40 targets | 1 known | 2 known | 5 known | 10 known |"
    assert [line.split("]")[0] for line in lines[7:10]] == ["| [markov", "| [popularity", "| [lstm"]
    assert "**1.000** <sub>0.912–1.000</sub>" in lines[7]  # 40 targets, and popularity finds none
    assert lines[7].count("**") == 2  # six people are too few to tell
    assert lines[9].endswith("</sub> | – | – | – | – |")  # no people yet
    write_judged(tmp_path / "results", "lstm", {0: [[3]] * 40}, data="toy", data_title="Toy")
    again = render(text, tmp_path / "results")
    assert "again: `python -m evaluation.newcomers --part titles --data toy --model lstm`" in again


def test_kept_models_are_judged_as_they_are(toy, tmp_path, capsys):
    words, out = toy
    words += ["--model", "markov", "--part", "people"]
    assert main([*words, "--save", str(tmp_path / "models")]) == 0
    first = json.loads((out / "people" / "toy--markov.json").read_text())
    for folder in (tmp_path / "models", tmp_path / "models" / "toy--markov"):
        assert main([*words, "--fitted", str(folder)]) == 0
        again = json.loads((out / "people" / "toy--markov.json").read_text())
        assert again["train_seconds"] == first["train_seconds"]
        assert again["metrics"] == first["metrics"]
    capsys.readouterr()
    assert main([*words, "--fitted", str(tmp_path / "models" / "toy--popularity")]) == 2
    assert "holds the model popularity, not markov" in capsys.readouterr().err
    assert main([*words, "--set", "markov.window=3", "--fitted", str(tmp_path / "models")]) == 2
    assert "was fitted with other settings than seed 0 of the row (window)" in capsys.readouterr().err
    assert main([*words, "--fitted", str(tmp_path / "none")]) == 2
    assert main([*words, "--model", "ease", "--fitted", str(tmp_path / "models" / "toy--markov")]) == 2
    assert "holds one model, and several were asked for" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        (["--data", "ml2m", "--model", "ease"], "There is no data set 'ml2m'."),
        (["--data", "ml1m", "--model", "pop"], "There is no model 'pop'."),
        (["--data", "ml1m", "--model", "ease"], "ml1m_sequences.parquet does not exist."),
        (["--data", "ml1m", "--model", "als", "--set", "als.x=1"], "There is no setting 'x'."),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(words, message, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*words, "--part", "people", "--real", str(tmp_path), "--out", str(out)]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_rows_of_other_people_do_not_stand_side_by_side(toy, tmp_path):
    words, out = toy
    assert main([*words, "--model", "markov"]) == 0
    path = out / "people" / "toy--markov.json"
    result = json.loads(path.read_text())
    result["protocol"]["judged_sha256"] = "0" * 64
    path.write_text(json.dumps(result))
    with pytest.raises(InputError, match=r"toy--popularity\.json was judged by other rules or on another test set"):
        read_newcomers("people", out)


def test_nothing_is_drawn_of_nothing(tmp_path):
    assert draw("toy", tmp_path) is None
    assert render("<!-- newcomers:begin --><!-- newcomers:end -->", tmp_path).splitlines()[1] == "No results yet."
    assert render("no markers", tmp_path) == "no markers"


def test_the_command_gives_the_row_again():
    row = replace(Row("toy", "als"), seeds=(1, 2))
    assert command_of(row, ["factors=8"]) == (
        "python -m evaluation.newcomers --part people --data toy --model als --set als.factors=8 --seeds 1,2"
    )


@pytest.mark.realdata
def test_no_newcomer_is_in_training(realdata):
    data, newcomers = load_newcomers("annict", realdata)
    trained = data.histories.lengths - newcomers.split.train.lengths
    assert newcomers.holdout.n_users == 67
    assert (newcomers.split.train.lengths == 0).sum() == 200  # as many for validation
    assert (newcomers.holdout.inputs.lengths == 10).all()
    starts = {tuple(data.histories.of(user)[:11].tolist()) for user in np.flatnonzero(trained)}
    inputs, targets = newcomers.holdout.inputs, newcomers.holdout.targets
    assert all((*inputs.of(user).tolist(), *targets.of(user).tolist()) in starts for user in range(inputs.n_users))
