from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from evaluation.contenders import find_results, read_contenders
from evaluation.metrics import metrics_at
from recsys.errors import InputError
from tests.evaluation.judged_data import write_judged


@pytest.fixture
def two(tmp_path):
    return [
        write_judged(tmp_path, "lstm", {0: [[1], [4], [30]], 1: [[2], [None], [10]]}),
        write_judged(tmp_path, "als", {0: [[3], [12], [None]]}),
    ]


def test_every_metric_is_computed_again_from_the_ranks(two):
    lstm, als = read_contenders(two)
    values = lstm.values(metrics_at(["recall@10", "recall@3", "mrr"]))
    assert values.shape == (2, 3, 3)  # seeds, users, metrics
    np.testing.assert_allclose(values[:, :, 0], [[1, 1, 0], [1, 0, 1]])
    np.testing.assert_allclose(values[:, :, 1], [[1, 0, 0], [1, 0, 0]])
    np.testing.assert_allclose(values[:, :, 2], [[1, 1 / 4, 1 / 30], [1 / 2, 0, 1 / 10]], atol=1e-12)
    assert (lstm.depth, als.depth, als.label) == (30, 12, "als")


def test_several_targets_keep_to_their_user(tmp_path):
    paths = [write_judged(tmp_path, name, {0: [[9, 2], [1, None, 40]]}) for name in ("a", "b")]
    values = read_contenders(paths)[0].values(metrics_at(["recall@10", "hit_rate@1"]))
    np.testing.assert_allclose(values[0], [[1, 0], [1 / 3, 1]])


def test_a_model_that_ranked_everything_has_no_depth(tmp_path):
    paths = [write_judged(tmp_path, name, {0: [[9], [1]]}) for name in ("a", "b")]
    assert [one.depth for one in read_contenders(paths)] == [None, None]


def test_results_of_one_model_are_told_apart_by_their_paths(tmp_path):
    old, new = (write_judged(tmp_path / name, "lstm", {0: [[1]]}) for name in ("old", "new"))
    assert [one.label for one in read_contenders([old, new])] == [
        (tmp_path / name / "tiny--lstm").as_posix() for name in ("old", "new")
    ]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"data": "other"}, "but the data of tiny--lstm is 'tiny' and that of other--bpr is 'other'"),
        ({"split_sha256": "cd" * 32}, "the test set of tiny--lstm is abababababab… and that of tiny--bpr is cdcdcdcdc"),
        ({"split_sha256": None}, "does not say what test set it was judged on"),
        ({"part": "validation"}, "the part of tiny--lstm is 'test' and that of tiny--bpr is 'validation'"),
        (
            {"candidates": "9 titles"},
            "the candidates of tiny--lstm is 'all titles' and that of tiny--bpr is '9 titles'",
        ),
        ({"seen": "ranked"}, "the seen of tiny--lstm is 'excluded' and that of tiny--bpr is 'ranked'"),
    ],
)
def test_results_of_other_rules_are_refused(two, tmp_path, changes, message):
    other = write_judged(tmp_path, "bpr", {0: [[1], [1], [1]]}, **changes)
    with pytest.raises(InputError) as refused:
        read_contenders([two[0], other])
    assert message in refused.value.message
    assert refused.value.hint


def test_too_few_the_same_one_twice_and_missing_ranks_are_refused(two, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="At least 2 results are needed, got 1"):
        read_contenders(two[:1])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is given twice"):
        read_contenders([two[0], two[1], "tiny--lstm.json"])
    (tmp_path / "ranks" / "tiny--als.parquet").unlink()
    with pytest.raises(InputError, match="has no ranks"):
        read_contenders(two)


def test_ranks_of_another_run_are_refused(two, tmp_path):
    place = tmp_path / "ranks" / "tiny--als.parquet"
    kept = pl.read_parquet(place)
    kept.with_columns(rank=pl.col("rank") + 9).write_parquet(place)
    with pytest.raises(InputError, match=r"says ndcg@10 0.166667, but its ranks give 0.000000.* Run it again: python"):
        read_contenders(two)[1].values(metrics_at(["mrr", "ndcg@10"]))
    for frame, message in [
        (kept.head(2), "must be of users 0 to 2, got 2 users up to 1"),
        (kept.with_columns(user=pl.col("user") + 1), "must be of users 0 to 2, got 3 users up to 3"),
        (kept.clear(), "are empty"),
        (pl.concat([kept, kept.head(1)]), "have 4 targets and those of"),
        (pl.concat([kept, kept.with_columns(seed=pl.lit(1, pl.Int64)), kept.head(1)]), "other targets for seed 1"),
        (kept.drop("rank"), "lacks rank"),
    ]:
        frame.write_parquet(place)
        with pytest.raises(InputError, match=message):
            read_contenders(two)


def test_results_are_found_by_path_and_by_name(two, tmp_path):
    assert find_results([two[0], "tiny--als"], tmp_path) == two
    assert find_results(["tiny--als.json"], tmp_path) == [two[1]]
    with pytest.raises(InputError, match=r"There is no result 'tiny--asl', .* Did you mean 'tiny--als'\?"):
        find_results(["tiny--asl"], tmp_path)
    with pytest.raises(InputError, match=r"There: tiny--als, tiny--lstm\."):
        find_results(["zzz"], tmp_path)
    with pytest.raises(InputError, match="no result"):
        find_results(["zzz"], tmp_path / "nowhere")


def test_a_file_that_is_no_result_is_refused(two, tmp_path):
    (tmp_path / "list.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match="is not a result file"):
        read_contenders([two[0], tmp_path / "list.json"])
