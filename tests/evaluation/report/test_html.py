from __future__ import annotations

import re

import polars as pl
import pytest

from evaluation.report import read_tables, report_page
from tests.evaluation.judged_data import write_judged

NASTY = "<i>&amp;$x$"
LOG = [{"epoch": epoch, "loss": 2 / epoch, "val_ndcg@10": 0.1 * epoch} for epoch in (1, 2, 3)]


def write_all(folder, model, step, **changes):
    """Write a result for every figure of the page."""
    path = write_judged(folder, model, {0: [[1 + user % 7 + step] for user in range(30)]}, **changes)
    beside = folder / "ranks" / f"{path.stem}.parquet"
    spread = {name: pl.int_range(30, dtype=pl.Int32) for name in ("history", "watchers")}
    pl.read_parquet(beside).with_columns(**spread).write_parquet(beside)
    return path


def write_both(folder):
    write_all(folder, "lstm", 0, training=LOG, metrics=["recall@10", "ndcg@10", "mrr"])
    write_all(folder, "ease", 2, train_seconds=0.0, config={"x": NASTY}, command=f"run {NASTY}")
    return folder


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    return report_page(read_tables(write_both(tmp_path_factory.mktemp("results")))).html()


def test_the_page_shows_all_of_it(html):
    for title in ("Recall@k", "Recall@10 by length of history", "Recall@10 by popularity of the title", "Training"):
        assert f">{title}</text>" in html
    for title in ("Accuracy against serving speed", "Accuracy against training time"):
        assert f">{title}</text>" in html
    assert html.count("<figure>") == 6  # no coverage was computed
    assert html.count("<table>") == 3
    assert "lstm leads in NDCG@10" in html
    assert "run &lt;i&gt;&amp;amp;$x$" in html
    assert "<i>" not in html


def test_nothing_is_fetched(html):
    assert set(re.findall(r"https?://[^/\"' ]+", html)) <= {"http://www.w3.org"}  # the names of SVG's namespaces
    assert not re.search(r"<(link|img|iframe|script [^>]*src)", html)
    assert set(re.findall(r'href="([^"#]*)', html)) <= {""}


def test_several_data_sets_have_an_overview(tmp_path):
    for data in ("one", f"other {NASTY}"):
        path = write_judged(tmp_path, NASTY, {0: [[1], [2]]}, data=data, data_title=None, serve_seconds=None)
        (tmp_path / "ranks" / f"{path.stem}.parquet").unlink()
    html = report_page(read_tables(tmp_path)).html()
    assert ">Overview</h2>" in html
    assert "<i>" not in html
    assert html.count("<h2") == 3


def test_results_without_ranks_have_a_page_too(tmp_path):
    for path in (write_both(tmp_path) / "ranks").iterdir():
        path.unlink()
    html = report_page(read_tables(tmp_path)).html()
    assert html.count("<figure>") == 3
    assert "The ranks of all rows are missing" in html
