"""The benchmarks' own code, on sizes that mean nothing."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from evaluation.benchmarks.measure import Measure
from evaluation.text.benchmarks import beside_torch, serving
from recsys.errors import InputError, RecsysError

TINY = {"n_words": 50, "n_tokens": 12, "dim": 4, "units": [3], "batch_size": 8, "output": "sigmoid"}


def test_an_epoch_is_the_same_for_both(tmp_path):
    beside_torch.write_task(tmp_path, TINY, 20)
    task = json.loads((tmp_path / "task.json").read_text())
    assert (task["n_batches"], task["n_codes"], task["n_classes"]) == (3, 52, 2)
    with np.load(tmp_path / "batches.npz") as arrays:
        shapes = [arrays[f"codes_{place}"].shape for place in range(3)]
        assert sorted(len(arrays[f"labels_{place}"]) for place in range(3)) == [4, 8, 8]
        assert max(int(arrays[f"codes_{place}"].max()) for place in range(3)) < 52
    assert all(width <= 12 for _, width in shapes)


def test_lengths_are_those_of_film_reviews():
    lengths = beside_torch.review_lengths(10_000, np.random.default_rng(0))
    assert np.median(lengths) == pytest.approx(200, rel=0.05)
    assert lengths.min() >= 10


def test_ratios_are_taken_round_by_round():
    found = beside_torch.summarise({"keras": [1.0, 2.0, 4.0], "torch": [2.0, 3.0, 4.0]})
    assert (found["ratio"], found["least"], found["most"]) == (1.5, 1.0, 2.0)
    assert (found["keras_seconds"], found["torch_seconds"]) == (2.0, 3.0)


def test_the_recipes_of_the_film_reviews_are_timed_without_their_wide_part():
    chosen = beside_torch.chosen_recipes([])
    assert "imdb-lstm" in chosen
    assert "yelp-stars" not in chosen
    assert all(config["ngrams"] == 0 for config in chosen.values())


def test_an_interpreter_without_torch_is_refused(tmp_path, capsys):
    with pytest.raises(InputError, match="cannot be started"):
        beside_torch.require_torch(str(tmp_path / "python"))
    fake = tmp_path / "torch.py"
    fake.write_text("raise ImportError('no torch here')")
    code = beside_torch.main(["--torch", str(tmp_path / "none"), "--out", str(tmp_path)])
    assert code == 2
    assert "Give an interpreter by --torch" in capsys.readouterr().err


def test_a_half_that_dies_says_why(tmp_path):
    with (
        beside_torch.Half("torch", sys.executable, tmp_path, 1) as half,
        pytest.raises(RecsysError, match="torch half"),
    ):
        half.ask("epoch")  # there is no task


@pytest.mark.skipif("RECSYS_TORCH" not in os.environ, reason="RECSYS_TORCH names no interpreter with PyTorch")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dropout": 0.2, "dense": 3, "output": "softmax"},
        {"recurrent_dropout": 0.2, "input_dropout": 0.2},
        {"conv_filters": 3},
        {"bidirectional": True, "pooling": "max-mean", "units": [3, 2]},
    ],
)
def test_both_halves_learn(tmp_path, settings):
    beside_torch.write_task(tmp_path, {**TINY, "learning_rate": 0.05, **settings}, 20)
    halves = {"keras": sys.executable, "torch": os.environ["RECSYS_TORCH"]}
    for name, python in halves.items():
        with beside_torch.Half(name, python, tmp_path, 1) as half:
            losses = [half.ask("epoch")["loss"] for _ in range(12)]
            if not settings.get("recurrent_dropout"):  # three units without some of them learn nothing so soon
                assert losses[-1] < losses[0]
            assert losses[0] == pytest.approx(np.log(2), abs=0.15)


# -- serving -----------------------------------------------------------------------------------------------------------


def test_invented_texts_are_as_long_as_asked():
    texts = serving.invent(4, 500)
    assert [len(text.split()) for text in texts.texts] == [500] * 4
    assert texts.texts == serving.invent(4, 500).texts
    assert texts.labels.tolist() == [0, 1, 0, 1]


def test_a_command_that_imports_tensorflow_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "run_child", lambda argv: Measure(1.0, 1.0, "neg\n['tensorflow', 'keras']\n"))
    with pytest.raises(RecsysError, match=r"imports .'tensorflow'"):
        serving.cold_seconds(tmp_path, 1)


def test_medians_and_the_largest_memory_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "run_child", lambda argv: Measure(1.0, 1.0, "neg\n[]\n"))
    runs = {"predict": [Measure(1.0, 90.0, ""), Measure(3.0, 80.0, ""), Measure(1.5, 80.0, "")]}
    monkeypatch.setattr(
        serving, "alternate", lambda commands, rounds: runs | {"import_tensorflow": [Measure(4, 1, "")]}
    )
    assert serving.cold_seconds(tmp_path, 3) == {
        "predict_seconds": 1.5,
        "import_tensorflow_seconds": 4,
        "predict_peak_memory_mb": 90.0,
    }
