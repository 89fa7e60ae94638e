from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from recsys.cli.app import app
from tests.cli.conftest import Outcome
from tests.cli.test_app import modules_after

TEXTS = ["good warm", "dull, flat", "", "日本語 “quoted”\nin two lines"]


def run_with_input(data: bytes, *arguments: object) -> Outcome:
    done = CliRunner().invoke(app, ["text", "predict", *map(str, arguments)], input=data)
    return Outcome(done.exit_code, done.stdout, done.stderr)


def test_texts_as_arguments(recsys, model) -> None:
    said = recsys("text", "predict", model, *TEXTS)
    assert said.code == 0
    heading, *rows = said.out.splitlines()
    assert heading.split() == ["label", "probability", "text"]
    assert [row.split()[0] for row in rows[:2]] == ["pos", "neg"]
    assert len(rows) == len(TEXTS)
    assert float(rows[0].split()[1]) > 0.5
    assert "日本語 “quoted” in two lines" in rows[3]


def test_csv_and_json_lines_hold_the_texts(recsys, model) -> None:
    rows = list(csv.reader(io.StringIO(recsys("text", "predict", model, *TEXTS, "--format", "csv").out)))
    assert rows[0] == ["text", "label", "probability"]
    assert [row[0] for row in rows[1:]] == TEXTS
    records = [
        json.loads(line) for line in recsys("text", "predict", model, *TEXTS, "--format", "jsonl").out.split("\n")[:-1]
    ]
    assert [record["text"] for record in records] == TEXTS
    for record, row in zip(records, rows[1:], strict=True):
        assert record["label"] == row[1]
        assert record["probability"] == max(record["probabilities"].values()) == float(row[2])
        assert sum(record["probabilities"].values()) == pytest.approx(1.0, abs=2e-4)


def test_standard_input_is_one_text_a_line(model) -> None:
    said = run_with_input(b"good warm\r\n\ndull flat", model, "--format", "jsonl")
    records = [json.loads(line) for line in said.out.splitlines()]
    assert [record["text"] for record in records] == ["good warm", "", "dull flat"]
    assert [records[0]["label"], records[2]["label"]] == ["pos", "neg"]


def write_texts(folder: Path, suffix: str) -> Path:
    path = folder / f"texts{suffix}"
    frame = pl.DataFrame({"id": range(len(TEXTS)), "review": [text.replace("\n", " ") for text in TEXTS]})
    if suffix == ".txt":
        path.write_text("\n".join(frame["review"]) + "\n", encoding="utf-8")
    elif suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_csv(
            path, separator="\t" if suffix == ".tsv" else ",", quote_style="never" if suffix == ".tsv" else None
        )
    return path


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv", ".parquet", ".jsonl"])
def test_files_are_read_in_batches(recsys, model, tmp_path, monkeypatch, suffix) -> None:
    monkeypatch.setattr("recsys.cli.text.predict.BATCH", 3)
    file, out = write_texts(tmp_path, suffix), tmp_path / "out.csv"
    said = recsys("text", "predict", model, "--file", file, "--text-column", "review", "--out", out)
    assert said.code == 0, said.err
    assert f"Wrote {out} (4 texts)." in said.out
    with out.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["text"] for row in rows] == [text.replace("\n", " ") for text in TEXTS]
    assert [row["label"] for row in rows[:2]] == ["pos", "neg"]


def test_one_text_is_judged_alike_alone_and_among_others(recsys, model) -> None:
    together = recsys("text", "predict", model, *TEXTS, "--format", "jsonl").out.splitlines()
    alone = [recsys("text", "predict", model, text, "--format", "jsonl").out.strip() for text in TEXTS]
    assert together == alone


def test_a_cold_process_needs_no_heavy_library(model) -> None:
    code = (
        "import sys\nfrom recsys.cli.app import main\n"
        f"sys.argv = ['recsys', 'text', 'predict', {str(model)!r}, 'good warm']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\nprint('modules:', *sys.modules)"
    )
    heavy = {"tensorflow", "keras", "polars", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib", "onnx", "implicit"}
    assert not modules_after(code) & heavy


def test_long_texts_and_lone_surrogates(model) -> None:
    command = [sys.executable, "-m", "recsys", "text", "predict", str(model), b"good \xff warm", "--format", "csv"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert b",pos," in done.stdout
    said = run_with_input(b"good warm " * 100_000, model)
    assert (said.code, said.out.splitlines()[1].split()[0]) == (0, "pos")


BAD = [
    (["{tmp}/nowhere", "x"], "not a text model folder: it does not exist"),
    (["{tmp}", "x"], "has no manifest.json"),
    (["{model}", "x", "--file", "{tmp}/texts.csv"], "exclude each other"),
    (["{model}", "--file", "{tmp}/texts.csv"], "no column 'text' (found: id, review)"),
    (["{model}", "--file", "{tmp}/none.csv"], "none.csv does not exist"),
    (["{model}", "--file", "{tmp}/none.txt"], "none.txt"),
    (["{model}", "--file", "{tmp}/latin.txt"], "is not UTF-8"),
    (["{model}", "--file", "{tmp}/empty.txt", "--out", "{tmp}/out.csv", "--overwrite"], "There is no text"),
    (["{model}", "--file", "{tmp}/texts.csv", "--out", "{tmp}/out.csv", "--overwrite"], "no column 'text'"),
    (["{model}", "x", "--out", "{tmp}/out.csv"], "exists already"),
    (["{model}", "x", "--out", "{tmp}/out.xls"], "Name it .csv or .jsonl"),
    (["{model}", "x", "--format", "xml"], "no format 'xml'"),
]


@pytest.mark.parametrize("arguments, text", BAD)
def test_bad_requests_are_refused(recsys, model, tmp_path, arguments, text) -> None:
    write_texts(tmp_path, ".csv")
    (tmp_path / "latin.txt").write_bytes("naïve\n".encode("latin-1"))
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "out.csv").write_text("earlier")
    before = sorted(tmp_path.iterdir())
    refused = recsys("text", "predict", *(word.format(tmp=tmp_path, model=model) for word in arguments))
    assert (refused.code, refused.out) == (2, "")
    assert text in " ".join(refused.err.split())
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "out.csv").read_text() == "earlier"


@pytest.mark.parametrize("data, text", [(b"", "no text to classify"), (b"caf\xe9\n", "is not UTF-8")])
def test_bad_input_is_refused(model, data, text) -> None:
    refused = run_with_input(data, model)
    assert (refused.code, refused.out) == (2, "")
    assert text in refused.err
