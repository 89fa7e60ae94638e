from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.newcomers.recall import OVER
from evaluation.newcomers.titles import BINS, NEW, is_current, titles_result
from evaluation.result_files import ranks_path
from recsys.errors import InputError
from tests.evaluation.judged_data import write_judged

WATCHERS = [0, 0, 3, 4, 5, 19, 20, 900]


def judged(folder, model, ranks, watchers=WATCHERS, **changes):
    """Write a row with one target a user, watched by so many."""
    path = write_judged(folder, model, {seed: [[one] for one in row] for seed, row in ranks.items()}, **changes)
    frame = pl.read_parquet(ranks_path(path)).sort("seed", "user")
    frame.with_columns(pl.Series("watchers", watchers * len(ranks))).write_parquet(ranks_path(path))
    return path


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_every_title_is_in_one_bin(counts):
    watchers = np.array(counts)
    assert (sum(one.holds(watchers).astype(int) for one in BINS) == 1).all()
    assert np.array_equal(NEW.holds(watchers), BINS[0].holds(watchers) | BINS[1].holds(watchers))


def test_recall_is_cut_by_the_number_of_watchers(tmp_path):
    popularity = judged(tmp_path, "popularity", {0: [None, 500, 100, 15, 30, 20, 10, 1]})
    lstm = judged(tmp_path, "lstm", {0: [5, 500, 3, 15, 30, 20, 11, 1], 1: [50, 500, 3, 15, 30, 20, 10, 1]})
    found = titles_result(lstm, popularity, command="again")
    metrics = found["metrics"]
    assert {name: group["n_targets"] for name, group in metrics.items()} == {
        "0–4": 4, "0": 2, "1–4": 2, "5–19": 2, "20+": 2
    }  # fmt: skip
    recall = {name: (group["recall@10"]["value"], group["recall@20"]["value"]) for name, group in metrics.items()}
    assert recall == {"0–4": (0.375, 0.625), "0": (0.25, 0.25), "1–4": (0.5, 1), "5–19": (0, 0.5), "20+": (0.75, 1)}
    over = metrics["0–4"][OVER]["recall@10"]
    assert (over["value"], over["wins"], over["ties"], over["losses"]) == (0.375, 2, 2, 0)
    assert metrics["20+"][OVER]["recall@10"]["value"] == -0.25
    assert found["command"] == "again"
    assert found["seeds"] == [0, 1]
    assert found["row"]["command"].startswith("python -m evaluation.run")
    json.dumps(found, allow_nan=False)


def test_popularity_is_not_compared_with_itself(tmp_path):
    path = judged(tmp_path, "popularity", {0: [1] * len(WATCHERS)})
    assert all(OVER not in group for group in titles_result(path, path, command="").get("metrics").values())


def test_other_ranks_are_noticed(tmp_path):
    path = judged(tmp_path, "popularity", {0: [1] * len(WATCHERS)})
    found = titles_result(path, path, command="")
    assert is_current(found, path)
    judged(tmp_path, "popularity", {0: [2] * len(WATCHERS)})
    assert not is_current(found, path)
    assert not is_current(found, tmp_path / "none.json")


def test_what_cannot_be_cut_is_refused(tmp_path):
    one = judged(tmp_path, "popularity", {0: [1, 2]}, watchers=[1, 2])
    other = judged(tmp_path, "lstm", {0: [1, 2]}, watchers=[1, 2], split_sha256="cd" * 32)
    with pytest.raises(InputError, match="Only results of one test set can be compared"):
        titles_result(other, one, command="")
    several = write_judged(tmp_path, "als", {0: [[1, 2], [3]]})
    with pytest.raises(InputError, match="does not say how many people watched each target"):
        titles_result(several, several, command="")
    unknown = judged(tmp_path, "ease", {0: [1, 2]}, watchers=[None, 2])
    with pytest.raises(InputError, match="does not say how many people watched each target"):
        titles_result(unknown, unknown, command="")
