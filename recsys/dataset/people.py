"""Histories of people outside the data: from titles as they type them, or from a file of their own."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.readers.cells import DATES
from recsys.dataset.readers.source import Table
from recsys.dataset.titles import AmbiguousTitleError, TitleIndex
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError, UnknownIdError

COLUMNS = {
    "anime_id": ("anime_id", "id"),
    "title": ("title", "name"),
    "rating": ("rating", "user_rating", "score"),
    "timestamp": ("timestamp", "time", "date"),
}
"""What a history file may hold, and the names that its columns may have in any case."""

NO_RATING = (0.0, -1.0)
"""Ratings that stand for "watched, not rated" where the data has none as low."""
MILLISECONDS = 100_000_000_000
"""From here on an epoch number counts milliseconds: as seconds it would be the year 5138."""
EPOCH, MICROSECONDS = datetime(1970, 1, 1, tzinfo=UTC), 10**6


@dataclass(frozen=True)
class Person:
    """Hold one person's history, and say which rows of their file the data does not know."""

    histories: Histories
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Event:
    code: int
    rating: float
    time: int | None
    """Microseconds since 1970: their order within a second is the order of watching."""


def person_of_titles(data: Dataset, titles: Sequence[str]) -> Person:
    """Return the history of somebody who watched these titles, the last one most recently."""
    if not titles:
        raise InputError("A person needs at least 1 title, got none.", 'For example: --titles "Cowboy Bebop".')
    index = TitleIndex(data.catalogue)
    return Person(_histories([_Event(index.find(str(title)), math.nan, None) for title in titles]))


def read_person(path: str | Path, data: Dataset) -> Person:
    """Read a history file: `anime_id` or `title`, and where there are such columns `rating` and `timestamp`.

    A .txt file may hold a title a line instead, and any file may be gzipped.
    The rows are in watch order unless they have timestamps (epoch seconds or milliseconds, ISO dates, 20200131).
    Commas, tabs or semicolons separate; a rating that is empty is missing,
    and 0 or -1 where the data has none as low. Titles that the data does not know
    are left out; when none is known that is an error, as is a value that cannot be read (InputError with its row).
    """
    path = Path(path)
    index = TitleIndex(data.catalogue)
    lowest, highest, missing = _scale(data)
    events: list[_Event] = []
    left_out: list[str] = []
    for place, row in _rows(path):
        code, shown = _find(row, data, index, place)
        if code < FIRST:
            left_out.append(f"{shown} (row {place.row})")
            continue
        events.append(_Event(code, _rating(row.get("rating", ""), lowest, highest, missing, place), _time(row, place)))
    if not events:
        reason = f"none of its {len(left_out)} titles is known here" if left_out else "it has no rows"
        raise InputError(f"{path} gives no history: {reason}.", "Give titles of the data that the model was fitted on.")
    return Person(_histories(events, rated=math.isfinite(highest)), tuple(left_out))


def _scale(data: Dataset) -> tuple[float, float, tuple[float, ...]]:
    """Return between what a rating may lie, and what stands for none.

    From 0, or less where the data has less, to the data's highest one; both are infinite where it has no ratings. 0 and
    -1 stand for none where they lie below the data's lowest one.
    """
    ratings = data.histories.ratings
    if ratings is None or np.isnan(ratings).all():
        return -math.inf, math.inf, NO_RATING
    lowest = float(np.nanmin(ratings))
    return min(0.0, lowest), float(np.nanmax(ratings)), tuple(one for one in NO_RATING if one < lowest)


# -- rows and their values ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Say where a value stands, for errors; row 1 is the first one below the header."""

    path: Path
    row: int

    def error(self, rule: str, value: str, remedy: str) -> InputError:
        return InputError(f"{self.path}, row {self.row}: {rule}, got '{value}'.", remedy)


def _rows(path: Path) -> Iterator[tuple[_Place, dict[str, str]]]:
    """Yield each row's values by our names for the columns."""
    text = _text(path)
    is_list = path.name.lower().removesuffix(".gz").endswith(".txt")
    header = next((line for line in text.splitlines() if line.strip()), "")
    rows = (row for row in _parse(text, max(",\t;", key=header.count), path) if any(map(str.strip, row)))
    try:
        names = [name.strip().lower() for name in next(rows, [])]
    except InputError:  # of a list of titles the first may begin with a quote
        if not is_list:
            raise
        names = []
    places = {ours: names.index(name) for ours, known in COLUMNS.items() for name in reversed(known) if name in names}
    if "anime_id" not in places and "title" not in places:
        if is_list:
            yield from ((_Place(path, number), {"title": line}) for number, line in enumerate(_lines(text), start=1))
            return
        found = ", ".join(names) or "nothing, it is empty"
        raise InputError(f"{path} has no column 'anime_id' or 'title' (found: {found}).", "Rename the one that fits.")
    for number, row in enumerate(rows, start=1):
        place = _Place(path, number)
        if len(row) != len(names):
            rule = f"there must be {len(names)} values as in the header"
            raise place.error(rule, ",".join(row), "Put titles that hold the separator into double quotes.")
        yield place, {ours: row[column].strip() for ours, column in places.items()}


def _text(path: Path) -> str:
    try:
        return Table(path.name, path).data.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.", "Check the path of the history file.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text ({error.reason}).", "Save it as CSV in UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Give a CSV file that may be read.") from None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _parse(text: str, separator: str, path: Path) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}.", "Save it as CSV again.") from None


def _find(row: dict[str, str], data: Dataset, index: TitleIndex, place: _Place) -> tuple[int, str]:
    """Return the item code of a row (0 where the data does not know it) and what the row says."""
    anime_id, title = row.get("anime_id", ""), row.get("title", "")
    if anime_id:
        if data.items.parse(anime_id) is None:
            raise place.error(
                "anime_id must be a whole number", anime_id, "Correct it, or give a column title instead."
            )
        return (int(data.items.encode([anime_id])[0]) if anime_id in data.items else 0), title or anime_id
    if not title:
        raise place.error("there must be an anime_id or a title", "", "Fill it in, or remove the row.")
    try:
        return index.find(title), title
    except AmbiguousTitleError as error:
        raise InputError(f"{place.path}, row {place.row}: {error.message}", error.hint) from None
    except UnknownIdError:
        return 0, title


def _rating(text: str, lowest: float, highest: float, missing: tuple[float, ...], place: _Place) -> float:
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise place.error("rating must be a number", text, "Correct it, or leave it empty.") from None
    if not math.isfinite(value):
        raise place.error("rating must be a finite number", text, "Correct it, or leave it empty.")
    if value in missing:
        return math.nan
    if value < lowest:
        raise place.error(f"rating must be at least {lowest:g}, the scale of the data", text, "Bring it to that scale.")
    if value > highest:
        raise place.error(f"rating must be at most {highest:g}, the scale of the data", text, "Bring it to that scale.")
    return value


def epoch_seconds(text: str) -> int:
    """Read a moment: epoch seconds or milliseconds, or an ISO date with or without a time, UTC unless it says more.

    A number that may be a date, 20240531, is one. Raises ValueError for anything else.

    >>> epoch_seconds("2024-05-31"), epoch_seconds("1717113600"), epoch_seconds("20240531")
    (1717113600, 1717113600, 1717113600)
    """
    return _epoch_microseconds(text) // MICROSECONDS


def _epoch_microseconds(text: str) -> int:
    try:
        if len(text) == 8 and text.isdigit() and DATES[0] <= int(text) <= DATES[1]:
            moment = datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
        elif text.removeprefix("-").replace(".", "", 1).isdigit():
            number = float(text)
            moment = datetime.fromtimestamp(number / 1000 if abs(number) >= MILLISECONDS else number, tz=UTC)
        else:
            moment = datetime.fromisoformat(text)
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
        return since // timedelta(microseconds=1)
    except (OverflowError, OSError) as error:  # OSError: a year that the system cannot count to
        raise ValueError(text) from error


def _time(row: dict[str, str], place: _Place) -> int | None:
    if "timestamp" not in row:
        return None
    text = row["timestamp"]
    try:
        return _epoch_microseconds(text)
    except ValueError:
        remedy = "Give epoch seconds or a date such as 2024-05-31, in all rows or in none."
        raise place.error("timestamp must be a time", text, remedy) from None


def _histories(events: list[_Event], rated: bool = False) -> Histories:
    """Order the events by time where they have one; of a title that appears twice the latest counts."""
    times: list[Any] = [event.time for event in events]
    timed = times[0] is not None
    if timed:
        events = [events[place] for place in np.argsort(times, kind="stable")]
    latest = {event.code: place for place, event in enumerate(events)}
    events = [event for place, event in enumerate(events) if latest[event.code] == place]
    histories = Histories.from_lists([[event.code for event in events]])
    return Histories(
        histories.offsets,
        histories.items,
        np.array([event.rating for event in events], dtype=np.float32) if rated else None,
        np.array([event.time for event in events], dtype=np.int64) // MICROSECONDS if timed else None,
    )
