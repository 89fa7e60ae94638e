from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Order
from recsys.errors import InputError


@pytest.mark.parametrize(
    "cells",
    [
        ["1577880000", "1577880060"],
        ["1577880000123", "1577880060000"],
        ["1577880000.0", "1577880060.0"],
        ["1577880000123456", "1577880060000000"],
        ["2020-01-01T12:00:00Z", "2020-01-01 12:01:00"],
        ["2020-01-01T14:00:00+02:00", "2020-01-01T12:01:00.000"],
        ["2020-01-01 12:00:00 UTC", "2020/01/01 12:01"],
    ],
)
def test_times_become_epoch_seconds(cells: list[str], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,date\n" + f"1,2,{cells[1]}\n1,3,{cells[0]}\n", encoding="utf-8")
    data = prepare(path)
    assert data.order is Order.TIME
    assert data.items.decode(data.histories.items).to_list() == [3, 2]
    assert data.histories.times is not None
    assert data.histories.times.tolist() == [1577880000, 1577880060]


def test_dates_of_a_frame() -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [2, 3]}).with_columns(
        time=pl.Series(["2020-01-02", "2020-01-01"]).str.to_date()
    )
    assert prepare(frame).histories.times.tolist() == [1577836800, 1577923200]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", [pl.Int64, pl.Float64, pl.String])
def test_dates_without_hyphens_are_dates(kind: type[pl.DataType]) -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "date": [20_200_131, 20_200_201]})
    times = prepare(frame.with_columns(pl.col("date").cast(pl.Int64).cast(kind))).histories.times
    assert times is not None
    assert times.tolist() == [1_580_428_800, 1_580_515_200]


def test_times_that_nobody_can_mean_are_doubted() -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "date": [2019, 2020]})
    assert "All times are before 1980" in prepare(frame).card["notes"][0]
    mixed = frame.with_columns(date=pl.Series([20_200_131, 1_600_000_000]))
    assert prepare(mixed).card["times"]["last"].startswith("2020-09")  # not all are dates: seconds


@pytest.mark.parametrize(
    "cells",
    [
        ["1577880000100", "1577880000900"],
        ["1577880000.1", "1577880000.9"],
        ["1577880000000001", "1577880000000002"],
        ["1577880000000001000", "1577880000000002000"],
        ["2020-01-01T12:00:00.1Z", "2020-01-01 12:00:00.9"],
    ],
)
@pytest.mark.parametrize("as_file", [True, False])
def test_what_differs_by_less_than_a_second_is_in_order(cells: list[str], as_file: bool, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"user,item,date,rating\n1,2,{cells[1]},9\n1,3,{cells[0]},8\n1,2,{cells[0]},3\n", encoding="utf-8")
    data = prepare(path if as_file else pl.read_csv(path))
    assert data.items.decode(data.histories.items).to_list() == [3, 2]
    assert data.histories.times is not None
    assert data.histories.times.tolist() == [1577880000, 1577880000]
    assert data.histories.ratings is not None
    assert data.histories.ratings.tolist() == [8, 9], "of the repeated title the latest counts"


def test_finer_times_of_a_frame_are_in_order() -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [2, 3], "time": ["2020-01-01T12:00:00.9", "2020-01-01T12:00:00.1"]})
    for unit in ("ms", "us", "ns"):
        data = prepare(frame.with_columns(pl.col("time").str.to_datetime(time_unit=unit)))  # type: ignore[arg-type]
        assert data.items.decode(data.histories.items).to_list() == [3, 2]


@pytest.mark.parametrize("suffix", ["frame", "csv", "parquet"])
def test_positions_are_whole_numbers(suffix: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1, 1, 1], "item": [2, 3, 4], "pos": [2.0, 1.5, 1.0]})
    source: Any = frame
    if suffix != "frame":
        source = tmp_path / f"log.{suffix}"
        frame.write_csv(source) if suffix == "csv" else frame.write_parquet(source)
    with pytest.raises(InputError, match=r"'pos' must be a whole number, but row 2 of .* has '1\.5'"):
        prepare(source, position_column="pos")
    whole = prepare(frame.with_columns(pos=pl.Series([2.0, 3.0, 1.0])), position_column="pos")
    assert whole.items.decode(whole.histories.items).to_list() == [4, 2, 3]
