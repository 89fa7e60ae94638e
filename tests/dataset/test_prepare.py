from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Dataset, Order
from recsys.errors import InputError, UnknownIdError

Rows = list[tuple[int, int, int]]


def table(rows: Any, *names: str) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema=dict.fromkeys(names or ("user_id", "anime_id", "timestamp"), pl.Int64), orient="row"
    )


def reference(rows: Rows, min_history: int, min_count: int) -> dict[int, list[int]]:
    """Do in plain Python what prepare does: sort by time, keep the latest of each title, k-core."""
    latest: dict[tuple[int, int], tuple[int, int]] = {}
    for place, (user, item, time) in enumerate(rows):
        latest[user, item] = max(latest.get((user, item), (-1, -1)), (time, place))
    events = sorted((user, *when, item) for (user, item), when in latest.items())
    while True:
        users, items = Counter(event[0] for event in events), Counter(event[3] for event in events)
        kept = [one for one in events if users[one[0]] >= min_history and items[one[3]] >= min_count]
        if len(kept) == len(events):
            break
        events = kept
    return {user: [event[3] for event in events if event[0] == user] for user in sorted({one[0] for one in events})}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_prepare_agrees_with_a_plain_reference(rows: Rows, min_history: int, min_count: int) -> None:
    expected = reference(rows, min_history, min_count)
    if not expected:
        with pytest.raises(InputError, match=f"min_history={min_history} and min_count={min_count}"):
            prepare(table(rows), min_history=min_history, min_count=min_count)
        return
    data = prepare(table(rows), min_history=min_history, min_count=min_count)
    found = [data.items.decode(data.histories.of(row)).to_list() for row in range(data.histories.n_users)]
    assert dict(zip(data.users.ids.to_list(), found, strict=True)) == expected
    assert data.items.ids.to_list() == sorted({item for items in expected.values() for item in items})
    dropped = sum(rule["rows"] for rule in data.card["dropped"])
    assert data.card["counts"]["rows"] == len(rows) == data.histories.n_events + dropped


@given(st.lists(st.sampled_from(["a", "b", "ab", "é", "10", "9"]), min_size=1, max_size=20))
def test_text_ids_are_coded_in_ascending_order(users: list[str]) -> None:
    data = prepare(pl.DataFrame({"user_id": users, "anime_id": range(len(users))}), text_ids=True)
    assert data.users.ids.to_list() == sorted(set(users))
    assert Counter(users) == dict(zip(data.users.ids.to_list(), data.histories.lengths.tolist(), strict=True))


def test_ids_far_apart_are_coded_too() -> None:
    data = prepare(table([(10**15, 5, 1), (-3, 7, 1), (10**15, 7, 2)]))
    assert data.users.ids.to_list() == [-3, 10**15]
    assert data.items.decode(data.histories.items).to_list() == [7, 5, 7]


def test_ties_in_time_stay_in_file_order() -> None:
    data = prepare(table([(1, 9, 50), (2, 3, 1), (1, 4, 50), (1, 6, 50), (1, 5, 10)]))
    assert data.items.decode(data.histories.of(0)).to_list() == [5, 9, 4, 6]
    assert data.card["times"]["tied_share"] == 0.6
    assert data.card["order_reason"] == "sorted by timestamp, ties in file order"


def test_without_times_the_last_in_the_file_counts() -> None:
    frame = pl.DataFrame({"user_id": [1, 1, 1], "anime_id": [8, 4, 8], "rating": [1.0, 2.0, 3.0]})
    data = prepare(frame, order="listed")
    assert data.items.decode(data.histories.items).to_list() == [4, 8]
    assert data.histories.ratings.tolist() == [2.0, 3.0]  # type: ignore[union-attr]
    rule = "repeated title of a user (the latest counts)"
    assert data.card["dropped"] == [{"rule": rule, "rows": 1, "identical": 0}]


def test_rows_that_were_logged_twice_are_counted() -> None:
    rows = [(1, 8, 1.0, 50), (1, 8, 1.0, 50), (1, 8, 2.0, 50), (2, 8, None, 9), (2, 8, None, 9), (2, 4, 1.0, 9)]
    frame = pl.DataFrame(rows, schema=["user_id", "anime_id", "rating", "timestamp"], orient="row")
    dropped = prepare(frame).card["dropped"]
    assert [(rule["rows"], rule["identical"]) for rule in dropped] == [(3, 2)]


def test_k_core_is_iterated_and_told() -> None:
    rows = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3)]
    data = prepare(table(rows, "user_id", "anime_id"), min_history=2, min_count=2)
    assert data.users.ids.to_list() == [1, 2]  # 4 has one title; so title 3 has one user; so 3 has one title
    assert data.items.ids.to_list() == [1, 2]
    assert data.card["dropped"] == [
        {"rule": "users with fewer than 2 titles", "rows": 2, "users": 2},
        {"rule": "titles with fewer than 2 users", "rows": 1, "titles": 1},
    ]


def test_incomplete_rows_are_dropped_and_told() -> None:
    data = prepare(table([(1, 1, 1), (None, 1, 1), (1, None, 1), (2, 2, None)]))
    assert data.histories.n_events == 1
    assert data.card["dropped"] == [
        {"rule": "no user or title id", "rows": 2},
        {"rule": "no timestamp", "rows": 1},
    ]


ASCENDING = [(user, item) for user in range(4) for item in range(user, user + 4)]
TIMED = {"order": "time"}
LISTED = [(user, (7 * item) % 5) for user in range(4) for item in range(5)]


@pytest.mark.parametrize(
    ("rows", "wanted", "order", "reason"),
    [
        (ASCENDING, None, Order.NONE, "the rows merely ascend by title id inside 4 of the 4 users"),
        (ASCENDING, "listed", Order.LISTED, "set by the user, although the rows merely ascend"),
        (LISTED, None, Order.NONE, "the source does not say that its rows are in watch order"),
        (LISTED, Order.LISTED, Order.LISTED, "set by the user"),
    ],
)
def test_order_is_detected_or_set(rows: Any, wanted: Any, order: Order, reason: str) -> None:
    data = prepare(table(rows, "user_id", "anime_id"), order=wanted)
    assert data.order is order
    assert reason in data.card["order_reason"]


def test_a_wanted_order_leaves_the_other_one_aside() -> None:
    frame = table([(1, 5, 30, 2), (1, 4, 20, 3), (1, 6, 10, 1)], "user_id", "anime_id", "timestamp", "place")
    cases = [({}, [6, 4, 5]), ({"order": "listed"}, [5, 4, 6])]
    cases += [({"position_column": "place", **more}, found) for more, found in (({}, [6, 5, 4]), (TIMED, [6, 4, 5]))]
    for options, expected in cases:
        data = prepare(frame, **options)
        assert data.items.decode(data.histories.items).to_list() == expected


def test_order_of_timed_rows_can_be_set_to_none() -> None:
    assert prepare(table([(1, 2, 3)]), order="none").order is Order.NONE


def test_declared_positions_that_ascend_by_id_raise_a_doubt() -> None:
    frame = table([(user, item, item) for user, item in ASCENDING], "user_id", "anime_id", "position")
    data = prepare(frame, position_column="position")
    assert data.order is Order.LISTED
    assert "a watch order, or a file sorted by id?" in data.card["notes"][0]


def test_bad_arguments() -> None:
    frame = table([(1, 2)], "user_id", "anime_id")
    for options, message in (
        ({"min_history": 0}, "min_history must be a whole number from 1, got 0"),
        ({"min_count": -1}, "min_count must be a whole number from 1, got -1"),
        ({"order": "alphabet"}, r"There is no order 'alphabet'\. Known: time, listed, none"),
        ({"order": "time"}, "Order 'time' needs timestamps"),
        ({"min_history": 2}, "Nothing is left of 1 rows with min_history=2"),
    ):
        with pytest.raises(InputError, match=message):
            prepare(frame, **options)


def test_unwatched_titles_are_kept_on_demand(tmp_path: Path) -> None:
    pl.DataFrame({"anime_id": [9, 5, 1], "title": ["Nine", "Five", "One"]}).write_csv(tmp_path / "items.csv")
    frame = table([(1, 5), (2, 7)], "user_id", "anime_id")
    few = prepare(frame, items=tmp_path / "items.csv")
    assert few.items.ids.to_list() == [5, 7]
    everything = prepare(frame, items=tmp_path / "items.csv", keep_unwatched=True)
    assert everything.items.ids.to_list() == [1, 5, 7, 9]
    assert everything.catalogue.titles.to_list() == ["One", "Five", "title 7", "Nine"]
    assert everything.items.decode(everything.histories.items).to_list() == [5, 7]
    counts = everything.card["counts"]
    assert (counts["titles"], counts["titles_watched"], counts["titles_described"]) == (4, 2, 3)


def test_data_set_survives_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,anime_id,rating,timestamp\n1,2,,5\n1,3,8,4\n7,2,9,1\n", encoding="utf-8")
    data = prepare(path, name="mine")
    data.save(tmp_path / "prepared")
    card = json.loads((tmp_path / "prepared" / "card.json").read_text(encoding="utf-8"))
    assert card["sources"][0]["name"] == "log.csv"
    assert str(tmp_path) not in json.dumps(card)
    assert card == {"name": "mine", "order": "time", **data.card}
    again = Dataset.load(tmp_path / "prepared")
    assert again.histories.items.tolist() == data.histories.items.tolist()
    assert np.array_equal(again.histories.ratings, data.histories.ratings, equal_nan=True)  # type: ignore[arg-type]


def test_card_of_quantiles_and_ranges() -> None:
    rows = [(user, item, 86_400 * item) for user in range(1, 5) for item in range(1, user + 1)]
    card = prepare(table(rows)).card
    assert card["history_length"]["min"] == 1
    assert card["history_length"]["median"] == 2
    assert card["history_length"]["max"] == 4
    assert card["history_length"]["mean"] == 2.5
    assert card["users_per_title"]["max"] == 4
    assert card["ratings"] is None
    assert card["times"]["first"] == "1970-01-02T00:00:00+00:00"


def test_what_was_replaced_in_a_loaded_data_set_is_what_is_saved(tmp_path: Path) -> None:
    prepare(table([(1, 1, 5), (1, 2, 6)]), name="first").save(tmp_path / "a")
    again = replace(Dataset.load(tmp_path / "a"), order=Order.NONE, name="second")
    again.save(tmp_path / "b")
    assert (Dataset.load(tmp_path / "b").order, Dataset.load(tmp_path / "b").name) == (Order.NONE, "second")


def test_what_recsys_has_written_is_no_raw_data(small: Dataset, tmp_path: Path) -> None:
    folder = small.save(tmp_path / "prepared")
    for source in (folder, folder / "events.parquet"):
        with pytest.raises(InputError, match=r"is a folder that recsys has written \(.*Give the original files"):
            prepare(source)
    table([(1, 10, 1), (1, 11, 2)]).write_csv(folder / "mine.csv")
    assert prepare(folder / "mine.csv").histories.n_events == 2  # lies there, and is not of it


def test_folders_of_any_name_are_read_again(small: Dataset, tmp_path: Path) -> None:
    for name in ("anime [2024]", "what*", "who?"):
        folder = small.save(tmp_path / name / "prepared")
        assert Dataset.load(folder).histories.n_events == small.histories.n_events


def test_an_item_file_without_a_usable_id_is_refused(tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("anime_id,name\nten,Foo\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"is in the item file, which has no ids such as 10\."):
        prepare(table([(1, 10, 1)]), items=items)


def test_titles_that_nobody_watched_must_come_from_somewhere() -> None:
    with pytest.raises(InputError, match="keep_unwatched needs titles that nobody watched"):
        prepare(table([(1, 10, 1)]), keep_unwatched=True)


def test_histories_are_found_by_user_in_a_selection_too(small: Dataset) -> None:
    some = small.with_histories(small.histories.select(np.array([2, 4])))
    for row in (2, 4):
        user = small.users.ids[row]
        assert np.array_equal(some.histories_of([user]).items, small.histories.of(row))
    with pytest.raises(UnknownIdError, match="There is no user"):
        some.histories_of([small.users.ids[0]])
