from __future__ import annotations

import html
from contextlib import suppress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.titles import AmbiguousTitleError, TitleIndex
from recsys.dataset.vocabulary import FIRST
from recsys.errors import UnknownIdError

TITLES = {
    1: "Cowboy Bebop",
    5: "Cowboy Bebop: Tengoku no Tobira",
    6: "Trigun",
    20: "Naruto",
    41457: "86",
    86: "Mobile Suit Gundam ZZ",
    91: "91 Days",
    121: "Fullmetal Alchemist",
    5114: "Fullmetal Alchemist: Brotherhood",
    1735: "Naruto: Shippuuden",
    918: "Gintama",
    9969: "Gintama'",
    28977: "Gintama°",
    11061: "Hunter x Hunter (2011)",
    136: "Hunter × Hunter",
    527: "Pokémon",
    9253: "Steins;Gate",
    523: "Tonari no Totoro",
    100: "Kanon",
    101: "Kanon",
    5680: "K-On!",
    30: "Shinseiki Evangelion",
    31: "Evangelion: Death",
    32: "Evangelion: 1.0",
    7000: "Midnight Sleazy Car Race",
    7001: "機動戦士ガンダム",
    7002: "!!!",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    years = [2002 if one == 100 else 2006 if one == 101 else None for one in TITLES]
    genres = [["Hentai"] if one == 7000 else [] for one in TITLES]
    return Catalogue(
        pl.DataFrame(
            {
                "anime_id": list(TITLES),
                "title": list(TITLES.values()),
                "year": years,
                "genres": genres,
                "type": ["TV"] * len(TITLES),
            },
            schema_overrides={"genres": pl.List(pl.String)},
        )
    )


@pytest.fixture(scope="module")
def index(catalogue: Catalogue) -> TitleIndex:
    return TitleIndex(catalogue)


def id_of(index: TitleIndex, text: str) -> int:
    return list(TITLES)[index.find(text) - FIRST]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Cowboy Bebop", 1),
        ("  cowboy   BEBOP ", 1),
        ("cowbow bebop", 1),
        ("bebop cowboy", 1),
        ("cowboybebop", 1),
        ("cowboy", 1),  # the one that all others continue
        ("bebop", 1),
        ("tengoku", 5),
        ("Fullmetal Alchemist", 121),  # exact wins over what it begins
        ("fulmetal alchemist", 121),
        ("Fullmetal Alchemist Brotherhood", 5114),
        ("fulmetal alchemist brotherhod", 5114),
        ("Naruto", 20),
        ("naruto shippuden", 1735),
        ("Gintama", 918),  # the very name wins over the same words
        ("gintama'", 9969),
        ("GINTAMA°", 28977),
        ("hunter x hunter", 136),
        ("Hunter × Hunter (2011)", 11061),
        ("pokemon", 527),
        ("POKÉMON", 527),
        ("steins gate", 9253),
        ("steinsgate", 9253),
        ("totoro", 523),
        ("k on", 5680),
        ("ガンダム", 7001),
        ("機動戦士ガンダム", 7001),
        ("!!!", 7002),
        ("5114", 5114),
        ("#1", 1),
        ("86", 41457),  # a title's very name wins over an id
        ("#86", 86),
        ("91 days", 91),
        ("91", 91),
        ("Midnight Sleazy Car Race", 7000),
    ],
)
def test_find(index: TitleIndex, text: str, expected: int) -> None:
    assert id_of(index, text) == expected


def test_the_marks_of_kana_are_no_accents(index: TitleIndex) -> None:
    with pytest.raises(UnknownIdError):
        index.find("カンタム")


@pytest.mark.parametrize(
    "text, texts",
    [
        ("kanon", ["2 titles", "Kanon (TV, 2002, id 100)", "Kanon (TV, 2006, id 101)"]),
        ("gintam", ["Gintama (", "Gintama' (", "Gintama° ("]),
        ("evangelion", ["3 titles", "Shinseiki Evangelion", "Evangelion: Death", "Evangelion: 1.0"]),
    ],
)
def test_ambiguous_lists_the_candidates(index: TitleIndex, text: str, texts: list[str]) -> None:
    with pytest.raises(AmbiguousTitleError) as caught:
        index.find(text)
    assert all(one in caught.value.message for one in texts), caught.value.message
    assert "id" in caught.value.hint


@pytest.mark.parametrize("text", ["Zzyzx Qwertz", "", "   ", "?!", "#999999", "999999"])
def test_unknown(index: TitleIndex, text: str) -> None:
    with pytest.raises(UnknownIdError, match="There is no title like") as caught:
        index.find(text)
    assert caught.value.hint


def test_unknown_names_the_nearest(index: TitleIndex) -> None:
    with pytest.raises(UnknownIdError) as caught:
        index.find("Trigonometry")
    assert "Trigun (TV, id 6)" in caught.value.hint


def test_adult_titles_are_not_guessed(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownIdError) as caught:
        TitleIndex(catalogue).find("midnight sleazy")
    assert "Midnight" not in caught.value.hint
    assert id_of(TitleIndex(catalogue, adult=True), "midnight sleazy") == 7000


def test_string_ids() -> None:
    index = TitleIndex(Catalogue(pl.DataFrame({"anime_id": ["B1", "B2"], "title": ["Nana", "B1"]})))
    assert index.find("B2") == FIRST + 1
    assert index.find("B1") == FIRST + 1  # a title of that name comes first


def test_many_candidates_are_cut() -> None:
    names = [f"Show Number {letter}" for letter in "ABCDEFGHIJKL"]
    index = TitleIndex(Catalogue(pl.DataFrame({"anime_id": range(12), "title": names})))
    with pytest.raises(AmbiguousTitleError, match=r"one of 12 titles: .*; and 4 more"):
        index.find("show number")


@given(text=st.text(max_size=20))
def test_any_text_finds_a_code_or_says_why(index: TitleIndex, text: str) -> None:
    with suppress(UnknownIdError):
        assert FIRST <= index.find(text) < FIRST + len(TITLES)


@pytest.mark.parametrize("title", [title for title in TITLES.values() if title != "Kanon"])
def test_every_title_finds_itself(index: TitleIndex, title: str) -> None:
    assert TITLES[id_of(index, title)] == title


@pytest.mark.realdata
def test_kaggle_catalogue(realdata) -> None:
    rows = pl.read_csv(realdata / "anime" / "kaggle_5k" / "anime.csv", infer_schema_length=None)
    titles = [html.unescape(name) for name in rows["name"].to_list()]
    index = TitleIndex(Catalogue(pl.DataFrame({"anime_id": rows["anime_id"], "title": titles, "type": rows["type"]})))
    ids = rows["anime_id"].to_list()
    for text, expected in [
        ("Fullmetal Alchemist", 121),
        ("cowbow bebop", 1),
        ("Naruto", 20),
        ("naruto shippuden", 1735),
        ("deth note", 1535),
        ("steinsgate", 9253),
        ("totoro", 523),
        ("sword art", 11757),
    ]:
        assert ids[index.find(text) - FIRST] == expected
    popular = rows.with_row_index().top_k(300, by="members")["index"].to_list()
    found = sum(index.find(titles[row]) - FIRST == row for row in popular)
    assert found == len(popular)
