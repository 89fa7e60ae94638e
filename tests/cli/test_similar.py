from __future__ import annotations

import json

import pytest


def test_table_and_json(recsys, popular) -> None:
    shown = recsys("similar", popular, "trigun", "-k", 2)
    assert shown.out.startswith("Titles like Trigun")
    rows = json.loads(recsys("similar", popular, "#11", "-k", 3, "--json").out)
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert 11 not in [row["anime_id"] for row in rows]
    assert list(rows[0]) == ["rank", "anime_id", "score", "title", "type", "year", "genres"]


def test_filters_and_adult_titles(recsys, popular) -> None:
    def listed(*arguments: object) -> set[int]:
        rows = json.loads(recsys("similar", popular, "Trigun", "-k", 20, "--json", *arguments).out)
        return {row["anime_id"] for row in rows}

    assert 24 not in listed()
    assert 24 in listed("--adult")
    assert listed("--include-genre", "Romance") == {20, 21, 22, 23}


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["Zzyzx"], "no title like 'Zzyzx'"),
        (["Trigun", "-k", 0], "k must be at least 1, got 0"),
        (["Trigun", "--type", "OVA"], "No title is left"),
        (["Trigun", "--json", "--csv"], "One format"),
    ],
)
def test_bad_input(recsys, popular, arguments, text) -> None:
    refused = recsys("similar", popular, *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert text in refused.err
