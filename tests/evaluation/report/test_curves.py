from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.report import read_tables
from evaluation.report.curves import cut, recall_curves, recall_slices
from tests.evaluation.judged_data import write_judged


@pytest.fixture
def folder(tmp_path):
    """Two models; the first finds the titles of people with short histories, the second nobody's."""
    for model, ranks in (("a", [[1], [2], [11], [None]]), ("b", [[40], [40], [40], [40]])):
        path = write_judged(tmp_path, model, {0: ranks})
        beside = tmp_path / "ranks" / f"{path.stem}.parquet"
        frame = pl.read_parquet(beside).with_columns(history=pl.Series([1, 3, 5, 9]), watchers=pl.Series([7, 7, 7, 7]))
        frame.write_parquet(beside)
    return tmp_path


def test_recall_is_computed_at_every_k(folder):
    [table] = read_tables(folder)
    curves = recall_curves(table, 12)
    assert [one.value for one in curves["a"]] == [0.25, *[0.5] * 9, 0.75, 0.75]
    assert all(one.value == 0 for one in curves["b"])


def test_slices_hold_their_users(folder):
    [table] = read_tables(folder)
    slices, values = recall_slices(table, "history", 2)
    assert [(one.name, one.n_users) for one in slices] == [("1–3", 2), ("5–9", 2)]
    assert [one.value for one in values["a"]] == [1.0, 0.0]
    assert [one.value for one in values["b"]] == [0.0, 0.0]


def test_what_cannot_be_cut_is_left_out(folder):
    [table] = read_tables(folder)
    assert recall_slices(table, "watchers") == ([], {})  # all have the same
    for beside in (folder / "ranks").iterdir():
        pl.read_parquet(beside).with_columns(history=pl.lit(None, pl.Int32)).write_parquet(beside)
    [table] = read_tables(folder)
    assert recall_slices(table, "history") == ([], {})
    for beside in (folder / "ranks").iterdir():
        beside.unlink()
    [table] = read_tables(folder)
    assert recall_slices(table, "history") == ([], {})
    assert recall_curves(table) == {}


@given(arrays(np.int64, st.integers(1, 50), elements=st.integers(0, 20)), st.integers(1, 6))
def test_slices_are_ordered_parts_of_the_whole(values, n_slices):
    groups = cut(values, n_slices)
    assert 1 <= len(groups) <= n_slices
    assert (np.sum(groups, axis=0) == 1).all()
    for lower, upper in itertools.pairwise(groups):
        assert values[lower].max() < values[upper].min()
