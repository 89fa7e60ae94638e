from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Order
from recsys.dataset.readers import read_tables
from recsys.errors import InputError

ANIME = """anime_id,name,genre,type,episodes,rating,members
1,Gintama&#039;,"Action, Comedy",TV,51,9.2,100
2,Tiger &amp; Bunny,,Movie,Unknown,8.1,90
3,Nobody watched,Drama,,1,,5
"""
RATING = "user_id,anime_id,rating\n5,1,8\n5,2,-1\n4,2,10\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kaggle").mkdir()
    (tmp_path / "kaggle" / "anime.csv").write_text(ANIME, encoding="utf-8")
    (tmp_path / "kaggle" / "rating.csv").write_text(RATING, encoding="utf-8")
    return tmp_path / "kaggle"


@pytest.fixture
def archive(folder: Path) -> Path:
    path = folder.parent / "archive.zip"
    with zipfile.ZipFile(path, "w") as target:
        for name in ("anime.csv", "rating.csv"):
            target.write(folder / name, f"inside/{name}")
            target.writestr(f"__MACOSX/._{name}", "noise")
    return path


def test_folder_zip_and_file_give_the_same(folder: Path, archive: Path) -> None:
    whole = prepare(folder)
    assert whole.card["format"] == "kaggle"
    assert [file["name"] for file in whole.card["sources"]] == ["rating.csv", "anime.csv"]
    for source in (archive, folder / "rating.csv"):
        other = prepare(source)
        assert other.card["format"] == "kaggle"
        assert other.catalogue.frame.equals(whole.catalogue.frame)
        assert other.histories.items.tolist() == whole.histories.items.tolist()


def test_minus_one_is_watched_but_unrated(folder: Path) -> None:
    data = prepare(folder)
    assert data.users.ids.to_list() == [4, 5]
    assert data.histories.lengths.tolist() == [1, 2]
    assert data.histories.ratings is not None
    assert np.array_equal(data.histories.ratings, [10.0, 8.0, np.nan], equal_nan=True)


def test_entities_unknown_episodes_and_empty_genres(folder: Path) -> None:
    frame = prepare(folder, keep_unwatched=True).catalogue.frame
    assert frame["title"].to_list() == ["Gintama'", "Tiger & Bunny", "Nobody watched"]
    assert frame["episodes"].to_list() == [51, None, 1]
    assert frame["genres"].to_list() == [["Action", "Comedy"], [], ["Drama"]]
    assert frame["type"].to_list() == ["TV", "Movie", None]


def test_another_item_file_leaves_the_meaning_of_minus_one(folder: Path) -> None:
    data = prepare(folder / "rating.csv", items=folder / "anime.csv")
    assert data.card["format"] == "kaggle"
    assert data.card["ratings"]["min"] == 8.0
    assert data.card["settings"]["items"] == "anime.csv"
    assert data.catalogue.frame["title"].to_list() == ["Gintama'", "Tiger & Bunny"]


def test_an_option_that_it_does_not_heed_is_told_what_that_costs(folder: Path) -> None:
    data = prepare(folder / "rating.csv", unrated=-1)
    assert data.card["format"] == "generic"
    assert "It looks like the kaggle format, which does not heed --unrated" in data.card["notes"][0]


def test_archive_without_the_files(tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("readme.txt", "nothing")
    with pytest.raises(InputError, match=r"other\.zip has no rating\.csv \(found: readme\.txt\)"):
        read_tables(path, "kaggle")
    with pytest.raises(InputError, match=r"has no interactions\.csv .*found: readme\.txt"):
        read_tables(path)


def test_text_where_an_id_belongs_is_named_with_its_row(folder: Path) -> None:
    (folder / "rating.csv").write_text(RATING + "4,abc,3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"'anime_id' must be a whole number .* row 4 of rating\.csv has 'abc'"):
        prepare(folder, format="kaggle")


@pytest.mark.realdata
def test_five_thousand_users(realdata: Path) -> None:
    data = prepare(realdata / "anime" / "kaggle_5k", keep_unwatched=True)
    assert (data.histories.n_users, len(data.items), data.histories.n_events) == (5000, 12294, 520609)
    assert data.order is Order.NONE
    assert data.card["ascending_users"]["users"] == data.card["ascending_users"]["of"] > 4000
    assert data.card["ratings"]["missing_share"] == pytest.approx(0.193, abs=0.001)
    assert not data.catalogue.titles.str.contains("&#039;").any()
