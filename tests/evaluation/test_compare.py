from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats

from evaluation.certainty import holm
from evaluation.compare import compare, main, verdict
from evaluation.screen import comparison_markdown, comparison_table
from recsys.errors import InputError, RecsysError
from tests.evaluation.judged_data import write_judged

N_USERS = 120


def ranks_of(quality: float, seed: int):
    """Draw ranks that a better model has lower ones of; hard users are hard for all models."""
    hard = np.random.default_rng(0).random(N_USERS)
    luck = np.random.default_rng([seed, 1]).random(N_USERS)
    return [[int(rank)] for rank in 1 + 60 * hard * luck / quality]


@pytest.fixture
def three(tmp_path):
    return [
        write_judged(tmp_path, "lstm", {0: ranks_of(3, 0), 1: ranks_of(3, 1)}),
        write_judged(tmp_path, "als", {0: ranks_of(1, 2)}),
        write_judged(tmp_path, "bpr", {0: ranks_of(1.02, 3)}),
    ]


def gains(rows, k=10):
    return np.array([1 / np.log2(rank + 1) if rank <= k else 0.0 for [rank] in rows])


def test_a_comparison_by_hand(three):
    found = compare(three, ["ndcg@10"])
    lstm = (gains(ranks_of(3, 0)) + gains(ranks_of(3, 1))) / 2  # seeds are averaged for each user
    others = {"als": gains(ranks_of(1, 2)), "bpr": gains(ranks_of(1.02, 3))}
    p = [stats.ttest_rel(lstm, other).pvalue for other in others.values()]
    assert found.frame.columns == [
        *("metric", "a", "b", "mean_a", "mean_b", "difference", "low", "high", "p_t", "p_holm"),
        *("wins", "ties", "losses", "verdict"),
    ]
    assert found.frame["b"].to_list() == ["als", "bpr"]
    for row, (name, other), corrected in zip(found.frame.to_dicts(), others.items(), holm(p), strict=True):
        assert (row["metric"], row["a"], row["b"]) == ("ndcg@10", "lstm", name)
        assert row["mean_a"] == pytest.approx(lstm.mean())
        assert row["difference"] == pytest.approx((lstm - other).mean())
        assert row["low"] < row["difference"] < row["high"]
        assert row["p_holm"] == pytest.approx(corrected)
        assert row["wins"] == (lstm > other + 1e-9).sum()
        assert row["losses"] == (lstm < other - 1e-9).sum()
        assert row["wins"] + row["ties"] + row["losses"] == N_USERS
        assert row["verdict"] == "lstm is better"
    spread = found.spread.to_dicts()
    each = [gains(ranks_of(3, seed)).mean() for seed in (0, 1)]
    assert (spread[0]["model"], spread[0]["seeds"], spread[1]["seeds"], spread[1]["sd"]) == ("lstm", 2, 1, None)
    assert [spread[0][name] for name in ("mean", "sd", "min", "max")] == pytest.approx(
        [np.mean(each), np.std(each, ddof=1), min(each), max(each)]
    )


def test_no_winner_where_the_interval_contains_zero(three):
    [row] = compare(three[1:], ["recall@10"]).frame.to_dicts()
    assert row["low"] < 0 < row["high"]
    assert row["verdict"] == "no clear difference"
    assert verdict("a", "b", -0.1, -0.01, 0.04) == "b is better"
    assert verdict("a", "b", 0.0, 0.1, 0.001) == "no clear difference"
    assert verdict("a", "b", -0.1, 1e-15, 0.001) == "no clear difference"  # rounding is no evidence
    assert verdict("a", "b", 0.01, 0.1, 0.06) == "no clear difference"  # among many pairs one will look clear


def test_the_reference_and_all_pairs(three):
    pairs = [
        compare(three, ["mrr"], **words).frame.select("a", "b").rows()
        for words in ({}, {"reference": "bpr"}, {"reference": "tiny--bpr"}, {"reference": "best"}, {"all_pairs": True})
    ]
    assert pairs[0] == [("lstm", "als"), ("lstm", "bpr")] == pairs[3]
    assert pairs[1] == [("bpr", "lstm"), ("bpr", "als")] == pairs[2]
    assert pairs[4] == [("lstm", "als"), ("lstm", "bpr"), ("als", "bpr")]
    best_last = compare(three[::-1], ["mrr"], reference="best").frame
    assert set(best_last["a"]) == {"lstm"}


def test_holm_corrects_the_pairs_of_each_metric(three):
    frame = compare(three, ["recall@10", "ndcg@10"], all_pairs=True).frame
    for metric in ("recall@10", "ndcg@10"):
        rows = frame.filter(pl.col("metric") == metric)
        assert len(rows) == 3
        np.testing.assert_allclose(rows["p_holm"], holm(rows["p_t"].to_numpy()))


def test_names_without_a_cutoff_are_taken_at_all(three):
    assert compare(three[:2], cutoffs=[5, 10]).frame["metric"].to_list() == [
        *("recall@5", "recall@10", "ndcg@5", "ndcg@10")
    ]


@pytest.mark.parametrize(
    "words, message",
    [
        ({"metrics": ["rekall@10"]}, "There is no metric 'rekall'"),
        ({"metrics": ["coverage@10"]}, "'coverage@10' is not told by the ranks"),
        ({"metrics": []}, "At least one metric is needed"),
        ({"reference": "svd"}, "The reference must be one of the results, got 'svd'. Given: lstm, als, bpr; or: best."),
        ({"seed": -1}, "A seed must be at least 0 and samples at least 1, got -1 and 1000"),
        ({"reference": "als", "all_pairs": True}, "All pairs have no reference, got 'als'"),
    ],
)
def test_wrong_questions_are_refused(three, words, message):
    with pytest.raises(RecsysError, match=message):
        compare(three, **words)


def test_lists_that_end_early_are_told(tmp_path):
    paths = [
        write_judged(tmp_path, "peer", {0: [[1], [None], [20]]}),
        write_judged(tmp_path, "lstm", {0: [[1], [70], [20]]}),
    ]
    assert compare(paths, ["recall@20"]).notes == ()
    [note] = compare(paths, ["recall@20", "recall@50", "mrr"]).notes
    assert note.startswith("peer ranked no target beyond 20")
    assert note.endswith("recall@50, mrr.")


def test_a_winner_whose_seeds_reach_down_to_the_other_is_told(tmp_path):
    good = [[1] for _ in range(80)]
    bad = [[1] for _ in range(20)] + [[30] for _ in range(60)]
    paths = [
        write_judged(tmp_path, "lstm", {0: good, 1: bad}),  # one lucky and one unlucky training
        write_judged(tmp_path, "als", {0: [*bad[:-1], [1]]}),
    ]
    found = compare(paths, ["recall@10"])
    assert found.frame["verdict"].to_list() == ["lstm is better"]
    [note] = found.notes
    assert note.startswith("recall@10: a seed of lstm gave 0.2500 only, one of als 0.2625")


@settings(max_examples=20)
@given(st.data())
def test_turned_around_it_says_the_same(data):
    n_users = data.draw(st.integers(1, 12))
    rank = st.one_of(st.none(), st.integers(1, 15))
    lists = st.lists(st.tuples(rank), min_size=n_users, max_size=n_users)
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            write_judged(Path(folder), name, dict(enumerate(data.draw(st.lists(lists, min_size=1, max_size=2)))))
            for name in ("one", "two")
        ]
        [there] = compare(paths, ["ndcg@10"], samples=50).frame.to_dicts()
        [back] = compare(paths[::-1], ["ndcg@10"], samples=50).frame.to_dicts()
    assert there["difference"] == pytest.approx(-back["difference"], abs=1e-12)
    assert (there["low"], there["high"]) == pytest.approx((-back["high"], -back["low"]), abs=1e-12)
    assert there["p_t"] == pytest.approx(back["p_t"])
    assert (there["wins"], there["ties"], there["losses"]) == (back["losses"], back["ties"], back["wins"])
    assert there["wins"] + there["ties"] + there["losses"] == n_users
    assert there["verdict"] == back["verdict"]
    if there["low"] <= 0 <= there["high"]:
        assert there["verdict"] == "no clear difference"


# -- what is shown and written -----------------------------------------------------------------------------------------


def test_the_table_names_winners_only_where_they_are_clear(three):
    stream = io.StringIO()
    Console(width=120, file=stream, highlight=False).print(comparison_table(compare(three, ["ndcg@10"])))
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith(
        "Tiny: leave-last-1-out, test part, 120 users, 1,000 titles ranked, seen ones excluded, test set abababababab"
    )
    assert lines[2].startswith("ndcg@10: lstm 0.")
    assert lines[3].startswith("als 0.")
    assert lines[3].rstrip().endswith("lstm better")
    assert "Over the seeds of the training" in stream.getvalue()
    stream = io.StringIO()
    Console(width=120, file=stream, highlight=False).print(comparison_table(compare(three[1:], ["ndcg@10"])))
    assert "no clear difference" in stream.getvalue()
    assert not [line for line in stream.getvalue().splitlines() if line.rstrip().endswith(" better")]
    assert "seeds" not in stream.getvalue()


def test_markdown_has_a_row_a_pair(three):
    text = comparison_markdown(compare(three, ["ndcg@10", "mrr"]))
    rows = [line for line in text.splitlines() if line.startswith("| ndcg@10 | lstm 0.")]
    assert len(rows) == 2
    assert rows[0].endswith("| lstm better |")
    assert "| metric | model | against | difference (95 %) | p |" in text


def test_json_holds_everything(three, tmp_path):
    found = compare(three, ["ndcg@10"], seed=4)
    path = found.write_json(tmp_path / "out" / "comparison.json")
    told = json.loads(path.read_text())
    assert told["differences"] == found.frame.to_dicts()
    assert told["seeds"] == found.spread.to_dicts()
    assert (told["split_sha256"], told["seed"], told["samples"], told["level"]) == ("ab" * 32, 4, 1000, 0.95)
    assert list(told["files"]) == ["lstm", "als", "bpr"]
    with pytest.raises(RecsysError, match="exists already"):
        found.write_json(path)


def test_the_command_line(three, tmp_path, capsys):
    words = ["tiny--lstm", "tiny--als", "--results", str(tmp_path), "--metric", "mrr", "--metric", "recall", "-k", "5"]
    assert main([*words, "--json", str(tmp_path / "x.json")]) == 0
    assert "recall@5" in capsys.readouterr().out
    assert json.loads((tmp_path / "x.json").read_text())["differences"][0]["metric"] == "mrr"
    assert main([*words, "--markdown"]) == 0
    assert "| mrr | lstm" in capsys.readouterr().out
    assert main([*words, "--json", str(three[0]), "--markdown"]) == 2  # would replace a result
    told = capsys.readouterr()
    assert told.out == ""
    assert "exists already" in told.err
    assert main([*words, "--reference", "svd"]) == 2
    assert capsys.readouterr().err.startswith("Error: The reference must be one of the results, got 'svd'.\n")


def test_only_errors_of_ours_are_told(three, monkeypatch):
    def bug(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("evaluation.compare.compare", bug)
    with pytest.raises(ZeroDivisionError):
        main([str(path) for path in three])


def test_compare_refuses_one_result(three):
    with pytest.raises(InputError, match="At least 2"):
        compare(three[:1])
