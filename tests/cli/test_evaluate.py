from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from recsys.cli.app import app
from recsys.dataset.split import split_dataset
from recsys.models.popularity import PopularityRecommender


@pytest.fixture
def prepared(small, tmp_path):
    return small.save(tmp_path / "data")


def run(*words):
    return CliRunner().invoke(app, ["evaluate", *map(str, words)], terminal_width=120)


def test_models_are_compared_on_screen_and_on_disk(prepared, small, tmp_path):
    PopularityRecommender().fit(small, split_dataset(small)).save(tmp_path / "mine")
    out = tmp_path / "out"
    done = run(prepared, "--model", "popularity", "--saved", tmp_path / "mine", "-k", "1,3", "--out", out)
    assert done.exit_code == 0, done.output
    assert "recall@3" in done.output
    assert "coverage@1" in done.output
    assert "mine" in done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "ranks",
        "small--mine.json",
        "small--popularity.json",
        "small--recall.png",
    ]
    result = json.loads((out / "small--popularity.json").read_text())
    assert result["split_sha256"] == split_dataset(small).sha256
    assert set(result["metrics"]) == {
        *("recall@1", "recall@3", "ndcg@1", "ndcg@3", "hit_rate@1", "hit_rate@3", "mrr", "coverage@1", "coverage@3")
    }
    assert result["command"].startswith(f"recsys evaluate {prepared} --model popularity --saved ")


def test_metrics_parts_and_seeds_are_options(prepared, tmp_path):
    words = ["--model", "popularity", "--metric", "ndcg@7", "precision", "-k", "2", "--part", "validation"]
    done = run(prepared, *words, "--seed", 3, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "out" / "small--popularity.json").read_text())
    assert set(result["metrics"]) == {"ndcg@7", "precision@2"}
    assert result["protocol"]["part"] == "validation"
    assert result["seeds"] == [0]  # a popularity model has none


def test_splits_and_rules_are_options(prepared, tmp_path):
    (tmp_path / "few.txt").write_text("11\n12\n13\n")
    words = ["--model", "popularity", "--split", "time,at=0.7,targets=first", "--candidates", tmp_path / "few.txt"]
    done = run(
        prepared,
        *words,
        "--ties",
        "ahead",
        "--seen",
        "ranked",
        "--liked",
        5,
        "--request-times",
        "told",
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "out" / "small--popularity.json").read_text())
    protocol = result["protocol"]
    assert protocol["split"].startswith("time-at-2020-")
    assert protocol["candidates"].startswith("3 titles, sha256")
    assert (protocol["ties"], protocol["seen"]) == ("ahead", "ranked")
    assert protocol["targets"] == "rated 5 or more"
    assert protocol["request_times"] == "told"
    assert "--liked 5" in result["command"]
    assert "--request-times told" in result["command"]
    assert "--split time,at=0.7,targets=first" in result["command"]


def test_candidates_must_be_known(prepared, tmp_path):
    (tmp_path / "few.csv").write_text("anime_id\n11\n999\n")
    done = run(prepared, "--model", "popularity", "--candidates", tmp_path / "few.csv", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "has 1 unknown anime_id of 2: 999 in line 3" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "At least one model is needed, got none."),
        (["--model", "pop"], "There is no model 'pop'."),
        (["--model", "popularity", "-k", "0"], "A cutoff k must be at least 1, got 0."),
        (["--model", "popularity", "-k", "ten"], "A cutoff k must be a whole number, got 'ten'."),
        (["--model", "popularity", "--metric", "rekall"], "There is no metric 'rekall'"),
        (["--model", "popularity", "--part", "train"], "A part must be test or validation, got 'train'."),
        (["--model", "popularity", "--split", "tomorrow"], "'kind' must be one of auto, leave-last-out"),
        (["--model", "popularity", "--split", "time,at=2031-01-01"], "lies outside the data"),
        (["--model", "popularity", "--seeds", "1,1"], "Seeds must be different whole numbers from 0, got '1,1'."),
        (["--model", "popularity", "--metric", "sequel_breaks"], "The data knows no title that continues another"),
        (["--model", "popularity", "--ties", "mean"], "A tied target can rank behind or ahead, got 'mean'."),
        (["--model", "popularity", "--request-times", "now"], "Request times can be hidden or told, got 'now'."),
        (["--model", "popularity", "--set", "epochs=3"], "A setting is given as model.name=value"),
        (["--model", "popularity", "--set", "popularity.x=3"], "There is no setting 'x'."),
        (["--model", "popularity", "--liked", "99"], "No held-out title is rated 99 or more"),
        (["--saved", "nowhere"], "nowhere is not a model folder"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(words, message, prepared, tmp_path):
    done = run(prepared, *words, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_prepared_is_refused(tmp_path):
    done = run(tmp_path / "nothing", "--model", "popularity", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "is not a prepared data folder" in done.output


def test_a_model_that_saw_the_answers_is_refused(prepared, small, tmp_path):
    PopularityRecommender().fit(small).save(tmp_path / "final")
    done = run(prepared, "--saved", tmp_path / "final", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "fitted on everything" in done.output
    assert not (tmp_path / "out").exists()


def test_results_of_other_rules_are_not_replaced_unasked(prepared, tmp_path):
    words = [prepared, "--model", "popularity", "--out", tmp_path / "out"]
    assert run(*words).exit_code == 0
    before = (tmp_path / "out" / "small--popularity.json").read_text()
    assert run(*words).exit_code == 0  # the same again
    for other, said in (
        (["--seen", "ranked"], "judged otherwise (seen)"),
        (["--part", "validation"], "judged otherwise (part)"),
        (["--split", "leave-last-out,n_targets=2"], "judged otherwise (split)"),
    ):
        refused = run(*words, *other)
        assert refused.exit_code == 2
        assert said in " ".join(refused.output.split())
    assert (tmp_path / "out" / "small--popularity.json").read_text()[:200] == before[:200]
    assert run(*words, "--seen", "ranked", "--overwrite").exit_code == 0
    assert "ranked" in (tmp_path / "out" / "small--popularity.json").read_text()
