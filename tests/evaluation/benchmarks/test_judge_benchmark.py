from __future__ import annotations

import json

import numpy as np

from evaluation.benchmarks.judge import last_out, main
from recsys.dataset.histories import Histories


def test_the_judge_is_measured(tmp_path, capsys):
    assert main(["--users", "40", "--titles", "80", "--rounds", "1", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "judge.json").read_text(encoding="utf-8"))
    assert set(result["ratios"]) == {"accuracy / scoring", "lists / scoring"}
    assert result["measures"]["users"] == 40
    assert "→" in capsys.readouterr().out


def test_the_target_is_not_among_what_is_shown():
    holdout = last_out(Histories.from_lists([[2, 3, 2], [4], [5, 6]]))
    assert holdout.targets.items.tolist() == [2, 4, 6]
    assert np.array_equal(holdout.inputs.lengths, [1, 0, 1])
