from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from recsys.dataset.ids import read_ids
from recsys.dataset.vocabulary import Vocabulary
from recsys.errors import InputError, UnknownIdError

KNOWN = Vocabulary([101, 102, 103])


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["users.txt", "users", "users.list"])
def test_a_text_file_has_one_id_a_line(tmp_path, name):
    assert read_ids(put(tmp_path / name, "\ufeff103\r\n\n 101 \n"), "user_id", KNOWN) == [103, 101]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz", "parquet"])
def test_a_table_has_a_column(tmp_path, suffix):
    path = tmp_path / f"users.{suffix}"
    frame = pl.DataFrame({"name": ["c", "a"], "user_id": [103, 101]})
    if suffix == "parquet":
        frame.write_parquet(path)
    else:
        data = frame.write_csv(separator="\t" if suffix == "tsv" else ",").encode()
        path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    assert read_ids(path, "user_id", KNOWN) == [103, 101]


def test_ids_may_be_texts(tmp_path):
    assert read_ids(put(tmp_path / "users", "ann\nbob\n"), "user_id", Vocabulary(["bob", "ann"])) == ["ann", "bob"]
    pl.DataFrame({"user_id": [7]}).write_parquet(tmp_path / "users.parquet")
    assert read_ids(tmp_path / "users.parquet", "user_id", Vocabulary(["7"])) == ["7"]


def test_unknown_ids_are_named_with_their_row(tmp_path):
    message = r"users has 4 unknown user_id of 5: x in line 3, 999 in line 4, 1e9 in line 5\. Remove or correct them\."
    with pytest.raises(UnknownIdError, match=message):
        read_ids(put(tmp_path / "users", "101\n\nx\n999\n1e9\n7\n"), "user_id", KNOWN)
    with pytest.raises(UnknownIdError, match=r"users\.csv has 1 unknown user_id of 2: 999 in line 3"):
        read_ids(put(tmp_path / "users.csv", "user_id\n101\n999\n"), "user_id", KNOWN)
    pl.DataFrame({"user_id": [101, None, 999]}).write_parquet(tmp_path / "users.parquet")
    with pytest.raises(UnknownIdError, match=r"has 2 unknown user_id of 3: nothing in row 2, 999 in row 3"):
        read_ids(tmp_path / "users.parquet", "user_id", KNOWN)


def test_unknown_ids_are_found_in_long_files_too(tmp_path):
    with pytest.raises(UnknownIdError, match=r"has 1 unknown user_id of 201: 999 in line 201"):
        read_ids(put(tmp_path / "users", "101\n" * 200 + "999\n"), "user_id", KNOWN)


def test_files_that_hold_no_ids_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"users does not exist\. Give a file with one user_id a line\."):
        read_ids(tmp_path / "users", "user_id", KNOWN)
    with pytest.raises(InputError, match="cannot be read"):
        read_ids(tmp_path, "user_id", KNOWN)
    for name in ("bad.parquet", "bad.csv", "bad.txt"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00,")
        with pytest.raises(InputError, match=rf"{name} (cannot be read|has no column)"):
            read_ids(tmp_path / name, "user_id", KNOWN)
    for name, text in [("a.csv", "user_id\n"), ("a.txt", "\n \n"), ("b.txt", "")]:
        with pytest.raises(InputError, match=rf"{name} holds no user_id"):
            read_ids(put(tmp_path / name, text), "user_id", KNOWN)
    with pytest.raises(InputError, match=r"no column 'user_id' \(found: uid, x\)\. Rename the one"):
        read_ids(put(tmp_path / "a.csv", "uid,x\n101,1\n"), "user_id", KNOWN)


def test_numbers_that_are_no_ids(tmp_path):
    assert KNOWN.encode([101.0, 101.5, float("inf"), float("nan")]).tolist() == [2, 1, 1, 1]
    assert KNOWN.encode([101.0, 101.5, float("inf"), float("nan")] * 20)[:4].tolist() == [2, 1, 1, 1]
    pl.DataFrame({"user_id": [[101]]}).write_parquet(tmp_path / "users.parquet")
    with pytest.raises(InputError, match="holds user_id as List"):
        read_ids(tmp_path / "users.parquet", "user_id", KNOWN)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_path_is_no_pattern(tmp_path, suffix):
    for name, one in (("few[1]", 2), ("few1", 3)):
        frame = pl.DataFrame({"anime_id": [one]})
        path = tmp_path / f"{name}.{suffix}"
        frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    assert read_ids(tmp_path / f"few[1].{suffix}", "anime_id", Vocabulary([2, 3])) == [2]
