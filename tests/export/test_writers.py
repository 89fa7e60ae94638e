from __future__ import annotations

import gzip
from contextlib import closing
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import InputError
from recsys.export import WRITERS, choose_writer
from recsys.export.writers import ROW_GROUP

FRAME = pl.DataFrame(
    {
        "user_id": [101, 101, 102],
        "rank": pl.Series([1, 2, 1], dtype=pl.Int32),
        "anime_id": ["a", "b,c", 'd"e'],
        "score": pl.Series([0.1, -1 / 3, 1e-9], dtype=pl.Float32),
        "title": ["Naïve, the “first”", "鋼の錬金術師", "two\nlines"],
    }
)


def write(path: Path, format: str, parts: list[pl.DataFrame]) -> None:
    with closing(WRITERS[format](path)) as writer:
        for part in parts:
            writer.write(part)


def read(path: Path, format: str) -> pl.DataFrame:
    if format == "parquet":
        return pl.read_parquet(path)
    content = gzip.decompress(path.read_bytes()) if format.endswith(".gz") else path.read_bytes()
    if format.startswith("csv"):
        return pl.read_csv(content, schema=FRAME.schema)
    return pl.read_ndjson(content, schema=FRAME.schema)


@pytest.mark.parametrize("format", WRITERS)
def test_what_is_written_in_parts_is_read_as_a_whole(tmp_path, format):
    write(tmp_path / "out", format, [FRAME, FRAME.clear(), FRAME.reverse()])
    found = read(tmp_path / "out", format)
    assert found.equals(pl.concat([FRAME, FRAME.reverse()]))
    assert found.schema == FRAME.schema


@pytest.mark.parametrize("format", ["parquet", "csv", "csv.gz"])
def test_a_file_without_rows_has_columns(tmp_path, format):
    write(tmp_path / "out", format, [FRAME.clear()])
    found = read(tmp_path / "out", format)
    assert found.schema == FRAME.schema
    assert len(found) == 0


@given(parts=st.lists(st.integers(0, 3), min_size=1, max_size=6), format=st.sampled_from(list(WRITERS)))
def test_the_cuts_do_not_matter(tmp_path_factory, parts, format):
    folder = tmp_path_factory.mktemp("cuts")
    frames = [FRAME.head(n) for n in parts]
    write(folder / "cut", format, frames)
    write(folder / "whole", format, [pl.concat(frames)])
    assert (folder / "cut").read_bytes() == (folder / "whole").read_bytes()


def test_parquet_gathers_small_frames_into_row_groups_that_are_compressed(tmp_path):
    part = pl.DataFrame({"user_id": range(ROW_GROUP // 4 + 1)})
    write(tmp_path / "out", "parquet", [part] * 9)
    facts = pq.ParquetFile(tmp_path / "out").metadata
    assert [facts.row_group(i).num_rows for i in range(facts.num_row_groups)] == [
        4 * len(part),
        4 * len(part),
        len(part),
    ]
    assert facts.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("format", WRITERS)
def test_the_suffix_names_the_format(format):
    assert choose_writer(Path(f"some.where/Recs.{format.upper()}")) is WRITERS[format]


def test_a_given_format_wins_over_the_suffix():
    assert choose_writer(Path("recs.csv"), "parquet") is WRITERS["parquet"]
    assert choose_writer(Path("recs"), ".CSV") is WRITERS["csv"]


def test_unknown_formats_are_named():
    with pytest.raises(InputError, match=r"There is no export format 'xlsx'\. Known: parquet, csv, csv\.gz, jsonl"):
        choose_writer(Path("recs.csv"), "xlsx")
    for name in ("recs", "recs.xlsx", "csv", "recs.parquet.gz"):
        with pytest.raises(InputError, match=rf"{name} does not say its format by its suffix\. Pass --format"):
            choose_writer(Path(name))


@pytest.mark.parametrize("format", WRITERS)
def test_a_full_disk_is_an_error_of_the_system(format):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space left") as error:
        write(Path("/dev/full"), format, [FRAME.sample(20_000, with_replacement=True, seed=0)] * 8)
    assert error.value.errno == 28
