from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from recsys.errors import InputError
from recsys.text.files import read_columns, read_table, read_texts


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@pytest.mark.parametrize("content", ['good\n\nbad , "so"', 'good\r\n\r\nbad , "so"\r\n', '\ufeffgood\n\nbad , "so"\n'])
def test_a_plain_file_has_one_text_a_line(tmp_path: Path, name: str, content: str) -> None:
    data = content.encode()
    path = write(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)
    assert read_texts(path) == ["good", "", 'bad , "so"']


def test_a_tables_column_gives_texts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", '\ufeffid,review\n1,"so, ""so"""\n2,\n3,NA\n')
    assert read_texts(path, "review") == ['so, "so"', "", "NA"]
    assert read_columns(path) == ["id", "review"]
    assert read_texts(path, "id") == ["1", "2", "3"]
    with pytest.raises(InputError, match=r"a\.csv has no column 'text' \(found: id, review\)\. Rename it"):
        read_texts(path)


def test_kaggles_test_tsv_is_read_as_it_is(tmp_path: Path) -> None:
    path = write(
        tmp_path / "test.tsv", 'PhraseId\tSentenceId\tPhrase\n156061\t8545\tAn "intermittently\n156062\t8545\tNone\n'
    )
    frame = read_table(path, ["PhraseId", "Phrase"])
    assert frame.rows() == [("156061", 'An "intermittently'), ("156062", "None")]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.xlsx", b"x", r"a\.xlsx is no table of a known format\. Known suffixes: \.parquet, \.csv, \.tsv"),
        ("a", b"x", "is no table of a known format"),
        ("a.parquet", b"no parquet", r"a\.parquet cannot be read: .*Check that its content"),
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.jsonl.gz", gzip.compress(b"", mtime=0), r"a\.jsonl\.gz is empty"),
        ("a.json", b'[{"text": "a"}]', r"a\.json cannot be read: .* expected to contain JSON object"),
        ("a.csv", b"text\n\xff\xfe\n", r"a\.csv is not UTF-8 text\. Save it as UTF-8"),
        ("a.txt", b"\xff\xfe\n", r"a\.txt is not UTF-8 text"),
        ("a.tsv", b"text\tlabel\na\t1\nb\t2\t3\n", r"a\.tsv has a row with more cells than there are names of columns"),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', r"a\.jsonl cannot be read"),
        ("a.csv.gz", b"no gzip", r"a\.csv\.gz cannot be unpacked"),
        ("a.csv.gz", gzip.compress(b"text\nso\n" * 99, mtime=0)[:-12], r"a\.csv\.gz cannot be unpacked"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_texts(write(tmp_path / name, content))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv does not exist"):
        read_texts(tmp_path / "none.csv")
    (tmp_path / "a.parquet").mkdir()
    with pytest.raises(InputError, match=r"a\.parquet is no file"):
        read_table(tmp_path / "a.parquet")


def test_a_column_of_lists_holds_no_texts(tmp_path: Path) -> None:
    pl.DataFrame({"text": [["a"], ["b"]]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"Column 'text' of a\.parquet holds no texts but List"):
        read_texts(tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_path_is_no_pattern(tmp_path: Path, suffix: str) -> None:
    for name in ("d[1]", "d1"):
        path, frame = tmp_path / f"{name}.{suffix}", pl.DataFrame({"text": [name]})
        {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[suffix](path)  # type: ignore[operator]
    assert read_texts(tmp_path / f"d[1].{suffix}") == ["d[1]"]


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    pl.DataFrame({"text": [b"caf\xe9"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet"):
        read_texts(tmp_path / "a.parquet")
