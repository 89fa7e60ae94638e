from __future__ import annotations

import json

import numpy as np

import evaluation.benchmarks.export as benchmark
from evaluation.benchmarks.measure import Measure


def test_usual_histories_are_short_and_the_worst_fill_the_window():
    kinds = benchmark.history_kinds(2_000, 5_000)
    assert np.median(kinds["usual"]) < kinds["usual"].mean()
    assert kinds["usual"].mean() == benchmark.MEAN_LENGTH
    assert set(kinds["worst"]) == {benchmark.WINDOW}


def test_the_data_set_has_these_lengths_and_the_same_seed_gives_the_same():
    lengths = np.array([3, 1, 7])
    data, again = (benchmark.make_dataset(lengths, 50, seed=4) for _ in range(2))
    assert data.histories.lengths.tolist() == [3, 1, 7]
    assert data.histories.items.min() >= 2
    assert data.histories.items.max() < data.n_codes == 52
    assert np.array_equal(data.histories.items, again.histories.items)
    assert data.catalogue.frame.equals(again.catalogue.frame)


def test_the_result_file_has_speed_and_memory_against_the_bars(tmp_path, monkeypatch):
    commands = []

    def pretend(argv):
        commands.append(argv)
        return Measure(seconds=0.02, peak_memory_mb=300.0, stdout="")

    monkeypatch.setattr(benchmark, "save_model", lambda folder, data: folder)
    monkeypatch.setattr(benchmark, "run_child", pretend)
    assert benchmark.main(["--users", "100", "--titles", "500", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "export.json").read_text())
    assert [argv[1:4] for argv in commands] == [["-m", "recsys", "export"]] * 2
    assert result["measures"]["worst"]["n_events"] == 100 * benchmark.WINDOW
    assert result["measures"]["usual"]["users_per_second"] == 5000
    assert result["ratios"] == {"users a second / 2500": 2.0, "peak memory / 1500 MB": 0.2}
    assert result["command"] == "python -m evaluation.benchmarks.export --users 100 --titles 500 -k 10"
