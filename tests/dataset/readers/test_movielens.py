from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Order
from recsys.dataset.readers import read_tables
from recsys.errors import InputError

Release = Callable[[Path], Path]

EVENTS = [(1, 20, 5, 978300760), (1, 10, 3, 978300700), (2, 10, 4, 978300800)]


def lines(separator: str) -> str:
    return "".join(separator.join(map(str, event)) + "\n" for event in EVENTS)


def one_million(folder: Path) -> Path:
    (folder / "ratings.dat").write_text(lines("::"), encoding="utf-8")
    movies = '10::Toy Story (1995)::Animation|Comedy\n20::"Café" Society (1996)::(no genres listed)\n'
    (folder / "movies.dat").write_bytes(movies.encode("latin-1"))
    return folder


def hundred_thousand(folder: Path) -> Path:
    (folder / "u.data").write_text(lines("\t"), encoding="utf-8")
    flags = {10: "0|0|0|1|0|1", 20: "0|0|0|0|0|0"}
    rows = [f"{i}|{name}|01-Jan-1995||url|{flags[i]}{'|0' * 13}\n" for i, name in TITLES.items()]
    (folder / "u.item").write_bytes("".join(rows).encode("latin-1"))
    return folder


def latest(folder: Path) -> Path:
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + lines(","), encoding="utf-8")
    rows = ["10,Toy Story (1995),Animation|Comedy\n", '20,"""Café"" Society (1996)",(no genres listed)\n']
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "".join(rows), encoding="utf-8")
    tags = "1,10,Pixar,5\n1,20,pixar,6\n2,10,only here,7\n2,10,Comedy,8\n2,20,comedy,8\n"
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n" + tags, encoding="utf-8")
    return folder


TITLES = {10: "Toy Story (1995)", 20: '"Café" Society (1996)'}


@pytest.mark.parametrize("release", [one_million, hundred_thousand, latest])
def test_every_release_reads_alike(release: Release, tmp_path: Path) -> None:
    data = prepare(release(tmp_path))
    assert data.card["format"] == "movielens"
    assert data.order is Order.TIME
    assert data.items.decode(data.histories.of(0)).to_list() == [10, 20]
    assert data.histories.ratings is not None
    assert data.histories.ratings.tolist() == [3.0, 5.0, 4.0]
    assert data.catalogue.titles.to_list() == list(TITLES.values())
    assert data.catalogue.frame["genres"].to_list() == [["Animation", "Comedy"], []]
    assert data.catalogue.frame["year"].to_list() == [1995, 1996]


@pytest.mark.parametrize("release", [one_million, hundred_thousand, latest])
@pytest.mark.parametrize("single", [False, True])
def test_zipped_files_and_other_cases_are_found(release: Release, single: bool, tmp_path: Path) -> None:
    plain = prepare(release(tmp_path))
    for file in list(tmp_path.iterdir()):
        name = file.name.capitalize() + ".gz"
        (tmp_path / name).write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    ratings = next(file for file in tmp_path.iterdir() if file.name.startswith(("Ratings", "U.data")))
    data = prepare(ratings if single else tmp_path)
    assert data.catalogue.frame.equals(plain.catalogue.frame)
    assert data.histories.items.tolist() == plain.histories.items.tolist()


def test_free_tags_are_lowered_and_those_on_one_title_left_out(tmp_path: Path) -> None:
    data = prepare(latest(tmp_path) / "ratings.csv")
    assert data.catalogue.frame["tags"].to_list() == [["pixar"], ["comedy", "pixar"]]  # Comedy is a genre of the first


def test_text_in_an_old_release_is_named_with_its_row(tmp_path: Path) -> None:
    folder = one_million(tmp_path)
    with (folder / "ratings.dat").open("a", encoding="utf-8") as file:
        file.write("3::10::good::978300900\n")
    with pytest.raises(InputError, match=r"'rating' must be a number, but row 4 of ratings\.dat has 'good'"):
        prepare(folder)


def test_options_of_other_formats_are_refused(tmp_path: Path) -> None:
    from recsys.dataset.readers.options import ReadOptions

    with pytest.raises(InputError, match=r"movielens format does not heed --user-column"):
        read_tables(latest(tmp_path), "movielens", ReadOptions(user_column="uid"))


@pytest.mark.realdata
def test_latest_small(realdata: Path) -> None:
    data = prepare(realdata / "benchmarks" / "ml_latest_small_ratings.csv")
    assert (data.histories.n_users, data.histories.n_events) == (671, 100004)
    assert data.card["counts"]["titles_described"] == len(data.items)


@pytest.mark.parametrize(("release", "name"), [(one_million, "movies.dat"), (hundred_thousand, "u.item")])
def test_a_short_line_is_named(release: Release, name: str, tmp_path: Path) -> None:
    folder = release(tmp_path)
    with (folder / name).open("a", encoding="latin-1") as file:
        file.write("\n11\n")
    with pytest.raises(InputError, match=rf"Line 4 of {name} must have \d values between '.+', got '11'"):
        prepare(folder)
