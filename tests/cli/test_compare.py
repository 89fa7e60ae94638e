from __future__ import annotations

import json

import pytest

from tests.evaluation.judged_data import write_judged


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for model, step in (("lstm", 1), ("als", 7), ("bpr", 6)):
        write_judged(folder, model, {0: [[1 + user * step] for user in range(12)]})
    return folder


def test_results_are_compared_by_name_or_path(recsys, results):
    done = recsys("compare", "tiny--lstm", results / "tiny--als.json", "--results", results, "--metric", "ndcg@5")
    assert done.code == 0, done.err
    assert "ndcg@5" in done.out
    assert "als 0." in done.out


def test_all_pairs_as_markdown_and_json(recsys, results, tmp_path):
    names = [results / f"tiny--{model}.json" for model in ("lstm", "als", "bpr")]
    out = tmp_path / "new" / "comparison.json"
    done = recsys("compare", *names, "--all-pairs", "--markdown", "--json", out, "-k", "3,5")
    assert done.code == 0, done.err
    assert done.out.count("| als 0.") == 3 * 2 + 2  # four metrics: once against lstm, once as the model
    assert "Wrote" in done.err
    assert len(json.loads(out.read_text())["differences"]) == 12


@pytest.mark.parametrize(
    "words, messages",
    [
        (["tiny--lstm"], ["At least 2 results are needed, got 1."]),
        (["tiny--lstm", "tiny--lstm"], ["is given twice", "Leave one of them out."]),
        (["tiny--lstm", "tiny--alx"], ["There is no result 'tiny--alx'", "Did you mean 'tiny--als'?"]),
        (
            ["tiny--lstm", "tiny--old"],
            ["test set of tiny--lstm is abababababab… and that of tiny--old is cdcdcdcdcdcd…"],
        ),
        (["tiny--lstm", "other--als"], ["the data of tiny--lstm is 'tiny' and that of other--als is 'other'."]),
        (["tiny--lstm", "tiny--bare"], ["has no ranks", "Run its evaluation again."]),
        (["tiny--lstm", "tiny--als", "--metric", "rekall@10"], ["There is no metric 'rekall'"]),
        (["tiny--lstm", "tiny--als", "--metric", "ndcg@0"], ["A cutoff k must be at least 1, got 0."]),
        (["tiny--lstm", "tiny--als", "-k", "ten"], ["A cutoff k must be a whole number, got 'ten'."]),
        (["tiny--lstm", "tiny--als", "--reference", "svd"], ["The reference must be one of the results, got 'svd'."]),
    ],
)
def test_what_is_wrong_is_said(recsys, results, words, messages, tmp_path):
    rows = [[1]] * 12
    write_judged(results, "old", {0: rows}, split_sha256="cd" * 32)
    write_judged(results, "als", {0: rows}, data="other")
    write_judged(results, "bare", {0: rows})
    (results / "ranks" / "tiny--bare.parquet").unlink()
    out = tmp_path / "comparison.json"
    done = recsys("compare", *words, "--results", results, "--json", out)
    assert done.code == 2
    assert all(message in done.err for message in messages), done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert not out.exists()


def test_an_earlier_file_is_replaced_only_when_asked(recsys, results):
    taken = results / "tiny--als.json"
    words = ["compare", "tiny--lstm", "tiny--bpr", "--results", results, "--json", taken]
    before = taken.read_text()
    refused = recsys(*words)
    assert refused.code == 2
    assert "exists already" in refused.err
    assert taken.read_text() == before
    assert recsys(*words, "--overwrite").code == 0
    assert taken.read_text() != before


def test_a_result_that_is_compared_is_not_written_over(recsys, results):
    path = results / "tiny--als.json"
    before = path.read_bytes()
    done = recsys("compare", "tiny--lstm", "tiny--als", "--results", results, "--json", path, "--overwrite")
    assert done.code == 2
    assert "is one of the results that are read" in done.err
    assert path.read_bytes() == before
