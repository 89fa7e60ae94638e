from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Order
from recsys.errors import ConfigError, InputError, RecsysError

TABLE = pl.DataFrame({"uid": ["b", "a", "b"], "item": [3, 3, 1], "stars": [4.5, None, 2.0], "pos": [2, 1, 1]})
COLUMNS = {"user_column": "uid", "item_column": "item", "rating_column": "stars"}


def write(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        TABLE.write_parquet(path)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(TABLE.write_csv().encode()))
    else:
        TABLE.write_csv(path, separator={"tsv": "\t", "txt": ";"}.get(name[-3:], ","))
    return path


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.txt", "log.parquet", "log.csv.gz"])
def test_every_file_type_reads_alike(name: str, tmp_path: Path) -> None:
    data = prepare(write(tmp_path, name), **COLUMNS)
    assert data.name == "log"
    assert data.users.ids.to_list() == ["a", "b"]
    assert data.items.ids.to_list() == [1, 3]
    assert data.items.decode(data.histories.items).to_list() == [3, 3, 1]
    assert data.histories.ratings is not None
    assert np.array_equal(data.histories.ratings, [np.nan, 4.5, 2.0], equal_nan=True)
    assert data.histories.times is None
    assert data.order is Order.NONE


def test_position_column_declares_the_order(tmp_path: Path) -> None:
    data = prepare(write(tmp_path, "log.csv"), position_column="pos", **COLUMNS)
    assert data.order is Order.LISTED
    assert data.items.decode(data.histories.of(1)).to_list() == [1, 3]
    noted = prepare(write(tmp_path, "log.csv"), **COLUMNS).card["notes"]
    assert noted == ["Column 'pos' is not used; pass --position-column pos if it says the watch order."]


def test_words_for_ratings(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,work_id,rating\n1,1,good\n1,2,\n1,3,bad\n", encoding="utf-8")
    data = prepare(path, rating_map={"good": 8, "bad": 2})
    assert np.array_equal(data.histories.ratings, [8, np.nan, 2], equal_nan=True)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"'rating' must be a finite number, but row 3 of log\.csv has 'bad'"):
        prepare(path, rating_map="good=8")
    with pytest.raises(InputError, match=r"row 1 of log\.csv has 'good'.*--rating-map"):
        prepare(path)
    with pytest.raises(ConfigError, match=r"word=number pairs, got 'good'"):
        prepare(path, rating_map="good")


def test_unrated_value_and_the_doubt_about_it(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,rating\n1,2,-1\n1,3,7\n", encoding="utf-8")
    assert "--unrated -1" in prepare(path).card["notes"][0]
    data = prepare(path, unrated=-1)
    assert data.card["ratings"] == {"missing_share": 0.5, "min": 7.0, "mean": 7.0, "max": 7.0}
    assert data.card["notes"] == []


def test_text_ids_keep_their_zeros(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item\n007,2\n7,2\n", encoding="utf-8")
    assert prepare(path).users.ids.to_list() == [7]
    assert prepare(path, text_ids=True).users.ids.to_list() == ["007", "7"]


def test_folder_of_interactions_and_items(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv.gz").write_bytes(gzip.compress(b"user_id,anime_id\n1,1\n1,2\n"))
    (tmp_path / "anime.csv").write_text('anime_id,name,genre\n1,One,"A, B"\n2,Two,A\n', encoding="utf-8")
    data = prepare(tmp_path)
    assert data.catalogue.titles.to_list() == ["One", "Two"]
    assert "synthetic" not in data.card
    (tmp_path / "SYNTHETIC.md").write_text("invented", encoding="utf-8")
    assert prepare(tmp_path).card["synthetic"] is True
    assert prepare(tmp_path / "interactions.csv.gz").card["synthetic"] is True


BAD = {
    "user,film\n1,2\n": r"has no column 'anime_id' \(found: user, film\)\. .*--item-column film",
    "film,item\n1,2\n": r"has no column 'user_id' \(found: film, item\)\. .*--user-column film",
    "user,item\n": r"log\.csv has no rows",
    "": r"log\.csv is empty",
    "user,item,rating\n1,1,5\n1,2,NaN\n": r"'rating' must be a finite number, but row 2 of log\.csv has 'NaN'",
    "user,item,rating\n1,1,-inf\n": r"row 1 of log\.csv has '-inf'",
    "user,item,rating\n1,1,5\n1,2,x\n": r"'rating' must be a number, but row 2 of log\.csv has 'x'",
    "user,item,time\n1,1,5\n1,2,-7\n": r"'time' must be a time between 1970 and 2286, but row 2 of log\.csv has '-7'",
    "user,item,time\n1,1,2020-01-01\n1,2,2020-13-01\n": r"ISO date, but row 2 of log\.csv has '2020-13-01'",
    "user,item,time\n1,1,\n1,2,\n": r"None of the 2 rows can be used: 2 with no timestamp",
    "user,item\n1,2\n3,4,5\n": r"log\.csv cannot be read as a table",
}


@pytest.mark.parametrize("content", BAD)
def test_bad_content(content: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=BAD[content]):
        prepare(path)


def test_text_after_many_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"{i},{i}" for i in range(20_000)] + ["abc,1"]
    path.write_text("user,item\n" + "\n".join(rows), encoding="utf-8")
    with pytest.raises(InputError, match=r"'user' must be a whole number, but row 20001 .*'abc'.*--text-ids"):
        prepare(path)
    assert len(prepare(path, text_ids=True).users) == 20_001


def test_bad_parquet_cell(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame({"user": [1, 2], "item": [1, 1], "rating": ["3", "x"]}).write_parquet(path)
    with pytest.raises(InputError, match=r"'rating' must be a number, but row 2 of log\.parquet has 'x'"):
        prepare(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.csv", "user,item,é\n1,2,é\n".encode("latin-1"), r"log\.csv is not UTF-8 text"),
        ("log.csv", b"user,item\n1,a\n1,\xe9\n", r"log\.csv is not UTF-8 text"),
        ("log.csv", b"\x89PNG\0\0\0", r"log\.csv is not UTF-8 text"),
        ("log.parquet", b"no parquet at all", r"log\.parquet cannot be read as a table"),
        ("log.csv.gz", b"no gzip", r"log\.csv\.gz cannot be unpacked"),
        ("log.zip", b"no zip", r"log\.zip is not a zip archive"),
    ],
)
def test_undecodable(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        prepare(tmp_path / name)


def test_arguments_that_do_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv")
    cases = [
        ({"format": "excel"}, r"There is no format 'excel'\. Known: auto, wide, kaggle, movielens, generic"),
        ({"user_colum": "uid"}, r"There is no setting 'user_colum'\. Did you mean 'user_column'"),
        ({"user_column": "nobody"}, r"has no column 'nobody' \(found: uid, item, stars, pos\)"),
        ({**COLUMNS, "items": tmp_path / "none.csv"}, r"none\.csv does not exist"),
        ({**COLUMNS, "genres_column": "genre"}, r"--genres-column is given, but .* comes with no item file"),
        ({**COLUMNS, "items": path, "title_column": "name"}, r"has no column 'name'"),
    ]
    for options, message in cases:
        with pytest.raises(RecsysError, match=message):
            prepare(path, **options)
    with pytest.raises(InputError, match=r"gone\.csv does not exist"):
        prepare(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="must be a path or a frame, got int"):
        prepare(3)


@pytest.mark.realdata
def test_annict(realdata: Path) -> None:
    folder = realdata / "anime" / "annict"
    data = prepare(
        folder / "first_watch_in_order.parquet",
        items=folder / "works.parquet",
        position_column="position",
        rating_column="rating_state",
        rating_map={"bad": 2, "average": 5, "good": 8, "great": 10},
    )
    assert data.order is Order.LISTED
    assert (data.histories.n_users, data.histories.n_events) == (1077, 25226)
    source = pl.read_parquet(folder / "first_watch_in_order.parquet").filter(pl.col("user_id") == 6154).sort("position")
    found = data.items.decode(data.histories_of([6154]).items)
    assert found.to_list() == source["work_id"].to_list()


@pytest.mark.realdata
def test_published_sequences(realdata: Path) -> None:
    folder = realdata / "benchmarks"
    data = prepare(folder / "ml1m_sequences.parquet", position_column="position", items=folder / "ml1m_movies.parquet")
    assert (data.histories.n_users, len(data.items), data.histories.n_events) == (6040, 3416, 999611)
    source = pl.read_parquet(folder / "ml1m_sequences.parquet")
    assert data.items.decode(data.histories.items).to_list() == source["item_id"].to_list()


@pytest.mark.parametrize("separator", ["", ";;", "\\t", "é"])
def test_the_separator_is_one_character(separator: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be one ASCII character"):
        prepare(write(tmp_path, "log.csv"), separator=separator, **COLUMNS)


def test_a_column_name_may_hold_spaces(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,title,My Tags\n1,One,calm;old\n3,Three,new\n")
    data = prepare(write(tmp_path, "log.csv"), items=tmp_path / "items.csv", tags_column="My Tags", **COLUMNS)
    assert data.catalogue.frame["tags"].to_list() == [["calm", "old"], ["new"]]


def test_numbers_of_a_frame_that_are_none(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1.0, 1.0, None], "item": [1.0, float("nan"), 3.0], "time": [1.5e9, 1.6e9, 1.7e9]})
    data = prepare(frame)
    assert (data.histories.n_events, data.card["dropped"]) == (1, [{"rule": "no user or title id", "rows": 2}])
    with pytest.raises(InputError, match=r"'time' must be epoch seconds .* row 2 of the frame has 'NaN'"):
        prepare(frame.with_columns(item=1.0, time=pl.Series([1.5e9, float("nan"), 1.7e9])))
    with pytest.raises(InputError, match=r"'user' must be a whole number or a text, but row 3 of the frame has '2\.5'"):
        prepare(frame.with_columns(user=pl.Series([1.0, 1.0, 2.5])))


def test_the_cell_that_is_wrong_is_blamed_and_not_a_date(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = ["1,1,2020-01-01"] * 20_000 + ["1,x,2020-01-02"]
    path.write_text("user,item,date\n" + "\n".join(rows), encoding="utf-8")
    with pytest.raises(InputError, match=r"'item' must be a whole number, but row 20001 of log\.csv has 'x'"):
        prepare(path)
    path.write_text("user,item,date\n1,1,2020-01-01\n1,2,2020-01-01,more\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"log\.csv cannot be read as a table"):
        prepare(path)


def test_numbers_stay_numbers_beside_a_rating_map(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,rating\n1,2,good\n1,3,5\n", encoding="utf-8")
    ratings = prepare(path, rating_map="good=8").histories.ratings
    assert ratings is not None
    assert ratings.tolist() == [8.0, 5.0]


def test_an_archive_of_one_table_is_that_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("mine.csv", "user,item\n1,2\n1,3\n")
    assert prepare(tmp_path / "one.zip").histories.n_events == 2


def test_lines_of_json_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"user": 1, "item": 2}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"log\.jsonl holds JSON, not a table"):
        prepare(tmp_path / "log.jsonl")


def test_a_frame_of_mixed_types_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match="The frame cannot be read"):
        prepare(pandas.DataFrame({"user": [1, "a"], "item": [1, 2]}))
