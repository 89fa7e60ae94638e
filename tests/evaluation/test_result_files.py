from __future__ import annotations

import json
import subprocess

import pytest

from evaluation import evaluate
from evaluation.result_files import (
    FIELDS,
    LATER,
    commit_of,
    file_stem,
    make_result,
    read_result,
    read_results,
    require_writable,
    write_result,
)
from recsys.dataset.split import split_dataset
from recsys.errors import ArtifactError, InputError
from recsys.models.popularity import PopularityRecommender


@pytest.fixture
def result(small):
    split = split_dataset(small)
    evaluation = evaluate(PopularityRecommender().fit(small, split), split)
    return make_result(
        [evaluation],
        data="small",
        config={"units": [1, 2]},
        seeds=[3],
        command="python -m something",
        train_seconds=1.23456,
        peak_memory_mb=7.89,
    )


def test_a_result_says_how_to_get_it_again(result, small):
    assert tuple(result) == (*FIELDS, *LATER)
    assert result["split_sha256"] == split_dataset(small).sha256
    assert result["protocol"] == {
        "split": "leave-last-1-out",
        "part": "test",
        "n_users": 6,
        "n_titles": 11,
        "candidates": "all titles",
        "seen": "excluded",
        "ties": "behind",
        "targets": "all",
        "request_times": "hidden",
    }
    assert set(result["metrics"]["recall@10"]) == {"value", "low", "high"}
    assert {"python", "recsys", "numpy", "polars"} <= set(result["versions"])
    assert (result["model"], result["seeds"], result["train_seconds"]) == ("popularity", [3], 1.23)


def test_files_are_named_by_data_and_model_and_read_back(result, tmp_path):
    path = write_result(result, tmp_path / "new")
    assert path.name == "small--popularity.json"
    assert read_results(tmp_path / "new") == [json.loads(json.dumps(result))]
    write_result({**result, "seeds": [4]}, tmp_path / "new")
    assert read_results(tmp_path / "new")[0]["seeds"] == [4]
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["small--popularity.json"]


def test_a_rule_that_an_older_file_does_not_know_was_the_usual_one(result, tmp_path):
    path = write_result(result, tmp_path)
    older = json.loads(path.read_text())
    del older["protocol"]["targets"], older["protocol"]["request_times"]
    path.write_text(json.dumps(older))
    assert read_result(path)["protocol"] == result["protocol"]


def test_numbers_that_are_none_leave_the_old_file(result, tmp_path):
    write_result(result, tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_result({**result, "train_seconds": float("nan")}, tmp_path)
    assert read_results(tmp_path)[0]["train_seconds"] == 1.23


def test_a_file_that_is_no_result_is_refused(tmp_path):
    (tmp_path / "a--b.json").write_text("{")
    with pytest.raises(InputError, match="is not a result file"):
        read_results(tmp_path)
    (tmp_path / "a--b.json").write_text('{"data": "a"}')
    with pytest.raises(InputError, match="lacks protocol, split_sha256"):
        read_results(tmp_path)


@pytest.mark.parametrize("value", [None, [], "leave-last-out"])
def test_a_result_whose_rules_are_no_table_is_refused(result, tmp_path, value):
    path = write_result(result, tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "protocol": value}))
    with pytest.raises(InputError, match="lacks protocol"):
        read_results(tmp_path)


def test_a_place_that_cannot_be_written_is_said_before(result, tmp_path):
    (tmp_path / "file").write_text("")
    require_writable(tmp_path / "new" / "deep")
    with pytest.raises(InputError, match="cannot be written to"):
        require_writable(tmp_path / "file" / "below")
    with pytest.raises(ArtifactError, match="cannot be written: "):
        write_result(result, tmp_path / "file")


def test_odd_names_become_file_names():
    assert file_stem("my data/2") == "my-data-2"
    assert file_stem("../x") == "x"
    assert file_stem("…") == "unnamed"


def test_the_commit_is_marked_when_the_code_differs(tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)

    assert commit_of(tmp_path) == "unknown"
    git("init")
    for folder in ("evaluation/results", "recsys"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text("one")
    git("add", ".")
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-m", "one")
    clean = commit_of(tmp_path)
    assert len(clean) == 40
    (tmp_path / "evaluation" / "results" / "file").write_text("two")
    assert commit_of(tmp_path) == clean
    (tmp_path / "recsys" / "file").write_text("two")
    assert commit_of(tmp_path) == clean + "+changes"
