from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest

from recsys.cli.text.vectors import vectors
from recsys.text.embed import Training
from recsys.text.vectors import read_vectors


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Write reviews of two topics with markup; the test part has a word of its own."""
    path = tmp_path / "reviews.parquet"
    train = ["A <br />Good film!", "an AWFUL film, boring plot"] * 20
    pl.DataFrame({"phrase": [*train, *["secret"] * 9], "split": ["train"] * len(train) + ["test"] * 9}).write_parquet(
        path
    )
    return path


def test_train_write_and_look(recsys, corpus, tmp_path) -> None:
    out = tmp_path / "vectors.txt"
    arguments = ["text", "vectors", corpus, "--out", out, "--dim", 4, "--text-column", "text,phrase"]
    done = recsys(*arguments, "--split", "train", "--epochs", 1, "--neighbours", "good, secret")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == f"9 words of 4 numbers → {out}"
    assert lines[1] == "skip-gram of 4 numbers (window 5, epochs 1, min_count 5, seed 0) on 40 texts"
    assert lines[2].startswith("good: ")
    assert len(lines[2].split("  ")) == 8
    assert lines[3] == "secret: has no vector"
    found = read_vectors(out, dim=4)
    assert set(found.words) == {"a", "good", "film", "!", "an", "awful", ",", "boring", "plot"}

    again = recsys(*arguments)
    assert (again.code, again.out) == (2, "")
    assert "exists already" in again.err
    first = out.read_bytes()
    assert recsys(*arguments, "--split", "train", "--epochs", 1, "--overwrite").code == 0
    assert out.read_bytes() == first
    assert recsys(*arguments, "--overwrite", "--header", "--clean", "", "--workers", 2).code == 0
    assert out.read_text().startswith("11 4\n")  # with the test part and what <br /> leaves


def test_several_plain_files(recsys, tmp_path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(f"{name} line\n" * 5)
    out = tmp_path / "vectors.txt"
    done = recsys("text", "vectors", tmp_path / "one.txt", tmp_path / "two.txt", "--out", out, "--dim", 2)
    assert done.code == 0, done.err
    assert read_vectors(out).words[0] == "line"


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--dim", 0], "'dim' must be at least 1, got 0"),
        (["--algorithm", "glove"], "must be one of skip-gram, cbow, fasttext"),
        (["--clean", "soap"], "soap"),
        (["--text-column", "body"], "has no column 'body'"),
        (["--split", "dev"], "no rows of the part 'dev'"),
        (["--min-count", 1000], "No word occurs 1000 times"),
    ],
)
def test_bad_input(recsys, corpus, tmp_path, arguments, text) -> None:
    out = tmp_path / "vectors.txt"
    refused = recsys("text", "vectors", corpus, "--out", out, "--text-column", "phrase", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert text in refused.err
    assert not out.exists()


def test_defaults_are_those_of_the_training() -> None:
    options = inspect.signature(vectors).parameters
    for field in fields(Training):
        assert options[field.name].default == field.default
