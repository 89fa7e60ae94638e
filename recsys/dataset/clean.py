"""Check what was read, and drop what cannot be used: every rule with its count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.dataset.readers.cells import times
from recsys.dataset.readers.source import unreadable
from recsys.dataset.schema import ITEM, LAST_TIME, MICROSECOND, POSITION, RATING, TIME, UNREADABLE, USER, RawTables
from recsys.errors import InputError

Rule = dict[str, Any]

A_TIME = "epoch seconds or milliseconds, or an ISO date"

REPEATED = "repeated title of a user (the latest counts)"
"""The rule that `drop_repeated` writes down."""


@dataclass(frozen=True, eq=False)
class Events:
    """Hold one entry an interaction: `users` and `items` are codes from 0 (int32), the rest as in `Histories`.

    `microseconds` are what `times`, in seconds, leave out; None where that is nothing.
    """

    users: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    ratings: npt.NDArray[np.float32] | None = None
    times: npt.NDArray[np.int64] | None = None
    positions: npt.NDArray[np.int64] | None = None
    microseconds: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.users)

    def take(self, chosen: npt.NDArray[Any]) -> Events:
        """Return the events at these indices, or those that a mask marks."""
        columns = {name: values[chosen] for name, values in vars(self).items() if values is not None}
        return replace(self, **columns)


def collect_interactions(raw: RawTables) -> pl.DataFrame:
    """Read the rows, all of them and in file order; raises InputError that names the row which cannot be read."""
    try:
        frame = raw.interactions.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise _unreadable_row(raw, error) from error
    if frame.is_empty():
        raise InputError(f"{_file(raw)} has no rows.", "Give a table with at least one interaction.")
    if RATING in frame.columns:
        _refuse_first(raw, frame[RATING], ~frame[RATING].is_finite(), "a finite number")
    if TIME in frame.columns:
        moments = frame[TIME]
        _refuse_first(raw, moments, moments == UNREADABLE, A_TIME)
        _refuse_first(raw, moments, ~moments.is_between(0, LAST_TIME), "a time between 1970 and 2286")
    if POSITION in frame.columns:
        _refuse_first(raw, frame[POSITION], frame[POSITION] == UNREADABLE, "a whole number")
    return frame


def refuse_mixed_ids(raw: RawTables, frame: pl.DataFrame) -> None:
    """Raise InputError where most ids are whole numbers and some are not: a slip, unless the user says otherwise."""
    for column in (USER, ITEM):
        if frame[column].null_count() and frame[column].dtype != pl.String and raw.text is not None:
            figures = raw.text.select(pl.col(column).str.strip_chars().cast(pl.Float64, strict=False)).collect()
            fractions = frame[column].is_null() & figures.to_series().is_finite()
            _refuse_first(raw, frame[column], fractions, "a whole number or a text")
        if frame[column].dtype == pl.String:
            is_text = frame[column].cast(pl.Int64, strict=False).is_null() & frame[column].is_not_null()
            if 0 < is_text.sum() < len(frame) / 2:
                _refuse_first(raw, frame[column], is_text, "a whole number as the others are")


def drop_incomplete(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rule]]:
    """Drop rows that lack an id, or a time where the source has times."""
    rules: list[Rule] = []
    required = {(USER, ITEM): "no user or title id", (TIME,): "no timestamp", (POSITION,): "no position"}
    for columns, rule in required.items():
        has = [name for name in columns if name in frame.columns and frame[name].null_count()]
        if has:
            kept = frame.drop_nulls(has)
            rules.append({"rule": rule, "rows": len(frame) - len(kept)})
            frame = kept
    return frame, rules


def encode_ids(ids: pl.Series) -> tuple[pl.Series, npt.NDArray[np.int32]]:
    """Return the distinct ids, ascending, and each row's index among them."""
    if ids.dtype == pl.String:
        distinct = ids.unique().sort()
        return distinct, ids.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int32)
    values = ids.to_numpy()
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span > max(4 * len(values), 1 << 22):
        found, inverse = np.unique(values, return_inverse=True)
        return pl.Series(found), inverse.astype(np.int32)
    places = values - low  # a table of all possible ids is smaller than the rows: no sorting
    present = np.zeros(span, dtype=bool)
    present[places] = True
    codes = np.cumsum(present, dtype=np.int32) - 1
    return pl.Series(np.flatnonzero(present) + low), codes[places]


def drop_repeated(events: Events) -> tuple[Events, list[Rule]]:
    """Keep the latest event of each user and title; events must be in order, users together."""
    n_items = int(events.items.max(initial=0)) + 1
    pairs = events.users.astype(np.int64) * n_items + events.items
    ascending = bool((pairs[1:] >= pairs[:-1]).all())
    order = np.arange(len(pairs)) if ascending else np.argsort(pairs, kind="stable")
    sorted_pairs = pairs if ascending else pairs[order]
    last = np.append(sorted_pairs[1:] != sorted_pairs[:-1], True)
    if last.all():
        return events, []
    kept = events.take(np.sort(order[last]))
    earlier = np.flatnonzero(~last)
    identical = _count_identical(events.take(order[earlier]), events.take(order[earlier + 1]))
    return kept, [{"rule": REPEATED, "rows": len(events) - len(kept), "identical": identical}]


def _count_identical(events: Events, others: Events) -> int:
    """Count the events that are like their counterpart in every column: rows that were logged twice."""
    same = np.ones(len(events), dtype=bool)
    for name, values in vars(events).items():
        if values is not None:
            other = getattr(others, name)
            same &= (values == other) | ((values != values) & (other != other))  # NaN is like NaN
    return int(same.sum())


def k_core(events: Events, min_history: int, min_count: int) -> tuple[Events, list[Rule]]:
    """Drop users with fewer than `min_history` titles and titles with fewer than `min_count` users until none is left.

    The result does not depend on who is dropped first: it is the largest part of the table in which both hold.
    """
    short: Rule = {"rule": f"users with fewer than {min_history} titles", "rows": 0, "users": 0}
    rare: Rule = {"rule": f"titles with fewer than {min_count} users", "rows": 0, "titles": 0}
    if min_history == 1 and min_count == 1:
        return events, []
    while True:
        before = len(events)
        events, dropped, rows = _drop_rare(events, events.users, min_history)
        short["users"], short["rows"] = short["users"] + dropped, short["rows"] + rows
        events, dropped, rows = _drop_rare(events, events.items, min_count)
        rare["titles"], rare["rows"] = rare["titles"] + dropped, rare["rows"] + rows
        if len(events) == before:
            return events, [rule for rule in (short, rare) if rule["rows"]]


def _drop_rare(events: Events, codes: npt.NDArray[np.int32], least: int) -> tuple[Events, int, int]:
    counts = np.bincount(codes)
    rare = (counts > 0) & (counts < least)
    if not rare.any():
        return events, 0, 0
    return events.take(~rare[codes]), int(rare.sum()), int(counts[rare].sum())


def _refuse_first(raw: RawTables, values: pl.Series, bad: pl.Series, rule: str) -> None:
    """Raise InputError for the first row that is marked bad, if there is one; a missing mark is good."""
    bad = bad.fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        cell = values[row] if raw.text is None else raw.text.select(values.name).slice(row, 1).collect().item()
        raise _bad_cell(raw, values.name, rule, row + 1, cell)


def _unreadable_row(raw: RawTables, error: Exception) -> InputError:
    """Find the first cell that is no number where one belongs, or no time, and name it."""
    for target, rule in ((pl.Float64, "a number"), (pl.Int64, "a whole number")):
        for column, dtype in raw.interactions.collect_schema().items():
            if (
                raw.text is None
                or column == MICROSECOND
                or not dtype.is_numeric()
                or (target is pl.Int64 and not dtype.is_integer())
            ):
                continue
            cell = pl.col(column).str.strip_chars()
            wrong = cell.cast(target, strict=False).is_null()
            if column == TIME:
                wrong = times(column, pl.String()) == UNREADABLE
            bad = raw.text.with_row_index("row", offset=1).select("row", column).filter((cell != "") & wrong)
            try:
                found = bad.head(1).collect(engine="streaming")
            except pl.exceptions.PolarsError:
                return unreadable(_file(raw), error)
            if len(found):
                whole = A_TIME if column == TIME else "a whole number"
                return _bad_cell(raw, column, whole if dtype.is_integer() else rule, *found.row(0))
    return unreadable(_file(raw), error)


def _bad_cell(raw: RawTables, column: str, rule: str, row: int, cell: Any) -> InputError:
    remedy = {
        USER: "or pass --text-ids if the ids are texts.",
        ITEM: "or pass --text-ids if the ids are texts.",
        RATING: "leave the cell empty where a rating is missing, or give words their numbers with --rating-map.",
    }.get(column, "or choose another column.")
    own = raw.columns.get(column, column)
    return InputError(
        f"'{own}' must be {rule}, but row {row} of {_file(raw)} has '{cell}' (the header is not counted).",
        f"Correct the row, {remedy}",
    )


def _file(raw: RawTables) -> str:
    return raw.files[0].name if raw.files else "the frame"
