from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest


def test_the_test_part_is_judged(recsys, model, reviews) -> None:
    said = recsys("text", "evaluate", model, "--data", reviews)
    assert said.code == 0, said.err
    assert "imdb-lstm on 12 texts of reviews.csv" in said.out
    rows = {line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line.strip()}
    assert rows["accuracy"][0] == "1.0000"
    assert rows["pos"] == ["0", "6"]  # the last row of the confusion matrix
    assert "precision" in said.out


def test_json(recsys, model, reviews) -> None:
    said = recsys("text", "evaluate", model, "--data", reviews, "--json")
    content = json.loads(said.out)
    assert content["confusion"] == [[6, 0], [0, 6]]
    assert content["metrics"]["accuracy"]["value"] == 1.0
    assert content["per_class"][1] == {"name": "pos", "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 6}


@pytest.mark.parametrize("target, files", [("page.html", 0), ("report", 5)])
def test_a_page_is_written(recsys, model, reviews, tmp_path, target, files) -> None:
    said = recsys("text", "evaluate", model, "--data", reviews, "--out", tmp_path / target, "--json")
    assert json.loads(said.out)["classes"] == ["neg", "pos"]  # what was written is told on stderr
    assert f"Wrote {tmp_path / target}" in said.err
    page = tmp_path / target / "report.html" if files else tmp_path / target
    assert "Which class is taken for which" in page.read_text(encoding="utf-8")
    assert not files or len(list(page.parent.iterdir())) == files


def changed(reviews: Path, path: Path) -> Path:
    frame = pl.read_csv(reviews)
    frame.reverse().write_csv(path)
    return path


def test_a_file_that_changed_is_refused(recsys, model, reviews, tmp_path) -> None:
    refused = recsys("text", "evaluate", model, "--data", changed(reviews, tmp_path / "again.csv"))
    assert refused.code == 2
    assert "again.csv is not the file that the model was trained on (reviews.csv), or has changed" in refused.err
    assert "--all" in refused.err


def test_all_of_a_new_file(recsys, model, tmp_path) -> None:
    frame = pl.DataFrame({"words": ["good warm", "dull flat", "stale"], "label": ["pos", "neg", "neg"]})
    frame.write_ndjson(tmp_path / "new.jsonl")
    arguments = ["text", "evaluate", model, "--data", tmp_path / "new.jsonl", "--text-column", "words"]
    said = recsys(*arguments, "--all", "--json")
    assert json.loads(said.out)["confusion"] == [[2, 0], [0, 1]]
    refused = recsys(*arguments)
    assert refused.code == 2
    assert "--all" in refused.err


@pytest.mark.parametrize(
    "content, text",
    [
        ("text,label\nfine,so-so\n", "unknown label 'so-so'"),
        ("text,label\n", "holds no row"),
        ("review,label\nfine,pos\n", "no column 'text'"),
    ],
)
def test_other_files_are_refused(recsys, model, tmp_path, content, text) -> None:
    (tmp_path / "new.csv").write_text(content)
    for more in ([], ["--all"]):
        refused = recsys("text", "evaluate", model, "--data", tmp_path / "new.csv", *more)
        assert (refused.code, refused.out) == (2, "")
        assert text in refused.err


def test_a_recommender_is_no_text_model(recsys, popular, reviews) -> None:
    refused = recsys("text", "evaluate", popular, "--data", reviews)
    assert refused.code == 2
    assert "is a model folder, but a text model folder is needed" in refused.err


def test_an_earlier_page_is_replaced_only_when_asked(recsys, model, reviews, tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine", encoding="utf-8")
    words = ["text", "evaluate", model, "--data", reviews, "--out", page]
    refused = recsys(*words)
    assert refused.code == 2
    assert "page.html exists already" in refused.err
    assert page.read_text(encoding="utf-8") == "mine"
    assert recsys(*words, "--overwrite").code == 0
    assert page.read_text(encoding="utf-8") != "mine"
    wrong = recsys("text", "evaluate", model, "--data", reviews, "--out", reviews)
    assert wrong.code == 2
    assert "is a file, and no page (.html)" in wrong.err
