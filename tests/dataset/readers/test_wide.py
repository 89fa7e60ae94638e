from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys.dataset.prepare import prepare
from recsys.dataset.readers import read_tables
from recsys.errors import InputError

FRAME = """anime_id,user_id,user_rating,name,tags,genre
1,7,10.0,Cowboy Bebop,"MAL , TV , space , Action , sci-fi ,  , Space , Adult Cast","Action, Sci-Fi"
1,9,,Cowboy Bebop,"MAL , TV , space , Action , sci-fi ,  , Space , Adult Cast","Action, Sci-Fi"
5,7,-1,Don&#039;t,"mal , music , idols","Music"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "joined.csv"
    path.write_text(FRAME, encoding="utf-8")
    return path


def test_is_detected_and_read(path: Path) -> None:
    raw = read_tables(path)
    assert raw.source == "wide"
    assert raw.interactions.collect().rows() == [(7, 1, 10.0), (9, 1, None), (7, 5, None)]


def test_tags_lose_the_source_the_type_the_genres_case_and_repetitions(path: Path) -> None:
    catalogue = prepare(path).catalogue.frame
    assert catalogue["title"].to_list() == ["Cowboy Bebop", "Don't"]
    assert catalogue["genres"].to_list() == [["Action", "Sci-Fi"], ["Music"]]
    assert catalogue["tags"].to_list() == [["adult cast", "space"], ["idols"]]
    assert catalogue["type"].to_list() == ["TV", "Music"]


def test_a_frame_is_read_like_its_file(path: Path) -> None:
    frame = pl.read_csv(path)
    for source in (frame, frame.lazy(), frame.to_pandas()):
        data = prepare(source, name="joined")
        assert data.histories.items.tolist() == prepare(path).histories.items.tolist()
        assert data.catalogue.frame.equals(prepare(path).catalogue.frame)


def test_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "joined.csv"
    path.write_text("anime_id,user_id,score\n1,2,3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"has no column 'user_rating' \(found: anime_id, user_id, score\)"):
        read_tables(path, "wide")


@pytest.mark.realdata
def test_founding_frame(realdata: Path) -> None:
    data = prepare(realdata / "anime" / "joined_interactions.csv")
    assert (data.histories.n_users, len(data.items), data.histories.n_events) == (600, 5065, 68340)
    bebop = data.catalogue.frame.filter(pl.col("title") == "Cowboy Bebop").row(0, named=True)
    assert bebop["type"] == "TV"
    assert "mal" not in data.catalogue.tokens["token"]
    assert not {"tv", "movie", "ova"} & set(data.catalogue.tokens["token"])


def test_a_missing_id_takes_no_title_with_it(path: Path) -> None:
    frame = pl.read_csv(path).to_pandas()
    frame.loc[1, "anime_id"] = None
    assert frame["anime_id"].dtype == "float64"
    assert prepare(frame, name="joined").catalogue.frame["title"].to_list() == ["Cowboy Bebop", "Don't"]
