from __future__ import annotations

import pytest

from tests.evaluation.judged_data import write_judged


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for model, step in (("lstm", 0), ("als", 2)):
        write_judged(folder, model, {0: [[1 + user % 7 + step] for user in range(30)]})
    return folder


def test_results_become_a_page_and_tables(recsys, results, tmp_path):
    markdown = tmp_path / "docs" / "report.md"
    done = recsys("report", results, "--markdown", markdown)
    assert done.code == 0, done.err
    assert "Tiny: lstm leads in NDCG@10" in done.out
    assert (results / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    text = markdown.read_text(encoding="utf-8")
    assert "[lstm](../results/tiny--lstm.json)" in text
    before = (results / "report.html").read_bytes()
    assert recsys("report", results).code == 0
    assert (results / "report.html").read_bytes() == before


def test_what_evaluate_wrote_is_reported(recsys, prepared, tmp_path):
    out = tmp_path / "results"
    assert recsys("evaluate", prepared, "--model", "popularity", "--out", out).code == 0
    done = recsys("report", out, "--out", tmp_path / "page.html")
    assert done.code == 0, done.err
    assert "popularity was judged alone" in done.out
    assert (tmp_path / "page.html").is_file()


@pytest.mark.parametrize(
    "words, message",
    [
        (["nowhere"], "is not a folder of results: it does not exist."),
        (["results", "--data", "large"], "There are no results of 'large'"),
        (["results", "--out", "results"], "results is a folder; a file is to be written there."),
    ],
)
def test_bad_input_is_refused(recsys, results, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    done = recsys("report", *words)
    assert done.code == 2
    assert message in done.err
    assert not (results / "report.html").exists()


def test_a_mixture_of_test_sets_is_refused_and_the_old_page_stays(recsys, results):
    (results / "report.html").write_text("old")
    write_judged(results, "bpr", {0: [[1]] * 30}, split_sha256="cd" * 32)
    done = recsys("report", results)
    assert done.code == 2
    assert "2 different test sets" in done.err
    assert (results / "report.html").read_text() == "old"


def test_what_options_name_is_replaced_on_demand_only(recsys, results, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("epochs = 3")
    for option in ("--out", "--markdown"):
        refused = recsys("report", results, option, mine)
        assert (refused.code, mine.read_text()) == (2, "epochs = 3")
        assert "exists already" in refused.err
    assert "--out and --markdown name one file" in recsys("report", results, "--out", mine, "--markdown", mine).err
    assert recsys("report", results, "--out", mine, "--overwrite").code == 0
    assert mine.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_other_data_of_a_published_name_keeps_its_own_title(recsys, results):
    write_judged(results, "als", {0: [[1]] * 12}, data="beauty")
    done = recsys("report", results, "--data", "beauty")
    assert done.code == 0, done.err
    assert "Amazon" not in done.out


def test_a_result_that_is_read_is_not_written_over(recsys, results):
    page = results / "tiny--als.json"
    before = page.read_bytes()
    for words in (["--out", page], ["--markdown", page]):
        done = recsys("report", results, *words, "--overwrite")
        assert done.code == 2
        assert "is one of the results that are read" in done.err
    assert page.read_bytes() == before
