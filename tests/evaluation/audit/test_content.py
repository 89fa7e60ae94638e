from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.audit.content import check_content, history_hashes
from evaluation.audit.drift import check_drift, divergence
from evaluation.audit.findings import Severity, length_edges
from evaluation.metrics.catalogue import gini_of
from recsys.dataset.prepare import prepare
from tests.evaluation.audit.audit_data import DAY, START, dataset, random_rows, times_apart


def finding(data, name, check=check_content):
    return next(one for one in check(data)[0] if one.name == name)


def test_repeated_rows_are_told_from_the_card() -> None:
    rows = [(1, 8, 50), (1, 8, 50), (1, 8, 60), (2, 8, 9), (2, 4, 9)]
    data = prepare(pl.DataFrame(rows, schema=["user_id", "anime_id", "timestamp"], orient="row"))
    duplicates = finding(data, "duplicates")
    assert duplicates.values == {"dropped": 2, "identical": 1, "remaining": 0, "share": 0.4}
    assert duplicates.severity is Severity.NOTICE


def test_repeats_that_are_still_there_are_a_warning() -> None:
    duplicates = finding(dataset([[0, 1, 0], [1, 0]]), "duplicates")
    assert duplicates.severity is Severity.WARNING
    assert duplicates.values["remaining"] == 1


def test_copied_accounts_are_found_whatever_their_order() -> None:
    rows = random_rows()
    assert finding(dataset(rows), "identical histories").severity is Severity.INFO
    copied = finding(dataset([*rows, rows[0][::-1]]), "identical histories")
    assert copied.values["users"] == 2
    assert copied.severity is Severity.NOTICE


def test_hashes_tell_sets_apart() -> None:
    data = dataset([[0, 1, 2], [2, 1, 0], [0, 1, 3], [], [3]])
    first, second, third, empty, last = history_hashes(data.histories, data.n_codes)
    assert first == second
    assert len({int(one) for one in (first, third, empty, last)}) == 4


def test_ratings_of_minus_one_are_suspected() -> None:
    ratings = [-1.0, 8.0, 7.0, -1.0, 9.0, np.nan]
    data = dataset([[0, 1, 2], [0, 1, 2]], ratings=ratings)
    stand_in = finding(data, "rating stand-ins")
    assert stand_in.severity is Severity.WARNING
    assert stand_in.values["count"] == 2
    assert "--unrated -1" in stand_in.action
    assert finding(data, "ratings").values["missing_share"] == pytest.approx(1 / 6, abs=1e-4)


def test_users_who_rate_nothing_are_counted() -> None:
    data = dataset([[0, 1], [0, 1]], ratings=[np.nan, np.nan, 5.0, 6.0])
    assert finding(data, "ratings").values["users_without"] == 1
    assert finding(dataset([[0], [1]], ratings=[np.nan, np.nan]), "ratings").shown == "all missing"


def test_popularity_by_hand() -> None:
    rows = [[0]] * 90 + [[item] for item in range(1, 10)]
    popularity = finding(dataset(rows), "popularity")
    assert popularity.values["top_10_percent"] == pytest.approx(90 / 99, abs=1e-4)
    assert popularity.severity is Severity.NOTICE


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference(values) -> None:
    x = np.array(values)
    expected = np.abs(x[:, None] - x).mean() / (2 * x.mean()) if x.sum() else 0.0
    assert gini_of(x) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 5000))
def test_every_length_lies_in_a_bin(longest) -> None:
    edges = length_edges(longest)
    assert edges[0] < 1
    assert edges[-1] > longest
    assert (np.diff(edges) > 0).all()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8))
def test_divergence_is_symmetric_and_between_0_and_1(pairs) -> None:
    p, q = np.array(pairs).T + 1
    assert divergence(p, q) == pytest.approx(divergence(q, p), abs=1e-12)
    assert 0 <= divergence(p, q) <= 1
    assert divergence(p, 3 * p) == pytest.approx(0, abs=1e-12)


def test_other_titles_become_popular() -> None:
    early, late = random_rows(n_users=60, n_items=20), random_rows(n_users=60, n_items=20, seed=1)
    rows = early + [[item + 20 for item in row] for row in late]
    data = dataset(rows, times=times_apart(rows, 60, apart=DAY))
    drift = finding(data, "drift of popularity", check_drift)
    assert drift.severity is Severity.NOTICE
    assert drift.values["divergence"] == 1.0
    assert drift.values["by_chance"] < 0.7
    new = finding(data, "new titles and people", check_drift)
    assert new.values["events_on_new_titles"] == 0.0  # they were new before the last fifth
    assert new.values["new_people"] > 0.9


def test_what_does_not_change_is_no_drift() -> None:
    rows = random_rows(n_users=200)
    data = dataset(rows, times=times_apart(rows, DAY, apart=60))
    assert finding(data, "drift of popularity", check_drift).severity is Severity.INFO


def test_the_timeline_counts_every_event_and_title_once() -> None:
    rows = random_rows()
    _, series = check_drift(dataset(rows, times=times_apart(rows, 40 * DAY)))
    line = series["timeline"]
    assert sum(line["events"]) == 60 * 12
    assert sum(line["new_titles"]) == len({item for row in rows for item in row})
    assert len(line["starts"]) == len(line["events"])
    assert line["starts"][0] <= str(np.datetime64(START, "s"))[:10]


def test_without_times_there_is_no_drift_to_see() -> None:
    assert check_drift(dataset(random_rows())) == ([], {})
