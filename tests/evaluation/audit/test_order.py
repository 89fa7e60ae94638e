from __future__ import annotations

import numpy as np
import pytest

from evaluation.audit.findings import Severity
from evaluation.audit.order import check_order, id_places
from recsys.dataset.prepared import Order
from recsys.dataset.vocabulary import Vocabulary
from tests.evaluation.audit.audit_data import DAY, START, chain_rows, dataset, random_rows, times_apart


def finding(data, name):
    found, _, _ = check_order(data)
    return next(one for one in found if one.name == name)


@pytest.mark.parametrize("order", [Order.LISTED, Order.NONE])
def test_rows_sorted_by_id_are_recognised(order) -> None:
    data = dataset([sorted(row) for row in random_rows()], order=order)
    found, _, verdict = check_order(data)
    ascending = next(one for one in found if one.name == "ascending ids")
    assert ascending.severity is Severity.WARNING
    assert ascending.values["share"] == 1.0
    assert ascending.values["ascending_users"] == ascending.values["of_users"] == 60
    assert verdict.sorted_by_id
    assert ("Keep --order none" if order is Order.NONE else "--order none unless") in ascending.action


def test_rows_sorted_downwards_are_recognised_too() -> None:
    data = dataset([sorted(row, reverse=True) for row in random_rows()])
    assert finding(data, "ascending ids").severity is Severity.WARNING


def test_a_random_order_is_left_alone() -> None:
    found, series, verdict = check_order(dataset(random_rows(n_users=200)))
    ascending = next(one for one in found if one.name == "ascending ids")
    assert ascending.severity is Severity.INFO
    assert abs(ascending.values["share"] - 0.5) < 3 * ascending.values["deviation"]
    assert not verdict.sorted_by_id
    assert sum(series["ascending"]["found"]["counts"]) == sum(series["ascending"]["shuffled"]["counts"]) == 200


def test_the_deviation_of_a_shuffled_order_is_the_one_that_is_simulated() -> None:
    rows = random_rows(n_users=30, length=9)
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(300):
        up = [np.diff(rng.permutation(row)) > 0 for row in rows]
        shares.append(np.concatenate(up).mean())
    expected = finding(dataset(rows), "ascending ids").values["deviation"]
    assert np.std(shares) == pytest.approx(expected, rel=0.15)


def test_a_single_short_history_is_no_proof_of_anything() -> None:
    assert finding(dataset([[0, 1, 2]]), "ascending ids").severity is Severity.INFO
    assert finding(dataset([[0], [1]]), "ascending ids").shown == "no user has two events"


def test_text_ids_that_are_numbers_ascend_as_numbers() -> None:
    assert id_places(Vocabulary(["10", "9", "100"])).tolist() == [0, 0, 3, 2, 4]
    assert id_places(Vocabulary(["b", "9", "a"])).tolist() == [0, 0, 4, 2, 3]


def test_missing_times_are_told() -> None:
    assert finding(dataset(random_rows()), "timestamps").severity is Severity.NOTICE


def test_tied_times_and_ids_that_ascend_in_them() -> None:
    rows = [sorted(row[:6]) + sorted(row[6:]) for row in random_rows()]
    times = [[START] * 6 + [START + 40 * DAY] * 6 for _ in rows]
    found, _, _ = check_order(dataset(rows, times=times))
    by_name = {one.name: one for one in found}
    assert by_name["tied timestamps"].severity is Severity.WARNING
    assert by_name["tied timestamps"].values["share"] == 1.0
    assert by_name["tied timestamps"].values["last_event_share"] == 1.0
    assert by_name["order inside ties"].severity is Severity.WARNING
    assert by_name["order inside ties"].values["share"] == 1.0


def test_the_share_of_ties_by_hand() -> None:
    data = dataset([[0, 1, 2], [3, 4]], times=[[10, 10, 20], [10, 11]])
    tied = finding(data, "tied timestamps").values
    assert (tied["share"], tied["last_event_share"]) == (0.4, 0.0)


def test_times_that_are_whole_days_are_told() -> None:
    rows = random_rows()
    data = dataset(rows, times=[[DAY * (9 + place) for place in range(len(row))] for row in rows])
    assert "whole to a day" in finding(data, "tied timestamps").shown
    assert finding(data, "one sitting").values["events_within_10_minutes"] is None


def test_histories_that_were_entered_in_one_sitting_are_found() -> None:
    rows = random_rows()
    found, series, verdict = check_order(dataset(rows, times=times_apart(rows, 30, apart=DAY)))
    sitting = next(one for one in found if one.name == "one sitting")
    assert sitting.severity is Severity.WARNING
    assert sitting.values == {
        "users_within_a_day": 1.0,
        "events_within_10_minutes": 1.0,
        "median_span_days": pytest.approx(11 * 30 / DAY, abs=1e-3),
        "of_users": 60,
    }
    assert verdict.one_sitting
    assert sum(series["gaps"]["counts"]) == 60 * 11


def test_histories_that_grew_over_weeks_are_left_alone() -> None:
    rows = chain_rows(n_users=20)
    found, _, verdict = check_order(dataset(rows, times=times_apart(rows, 3 * DAY)))
    assert next(one for one in found if one.name == "one sitting").severity is Severity.INFO
    assert not verdict.one_sitting


def test_times_are_sorted_before_gaps_are_taken() -> None:
    data = dataset([[0, 1, 2]], times=[[9 * DAY, 0, 4 * DAY]], order=Order.LISTED)
    assert finding(data, "one sitting").values["median_span_days"] == 9.0
