from __future__ import annotations

import sys

from evaluation.benchmarks.cold_start import _synthetic, alternate, commands, summarise
from evaluation.benchmarks.measure import Measure
from recsys.models.popularity import PopularityRecommender


def test_medians_are_compared():
    runs = {
        "recommend": [Measure(seconds, 50, "") for seconds in (1.0, 9.0, 2.0)],
        "import tensorflow": [Measure(seconds, 500, "") for seconds in (4.0, 8.0, 5.0)],
    }
    measures, ratios = summarise(runs)
    assert ratios == {"recommend / import tensorflow": 0.4}
    assert measures["recommend"] == {"seconds": 2.0, "peak_memory_mb": 50, "runs": [1.0, 9.0, 2.0]}


def test_commands_take_turns_and_the_first_round_does_not_count(tmp_path):
    log = tmp_path / "log"
    write = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    timed = {name: [sys.executable, "-I", "-c", write, str(log), name] for name in "ab"}
    runs = alternate(timed, rounds=2)
    assert log.read_text() == "ababab"
    assert [len(of_one) for of_one in runs.values()] == [2, 2]


def test_a_known_user_is_asked_for(tmp_path):
    data = _synthetic(5, 9, 4)
    assert all(len(set(data.histories.of(user).tolist())) == 4 for user in range(5))
    folder = PopularityRecommender().fit(data).save(tmp_path / "model")
    found = commands(folder)
    assert found["recommend"][-6:] == ["recommend", str(folder), "--user", "1", "-k", "10"]
    assert found["help"][-1] == "--help"
