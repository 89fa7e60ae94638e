from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.prepared import Dataset
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import InputError, UnknownIdError
from recsys.ranking.filters import Filters


def shown(data: Dataset, **restrictions: Any) -> set[int]:
    allowed = Filters(**restrictions).allowed(data.catalogue, data.items)
    assert allowed.shape == (data.n_codes,)
    assert not allowed[:FIRST].any()
    return set(data.items.decode(np.flatnonzero(allowed)).to_list())


ACTION = {10, 11, 12, 13, 14, 30}
ROMANCE = {20, 21, 22, 23}


@pytest.mark.parametrize(
    "restrictions, expected",
    [
        ({}, ACTION | ROMANCE),
        ({"adult": True}, ACTION | ROMANCE | {24}),
        ({"include_genres": ["romance"]}, ROMANCE),
        ({"include_genres": ["Romance", "sci fi"]}, ROMANCE | {10, 11, 12, 13, 14}),
        ({"include_genres": "Romance, Space"}, ROMANCE | {10, 12, 30}),
        ({"include_genres": ["hentai"]}, set()),
        ({"include_genres": ["hentai"], "adult": True}, {24}),
        ({"exclude_genres": ["space", "romance"]}, {11, 13, 14}),
        ({"include_genres": ["action"], "exclude_genres": ["Sci-Fi"]}, {30}),
        ({"types": ["movie"]}, {30}),
        ({"types": "ova, movie", "adult": True}, {24, 30}),
        ({"candidates": [30, 22, 30]}, {22, 30}),
        ({"candidates": ["30"]}, {30}),
        ({"candidates": [24]}, set()),
        ({"candidates": []}, set()),
        ({"candidates": [22, 30], "types": ["TV"]}, {22}),
        ({"keep_seen": True}, ACTION | ROMANCE),  # the model's business
    ],
)
def test_allowed(small: Dataset, restrictions: dict[str, Any], expected: set[int]) -> None:
    assert shown(small, **restrictions) == expected


@pytest.mark.parametrize(
    "restrictions, message",
    [
        ({"include_genres": ["Romanse"]}, "no genre or tag 'Romanse'"),
        ({"exclude_genres": ["Romanse"]}, "no genre or tag 'Romanse'"),
        ({"types": ["Film"]}, "no type 'Film'"),
        ({"candidates": [10, 98, 99]}, "2 of 3 candidates are no known titles, e.g. 98, 99"),
    ],
)
def test_unknown_names(small: Dataset, restrictions: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownIdError, match=message) as caught:
        shown(small, **restrictions)
    assert caught.value.hint


def test_types_where_the_data_has_none() -> None:
    catalogue = Catalogue(pl.DataFrame({"anime_id": [1], "title": ["Nana"]}))
    with pytest.raises(InputError, match="no types"):
        Filters(types=["TV"]).allowed(catalogue, Vocabulary([1]))


def test_filters_are_values() -> None:
    assert Filters(include_genres=["Drama"], candidates=[1]) == Filters(include_genres="Drama", candidates=(1,))
    assert hash(Filters(include_genres=["Drama"])) == hash(Filters(include_genres=("Drama",)))


@pytest.mark.parametrize(
    "genres, age_rating, adult",
    [
        (["Hentai"], None, True),
        (["hentai", "Drama"], None, True),
        (["Erotica"], None, True),
        (["Ecchi"], "R+ - Mild Nudity", False),
        ([], "Rx - Hentai", True),
        ([], None, False),
        (["Drama"], "PG-13", False),
    ],
)
def test_what_is_adult(genres: list[str], age_rating: str | None, adult: bool) -> None:
    frame = pl.DataFrame(
        {"anime_id": [1], "title": ["One"], "genres": [genres], "age_rating": [age_rating]},
        schema_overrides={"genres": pl.List(pl.String), "age_rating": pl.String},
    )
    allowed = Filters().allowed(Catalogue(frame), Vocabulary([1]))
    assert allowed[FIRST] == (not adult)


def test_types_that_are_spelled_in_several_ways_are_one() -> None:
    catalogue = Catalogue(pl.DataFrame({"anime_id": [1, 2, 3], "type": ["TV", "tv", "Movie"]}))
    assert Filters(types=["tv"]).allowed(catalogue, Vocabulary([1, 2, 3])).tolist()[2:] == [True, True, False]


@pytest.mark.parametrize("wrong", [{"candidates": 1}, {"candidates": "1, 2"}, {"include_genres": 5}, {"types": 3.5}])
def test_what_is_no_list_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be a list"):
        Filters(**wrong)
