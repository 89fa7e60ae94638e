from __future__ import annotations

import gzip
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.people import person_of_titles, read_person
from recsys.dataset.prepared import Dataset
from recsys.dataset.vocabulary import UNKNOWN
from recsys.errors import InputError, RecsysError, UnknownIdError


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "my.csv"
    path.write_bytes(text.encode(encoding))
    return path


def ids(data: Dataset, histories) -> list[int]:
    return data.items.decode(histories.items).to_list()


def test_titles_are_in_watch_order(small: Dataset) -> None:
    histories = person_of_titles(small, ["Trigun", "cowbow bebop", "12"]).histories
    assert ids(small, histories) == [11, 10, 12]
    assert histories.users.tolist() == [UNKNOWN]
    assert histories.ratings is None
    assert histories.times is None


def test_a_title_named_twice_counts_once_as_the_latest(small: Dataset) -> None:
    assert ids(small, person_of_titles(small, ["Trigun", "Nana", "trigun"]).histories) == [22, 11]


def test_no_titles(small: Dataset) -> None:
    with pytest.raises(InputError, match="at least 1 title, got none"):
        person_of_titles(small, [])


def test_unknown_title(small: Dataset) -> None:
    with pytest.raises(UnknownIdError, match="Zzyzx"):
        person_of_titles(small, ["Trigun", "Zzyzx"])


def test_file_of_ids(small: Dataset, tmp_path: Path) -> None:
    person = read_person(write(tmp_path, "anime_id\n11\n\n10\n"), small)
    assert ids(small, person.histories) == [11, 10]
    assert person.histories.ratings is not None  # the data has ratings, this person gave none
    assert np.isnan(person.histories.ratings).all()


def test_ratings_and_their_missing_values(small: Dataset, tmp_path: Path) -> None:
    text = "Title,Comment,Rating\nTrigun,good,8.5\nNana,,\nKanon,,-1.0\nGintama,,0\n"
    ratings = read_person(write(tmp_path, text), small).histories.ratings
    np.testing.assert_array_equal(ratings, np.array([8.5, np.nan, np.nan, np.nan], dtype=np.float32))


@pytest.mark.parametrize(
    "stamps",
    [
        ("200", "100"),
        ("1600000000000", "1500000000000"),
        ("2024-05-31", "2024-05-30"),
        ("1600000000.7", "1600000000.25"),  # within one second, too
        ("1600000000002", "1600000000001"),
        ("2024-05-31T10:00:00.000002", "2024-05-31T10:00:00.000001"),
    ],
)
def test_timestamps_order_the_rows(small: Dataset, tmp_path: Path, stamps: tuple[str, str]) -> None:
    text = f"anime_id,timestamp\n11,{stamps[0]}\n10,{stamps[1]}\n12,{stamps[0]}\n"
    assert ids(small, read_person(write(tmp_path, text), small).histories) == [10, 11, 12]


@pytest.mark.parametrize(
    "stamp, seconds",
    [
        ("1600000000", 1_600_000_000),
        ("1600000000.7", 1_600_000_000),
        ("1600000000000", 1_600_000_000),
        ("1970-01-02", 86_400),
        ("20240501", 1_714_521_600),
        ("20240502", 1_714_608_000),
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01 01:00:00+01:00", 0),
        ("-5", -5),
    ],
)
def test_timestamps(small: Dataset, tmp_path: Path, stamp: str, seconds: int) -> None:
    histories = read_person(write(tmp_path, f"anime_id,date\n11,{stamp}\n"), small).histories
    assert histories.times is not None
    assert histories.times.tolist() == [seconds]


@pytest.mark.parametrize(
    "text", ["name;rating\nTrigun;8\n", "id\trating\n11\t8\n", '"title","rating"\r\n"trigun","8"\r\n', "\ufeffid\n11"]
)
def test_separators_and_quotes(small: Dataset, tmp_path: Path, text: str) -> None:
    assert ids(small, read_person(write(tmp_path, text), small).histories) == [11]


def test_what_the_data_does_not_know_is_left_out(small: Dataset, tmp_path: Path) -> None:
    person = read_person(write(tmp_path, "anime_id,title\n999,Faraway\n11,Trigun\n,Zzyzx\n"), small)
    assert ids(small, person.histories) == [11]
    assert person.left_out == ("Faraway (row 1)", "Zzyzx (row 3)")


def test_ratings_are_dropped_where_the_data_has_none(small: Dataset, tmp_path: Path) -> None:
    unrated = small.with_histories(replace(small.histories, ratings=None))
    assert read_person(write(tmp_path, "anime_id,rating\n11,77\n"), unrated).histories.ratings is None


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no column 'anime_id' or 'title' .found: nothing"),
        ("uid,rating\n1,2\n", "no column 'anime_id' or 'title' .found: uid, rating"),
        ("anime_id\n", "gives no history: it has no rows"),
        ("anime_id\n999\n998\n", "none of its 2 titles is known"),
        ("anime_id\n11\nabc\n", "row 2: anime_id must be a whole number, got 'abc'"),
        ("anime_id,rating\n11,8\n10,good\n", "row 2: rating must be a number, got 'good'"),
        ("anime_id,rating\n11,nan\n", "row 1: rating must be a finite number, got 'nan'"),
        ("anime_id,rating\n11,inf\n", "row 1: rating must be a finite number, got 'inf'"),
        ("anime_id,rating\n11,-5\n", "row 1: rating must be at least 0, the scale of the data, got '-5'"),
        ("anime_id,rating\n11,85\n", "row 1: rating must be at most 10, the scale of the data, got '85'"),
        ("anime_id,timestamp\n11,5\n10,soon\n", "row 2: timestamp must be a time, got 'soon'"),
        ("anime_id,timestamp\n11,5\n10,\n", "row 2: timestamp must be a time, got ''"),
        ("anime_id,timestamp\n11,1e999\n", "timestamp must be a time"),
        ("anime_id,timestamp\n11,99999999999999999999999\n", "timestamp must be a time"),
        ("title,rating\nHello, World,8\n", "row 1: there must be 2 values as in the header, got 'Hello, World,8'"),
        ("anime_id,rating\n,8\n", "row 1: there must be an anime_id or a title"),
        ('title\n"Trigun\n', "unexpected end of data"),
    ],
)
def test_bad_files(small: Dataset, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_person(write(tmp_path, text), small)
    assert "my.csv" in caught.value.message
    assert caught.value.hint


def test_ambiguous_titles_name_their_row(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2: 'n' may be one of"):
        read_person(write(tmp_path, "title\nTrigun\nn\n"), _with_title(small, 0, "Nap"))


def test_not_utf_8(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no UTF-8 text"):
        read_person(write(tmp_path, "title\nPokémon\n", "utf-16"), small)


@given(text=st.text(alphabet="11,;\n\t\"' aTrigunt_d0.-é", max_size=60))
def test_any_file_is_read_or_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    with suppress(RecsysError):
        assert read_person(write(folder, "anime_id,rating\n" + text), _small()).histories.n_events > 0


def _with_title(data: Dataset, row: int, title: str) -> Dataset:
    import polars as pl

    from recsys.dataset.catalogue import Catalogue

    frame = data.catalogue.frame.with_row_index()
    renamed = pl.when(pl.col("index") == row).then(pl.lit(title)).otherwise("title").alias("title")
    return replace(data, catalogue=Catalogue(frame.with_columns(renamed).drop("index")))


def _small() -> Dataset:
    import polars as pl

    from recsys.dataset.catalogue import Catalogue
    from recsys.dataset.histories import Histories
    from recsys.dataset.prepared import Order
    from recsys.dataset.vocabulary import Vocabulary

    items = Vocabulary([11, 1, 0])
    catalogue = Catalogue(pl.DataFrame({"anime_id": [11, 1, 0], "title": ["Trigun", "Nana", "Kanon"]}))
    return Dataset("tiny", Histories.from_lists([[2]], users=[2]), Vocabulary([1]), items, catalogue, Order.NONE)


def test_a_text_file_has_a_title_a_line(small: Dataset, tmp_path: Path) -> None:
    plain = tmp_path / "mine.txt"
    plain.write_text("Cowboy Bebop\n\n Trigun \n", encoding="utf-8")
    packed = tmp_path / "mine.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for path in (plain, packed):
        assert read_person(path, small).histories.items.tolist() == [2, 3]
    plain.write_text('"Bungaku Shoujo" Movie\nCowboy Bebop\nTrigun\n', encoding="utf-8")
    assert read_person(plain, small).histories.items.tolist() == [2, 3]
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_person(packed, small)


def test_a_rating_of_zero_is_one_where_the_data_has_some(small: Dataset, tmp_path: Path) -> None:
    ratings = small.histories.ratings
    assert ratings is not None
    lowest = np.where(np.arange(len(ratings)) == 0, np.float32(0), ratings)
    with_zeros = small.with_histories(replace(small.histories, ratings=lowest))
    found = read_person(write(tmp_path, "Title,Rating\nTrigun,0\nNana,-1\n"), with_zeros).histories.ratings
    np.testing.assert_array_equal(found, np.array([0.0, np.nan], dtype=np.float32))
