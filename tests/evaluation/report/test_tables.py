from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation.report import make_tables, read_tables, verdict
from evaluation.report.markdown import tables_markdown
from evaluation.result_files import read_result
from recsys.errors import InputError
from tests.evaluation.judged_data import write_judged

N_USERS = 16


def places(step=0, users=N_USERS):
    """Give users ranks from 1 on, all over the first ten, moved back by some places."""
    return [[1 + user % 8 + step] for user in range(users)]


def shuffled(step, seed=0):
    return np.random.default_rng(seed).permutation(places(step)).tolist()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


def only_table(folder):
    [table] = read_tables(folder)
    return table


def test_what_separate_intervals_hide_a_paired_comparison_finds(folder):
    write_judged(folder, "lstm", {0: places()})
    write_judged(folder, "als", {0: places(1)})
    table = only_table(folder)
    assert table.winner("ndcg@10") == "lstm"
    gap = table.gaps["ndcg@10", "lstm", "als"]
    assert 0 < gap.low < gap.value < gap.high
    text = tables_markdown([table])
    assert text.count("**0.") == 1  # all targets are among the first ten: recall@10 is the same
    assert "lstm leads in NDCG@10: 0.494, which is 0.087" in verdict(table)
    assert verdict(table).endswith("above als.")


def test_the_same_values_for_other_users_make_no_winner(folder):
    write_judged(folder, "lstm", {0: places()})
    write_judged(folder, "als", {0: shuffled(1)})
    table = only_table(folder)
    assert table.winner("ndcg@10") is None
    assert verdict(table).startswith("No clear difference in NDCG@10 between lstm (0.494")
    assert "**0." not in tables_markdown([table])


def test_a_baseline_that_beats_the_lstm_is_named(folder):
    write_judged(folder, "lstm", {0: places(2)})
    write_judged(folder, "ease", {0: places()})
    assert verdict(only_table(folder)).endswith("above the LSTM.")
    write_judged(folder, "als", {0: places(1)})
    write_judged(folder, "popularity", {0: [[None]] * N_USERS})
    said = verdict(only_table(folder))
    assert said.startswith("ease leads in NDCG@10")
    assert "The LSTM is beaten by ease by 0.130" in said
    assert ") and als by 0." in said
    assert "popularity" not in said


def test_many_that_beat_the_lstm_are_named_without_numbers(folder):
    for step, model in enumerate(["ease", "als", "slim", "knn", "lstm"]):
        write_judged(folder, model, {0: places(step)})
    said = verdict(only_table(folder))
    assert said.count("(95 %") == 1 + 3
    assert said.endswith("and knn.")


def test_what_a_file_does_not_say_its_ranks_do(folder):
    write_judged(folder, "lstm", {0: places()}, metrics=["recall@5"])
    write_judged(folder, "als", {0: [[None]] * N_USERS}, metrics=["recall@5"])
    table = only_table(folder)
    lstm, als = table.entries
    found = lstm.metric("ndcg@10")
    assert found.value == pytest.approx(0.494, abs=1e-3)
    assert found.low < found.value < found.high
    assert als.metric("ndcg@10") is None  # its lists may have ended anywhere
    assert lstm.metric("coverage@10") is None
    assert lstm.metric("mrr") is None
    assert "| NDCG@10 |" in tables_markdown([table])


def test_a_single_row_is_no_winner(folder):
    write_judged(folder, "lstm", {0: places()})
    table = only_table(folder)
    assert table.winner("ndcg@10") is None
    assert verdict(table).startswith("lstm was judged alone: NDCG@10 0.494")


def test_seeds_are_averaged_for_each_user(folder):
    write_judged(folder, "lstm", {0: places(), 1: places(2)})
    write_judged(folder, "als", {0: places(1)})
    table = only_table(folder)
    lstm = next(entry for entry in table.entries if entry.label == "lstm")
    assert lstm.sd("ndcg@10") > 0
    assert table.entries[1].sd("ndcg@10") is None
    assert f"±{lstm.sd('ndcg@10'):.3f}" in tables_markdown([table])


def test_rows_without_ranks_are_compared_by_their_intervals(folder):
    for model, value in (("lstm", 0.3), ("als", 0.2), ("bpr", 0.19)):
        path = write_judged(folder, model, {0: places()})
        result = json.loads(path.read_text())
        bounds = {"value": value, "low": value - 0.01, "high": value + 0.01}
        for name in ("data_title", "serve_seconds", "seed_values", "training"):
            del result[name]  # as version 0.1 wrote it
        path.write_text(json.dumps(result | {"metrics": {"ndcg@10": bounds}}))
        (folder / "ranks" / f"{path.stem}.parquet").unlink()
    table = only_table(folder)
    assert table.winner("ndcg@10") == "lstm"
    assert table.gaps["ndcg@10", "lstm", "als"] == pytest.approx((0.1, 0.08, 0.12))
    assert "The ranks of all rows are missing" in verdict(table)
    assert not table.ranked


def test_ranks_of_another_run_are_refused(folder):
    path = write_judged(folder, "lstm", {0: places()})
    write_judged(folder, "als", {0: places(1)})
    (folder / "ranks" / "tiny--als.parquet").replace(folder / "ranks" / f"{path.stem}.parquet")
    write_judged(folder, "als", {0: places(1)})
    with pytest.raises(InputError, match="are not of one run"):
        verdict(only_table(folder))


def test_rows_of_other_users_are_refused(folder):
    write_judged(folder, "lstm", {0: places()})
    write_judged(folder, "als", {0: places(users=15)})
    with pytest.raises(InputError, match=r"tiny differ in n_users \(15, 16\)"):
        read_tables(folder)


def test_two_files_of_one_model_go_by_their_names(folder):
    path = write_judged(folder, "lstm", {0: places()})
    for place in (path, folder / "ranks" / f"{path.stem}.parquet"):
        place.with_stem("tiny--lstm-again").write_bytes(place.read_bytes())
    assert {entry.label for entry in only_table(folder).entries} == {"tiny--lstm", "tiny--lstm-again"}


def test_a_table_says_how_it_was_judged(folder):
    path = write_judged(folder, "lstm", {0: places()}, candidates="50 titles, sha256 ab", seen="ranked")
    [table] = make_tables([(read_result(path), path)])
    assert table.about == (
        "16 test users, 1,000 titles ranked (50 titles, sha256 ab), seen ones too, leave-last-1-out, "
        "test set `abababababab`"
    )
    assert table.title == "Tiny"


@pytest.mark.parametrize(
    "name, message",
    [("nowhere", "it does not exist"), ("file", "it is a file"), ("empty", "holds no result files")],
)
def test_a_folder_without_results_is_refused(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=message):
        read_tables(tmp_path / name)


def test_data_sets_are_chosen_by_name(folder):
    write_judged(folder, "lstm", {0: places()})
    write_judged(folder, "lstm", {0: places()}, data="other")
    assert [table.data for table in read_tables(folder)] == ["other", "tiny"]
    assert [table.data for table in read_tables(folder, ["tiny"])] == ["tiny"]
    with pytest.raises(InputError, match=r"no results of 'tinny'.* There: other, tiny\."):
        read_tables(folder, ["tinny"])
