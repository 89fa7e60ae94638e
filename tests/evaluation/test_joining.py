from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evaluation import run
from evaluation.joining import join_seeds, read_earlier
from evaluation.judge import evaluate
from evaluation.result_files import make_result, ranks_frame, read_result, write_result
from evaluation.rows import Row
from evaluation.run import main, settings_of
from recsys.dataset.split import split_dataset
from recsys.errors import InputError
from recsys.models import make_model
from tests.evaluation.judged_data import write_judged

SETTINGS = {"factors": 4, "iterations": 2}


@pytest.fixture
def judged(small):
    """A result of any seeds, judged just now, with its evaluations."""
    split = split_dataset(small)

    def judge(*seeds):
        models = [make_model("bpr", {**SETTINGS, "seed": seed}).fit(small, split) for seed in seeds]
        evaluations = {
            seed: evaluate(one, split, ["recall@5", "mrr", "novelty@5", "coverage@5"])
            for seed, one in zip(seeds, models, strict=True)
        }
        result = make_result(
            list(evaluations.values()),
            data="toy",
            config=models[0].config.to_mapping(),
            seeds=seeds,
            command="again",
            train_seconds=2.0 + len(seeds),
            peak_memory_mb=100.0,
            serve_seconds=1.0,
        )
        return result, evaluations

    return judge


def test_joined_seeds_are_as_if_judged_together(judged, tmp_path, small):
    early, its_evaluations = judged(0, 3)
    path = write_result(early, tmp_path, ranks=ranks_frame(list(its_evaluations.values()), [0, 3]))
    late, evaluations = judged(1)
    row = Row("toy", "bpr", seeds=(1,))
    earlier = read_earlier(path, row, late["config"], split_dataset(small).sha256, list(late["metrics"]))
    joined, of_all = join_seeds(earlier, late, evaluations)
    together, expected = judged(0, 1, 3)
    assert (joined["seeds"], joined["config"]) == ([0, 1, 3], together["config"])
    assert (joined["train_seconds"], joined["peak_memory_mb"]) == (pytest.approx(11 / 3, abs=1e-3), 100.0)
    for name, told in together["seed_values"].items():
        assert joined["seed_values"][name] == pytest.approx(told)
    for name in ("recall@5", "mrr"):
        assert joined["metrics"][name] == pytest.approx(together["metrics"][name])
    novelty = joined["metrics"]["novelty@5"]  # no file keeps it for single people
    assert novelty == {"value": pytest.approx(together["metrics"]["novelty@5"]["value"]), "low": None, "high": None}
    one, other = (ranks_frame(list(found.values()), [0, 1, 3]) for found in (of_all, expected))
    assert one.equals(other)
    assert read_result(write_result(joined, tmp_path, ranks=one))["seeds"] == [0, 1, 3]


def test_only_seeds_of_the_same_row_are_joined(tmp_path):
    row = Row("tiny", "bpr", seeds=(7,))
    path = write_judged(tmp_path, "bpr", {0: [[1], [4]], 1: [[2], [9]]}, config={"factors": 8, "seed": 0})
    same = settings_of("bpr", ["factors=8"], 7)  # the file is older than the settings that it lacks
    names = ["recall@10", "ndcg@10"]
    assert read_earlier(path, row, same, "ab" * 32, names).ranks.keys() == {0, 1}
    with pytest.raises(InputError, match=r"There is no .*none.json to join seeds to"):
        read_earlier(tmp_path / "none.json", row, same, "ab" * 32, names)
    with pytest.raises(InputError, match="was judged on another test set"):
        read_earlier(path, row, same, "cd" * 32, names)
    with pytest.raises(InputError, match=r"has other settings than these seeds \(factors, iterations\)"):
        read_earlier(path, row, settings_of("bpr", ["factors=9", "iterations=3"], 7), "ab" * 32, names)
    with pytest.raises(InputError, match=r"has other metrics \(mrr, ndcg@10\)"):
        read_earlier(path, row, same, "ab" * 32, ["recall@10", "mrr"])
    with pytest.raises(InputError, match="holds seed 1 already"):
        read_earlier(path, replace(row, seeds=(1, 2)), same, "ab" * 32, names)
    result = json.loads(path.read_text())
    result["metrics"]["recall@10"]["value"] += 0.01
    path.write_text(json.dumps(result))
    with pytest.raises(InputError, match="are not of one run"):
        read_earlier(path, row, same, "ab" * 32, names)


@pytest.mark.realdata
def test_seeds_that_were_joined_during_a_training_stay(realdata, tmp_path, monkeypatch):
    words = ["--data", "annict", "--model", "bpr", "--real", str(realdata), "--out", str(tmp_path)]
    words += ["--set", "bpr.iterations=1"]
    assert main([*words, "--seeds", "0"]) == 0
    fit, fits = run._fit, []

    def fit_while_another_runs(*arguments):
        fits.append(arguments)
        if len(fits) == 1:
            assert main([*words, "--seeds", "6", "--join"]) == 0
        return fit(*arguments)

    monkeypatch.setattr(run, "_fit", fit_while_another_runs)
    assert main([*words, "--seeds", "3", "--join"]) == 0
    assert json.loads((tmp_path / "annict--bpr.json").read_text())["seeds"] == [0, 3, 6]


@pytest.mark.realdata
def test_a_row_of_real_data_grows_by_a_seed(realdata, tmp_path, capfd):
    words = ["--data", "annict", "--model", "bpr", "--real", str(realdata), "--out", str(tmp_path)]
    words += ["--set", "bpr.iterations=1"]
    assert main([*words, "--seeds", "3", "--join"]) == 2
    assert "Judge the first seeds without --join" in capfd.readouterr().err
    assert main([*words, "--seeds", "3"]) == 0
    assert main([*words, "--seeds", "0", "--join"]) == 0
    result = json.loads((tmp_path / "annict--bpr.json").read_text())
    assert result["seeds"] == [0, 3]
    assert result["command"].endswith("--set bpr.iterations=1 --seeds 0,3")
