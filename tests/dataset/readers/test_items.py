from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Dataset
from recsys.errors import InputError

COLUMNS = {"user_column": "uid", "item_column": "item"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("uid,item\nb,3\na,3\nb,1\n", encoding="utf-8")
    return path


def test_item_file_with_its_own_columns_and_separators(log: Path, tmp_path: Path) -> None:
    (tmp_path / "titles.tsv").write_text(
        "id\tlabel\tkinds\tthemes\tmore\tepisodes\tyear\n1\tOne\tAction; Drama\tSpace|War\tdrama\t?\t1999\n",
        encoding="utf-8",
    )
    data = prepare(
        log,
        items=tmp_path / "titles.tsv",
        item_id_column="id",
        title_column="label",
        genres_column="kinds",
        tags_column="themes,more",
        **COLUMNS,
    )
    first, second = data.catalogue.frame.rows(named=True)
    assert (first["title"], first["genres"], first["tags"]) == ("One", ["Action", "Drama"], ["space", "war"])
    assert (first["episodes"], first["year"]) == (None, 1999)
    assert (second["title"], second["genres"]) == ("title 3", [])
    assert data.card["counts"]["titles_described"] == 1


def test_item_file_of_other_titles(log: Path, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,title\n77,Far\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"None of the 2 titles is in the item file, whose ids are such as 77"):
        prepare(log, items=tmp_path / "items.csv", **COLUMNS)


def test_relations_between_titles_are_kept(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_text("user_id,anime_id\n1,1\n1,2\n1,3\n", encoding="utf-8")
    (tmp_path / "anime.csv").write_text("anime_id,name,sequel_of\n1,One,\n2,Two,1\n3,Three,99\n", encoding="utf-8")
    data = prepare(tmp_path)
    assert data.catalogue.frame["sequel_of"].to_list() == [None, 1, 99]
    assert data.catalogue.prequels.tolist() == [0, 0, 0, 2, 0]
    data.save(tmp_path / "prepared")
    assert Dataset.load(tmp_path / "prepared").catalogue.frame.equals(data.catalogue.frame)
    (tmp_path / "anime.csv").write_text("anime_id,name,sequel_of\n1,One,\n2,Two,1.0\n", encoding="utf-8")
    as_pandas_writes_it = prepare(tmp_path / "interactions.csv", items=tmp_path / "anime.csv").catalogue
    assert as_pandas_writes_it.frame["sequel_of"].to_list() == [None, 1, None]
    assert "sequel_of" not in prepare(tmp_path / "interactions.csv").catalogue.frame.columns


def test_text_ids_relate_titles_too(tmp_path: Path) -> None:
    items = pl.DataFrame({"anime_id": ["a", "b"], "sequel_of": [None, " a "]})
    items.write_parquet(tmp_path / "items.parquet")
    pl.DataFrame({"user_id": [1, 1], "anime_id": ["a", "b"]}).write_parquet(tmp_path / "interactions.parquet")
    assert prepare(tmp_path).catalogue.prequels.tolist() == [0, 0, 0, 2]


def test_the_separator_of_most_titles_counts(log: Path, tmp_path: Path) -> None:
    rows = ['1,One,"Action, Drama"\n', '2,Two,"Drama, Action"\n', "3,Three,Sci|Fi\n"]
    (tmp_path / "titles.csv").write_text("anime_id,title,genres\n" + "".join(rows), encoding="utf-8")
    data = prepare(log, items=tmp_path / "titles.csv", **COLUMNS)
    assert data.catalogue.frame["genres"].to_list()[0] == ["Action", "Drama"]


def test_what_is_odd_in_a_late_row_of_an_item_file_is_read(tmp_path: Path) -> None:
    n = 10_500
    log = pl.DataFrame({"user": [1] * n, "item": range(n)})
    rows = [f"{item},Title {item},{'Unknown' if item == n - 2 else 12}" for item in range(n)]
    path = tmp_path / "items.csv"
    path.write_text("\n".join(["item,title,episodes", *rows, "x11,Other,3"]), encoding="utf-8")
    frame = prepare(log, items=path).catalogue.frame
    assert frame["episodes"].null_count() == 1
    assert frame["title"].null_count() == 0


def test_an_item_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    rows = ["item,title,genres", *(f"{item},Title {item},Drama" for item in range(50)), "50,Caf\u00e9,Drama"]
    path = tmp_path / "items.csv"
    path.write_bytes("\n".join(rows).encode("latin-1"))
    with pytest.raises(InputError, match=r"items\.csv"):
        prepare(pl.DataFrame({"user": [1, 1], "item": [2, 3]}), items=path)


def test_ids_that_pandas_made_fractions_find_their_titles(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pl.DataFrame({"item": [2.0, None, 3.0], "title": ["Two", "None", "Three"]}).write_parquet(path)
    data = prepare(pl.DataFrame({"user": [1, 1], "item": [2, 3]}), items=path)
    assert data.catalogue.frame["title"].to_list() == ["Two", "Three"]
