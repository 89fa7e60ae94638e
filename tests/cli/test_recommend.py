from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from recsys.models import make_model


def ids(outcome) -> list[int]:
    assert outcome.code == 0, outcome.err
    return [row["anime_id"] for row in json.loads(outcome.out)]


def test_known_user_in_json(recsys, popular) -> None:
    rows = json.loads(recsys("recommend", popular, "--user", 101, "-k", 3, "--json").out)
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert [row["anime_id"] for row in rows] == [21, 22, 23]  # three people each; 10 to 13 are seen
    assert rows[0] == {
        "user_id": 101,
        "rank": 1,
        "anime_id": 21,
        "score": 3.0,
        "title": "Clannad",
        "type": "TV",
        "year": None,
        "genres": ["Romance"],
    }


def test_csv(recsys, popular) -> None:
    rows = list(csv.DictReader(io.StringIO(recsys("recommend", popular, "--user", 104, "-k", 2, "--csv").out)))
    assert [row["anime_id"] for row in rows] == ["11", "12"]
    assert rows[0]["genres"] == "Action, Sci-Fi"


def test_table_is_headed_by_what_was_watched_last(recsys, popular) -> None:
    shown = recsys("recommend", popular, "--user", 101, "-k", 2)
    assert "User 101 has watched 4 titles, latest first: Planetes (8), Outlaw Star (7), Trigun (6), Cowboy Bebop." in (
        shown.out
    )
    assert "Clannad" in shown.out
    assert "Romance" in shown.out


def test_several_users_in_a_row(recsys, popular) -> None:
    users = ("--user", 101, 104, "--user", 101, "--user", "0101")
    rows = json.loads(recsys("recommend", popular, *users, "-k", 1, "--json").out)
    assert [row["user_id"] for row in rows] == [101, 104]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--titles", "Cowboy Bebop", "Trigun"],
        ["--titles", "Cowboy Bebop", "--titles", "Trigun"],
        ["--titles", "cowbow bebop", "TRIGUN!"],
        ["--titles", "10", "#11"],
    ],
)
def test_titles_as_typed(recsys, popular, arguments) -> None:
    shown = recsys("recommend", popular, *arguments, "-k", 2)
    assert "This person has watched 2 titles, latest first: Trigun, Cowboy Bebop." in shown.out
    assert ids(recsys("recommend", popular, *arguments, "-k", 4, "--json")) == [12, 13, 21, 22]


def test_model_may_come_after_the_titles(recsys, popular) -> None:
    assert ids(recsys("recommend", "--titles", "Cowboy Bebop", "Trigun", popular, "-k", 1, "--json")) == [12]


def test_history_file(recsys, popular, tmp_path) -> None:
    file = tmp_path / "my.csv"
    file.write_text("title,rating\nCowboy Bebop,9\nNever Heard Of It At All,7\ntrigun,\n")
    shown = recsys("recommend", popular, "--history", file, "-k", 2)
    assert "latest first: Trigun, Cowboy Bebop (9)." in shown.out
    assert "Left out of" in shown.err
    assert "Never Heard Of It At All (row 2)" in shown.err


def test_filters(recsys, popular, tmp_path) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("Nana\n\n10\nbrand new\n")
    table = tmp_path / "chosen.csv"
    table.write_text("anime_id\n22\n30\n")

    def listed(*arguments: object) -> set[int]:
        return set(ids(recsys("recommend", popular, "--user", 101, "-k", 11, "--json", *arguments)))

    assert listed() == {14, 20, 21, 22, 23, 30}
    assert listed("--adult") == {14, 20, 21, 22, 23, 24, 30}
    assert listed("--keep-seen", "--include-genre", "sci fi") == {10, 11, 12, 13, 14}
    assert listed("--include-genre", "Romance, action", "--exclude-genre", "school") == {14, 22, 23, 30}
    assert listed("--include-genre", "romance", "space") == {20, 21, 22, 23, 30}
    assert listed("--type", "movie") == {30}
    assert listed("--candidates", chosen) == {22, 30}
    assert listed("--candidates", table) == {22, 30}


def test_fewer_than_k_is_noted(recsys, popular) -> None:
    shown = recsys("recommend", popular, "--user", 101, "-k", 1000, "--json")
    assert len(ids(shown)) == 6
    assert "User 101: 6 of the 1,000 titles asked for remain" in shown.err


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
def test_synthetic_data_is_labelled(recsys, small, tmp_path, form) -> None:
    invented = replace(small, card={"synthetic": True})
    folder = make_model("popularity").fit(invented).save(tmp_path / "model")
    assert "synthetic" in recsys("recommend", folder, "--user", 101, *form).out.lower()
    assert "synthetic" in recsys("similar", folder, "Trigun", *form).out.lower()


BAD = [
    (["--user", 999], ["no user 999", "101"]),
    (["--user", "abc"], ["no user abc"]),
    (["--user", 101, "-k", 0], ["k must be at least 1, got 0"]),
    (["--user", 101, "-k", -5], ["k must be at least 1, got -5"]),
    (["--user", 101, "-k", "many"], ["-k"]),
    ([], ["nobody is named", "--titles"]),
    (["--user", 101, "--titles", "Trigun"], ["exclude each other"]),
    (["--user", 101, "--json", "--csv"], ["One format"]),
    (["--titles", "Zzyzx Qwertz"], ["no title like 'Zzyzx Qwertz'"]),
    (["--titles", "Trigonometry"], ["no title like 'Trigonometry'", "Trigun"]),
    (["--titles", ""], ["no title like ''"]),
    (["--user", 101, "--include-genre", "Romanse"], ["no genre or tag 'Romanse'", "Romance"]),
    (["--user", 101, "--type", "Filme"], ["no type 'Filme'"]),
    (["--user", 101, "--mood", "Romance"], ["cannot follow a mood", "--include-genre"]),
    (["--user", 101, "--at", "now"], ["popularity model does not read when somebody asks", "wait_dim"]),
    (["--user", 101, "--include-genre", "sci-fi", "--type", "Movie"], ["No title is left", "Loosen"]),
    (["--history", "{tmp}/none.csv"], ["none.csv does not exist"]),
    (["--history", "{tmp}"], ["cannot be read"]),
    (["--candidates", "{tmp}/none.txt", "--user", 101], ["none.txt does not exist"]),
    (["--candidates", "{tmp}/bad.txt", "--user", 101], ["bad.txt, line 2: There is no title like 'Zzyzx'"]),
    (["--candidates", "{tmp}/empty.txt", "--user", 101], ["holds no titles"]),
]


@pytest.mark.parametrize("arguments, texts", BAD)
def test_bad_input(recsys, popular, tmp_path, arguments, texts) -> None:
    (tmp_path / "bad.txt").write_text("Nana\nZzyzx\n")
    (tmp_path / "empty.txt").write_text("\n")
    before = sorted(tmp_path.rglob("*"))
    refused = recsys("recommend", popular, *(str(argument).format(tmp=tmp_path) for argument in arguments))
    assert refused.code == 2
    assert refused.out == ""
    assert all(text in refused.err for text in texts), refused.err
    assert "Traceback" not in refused.err
    assert sorted(tmp_path.rglob("*")) == before


def test_folders_that_are_no_models(recsys, prepared, popular, tmp_path) -> None:
    (popular / "popularity.npz").write_bytes(b"something else")
    for folder, text in [
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path, "no manifest"),
        (prepared, "is a prepared data folder"),
        (popular, "checksum"),
    ]:
        for arguments in (["recommend", folder, "--user", 101], ["similar", folder, "Trigun"], ["describe", folder]):
            refused = recsys(*arguments)
            assert (refused.code, refused.out) == (2, "")
            assert text in refused.err


def test_string_ids(recsys, small, tmp_path: Path) -> None:
    from recsys.dataset.vocabulary import Vocabulary

    named = replace(small, users=Vocabulary(["ann", "bob", "cy", "di", "ed", "flo"]))
    folder = make_model("popularity").fit(named).save(tmp_path / "model")
    rows = json.loads(recsys("recommend", folder, "--user", "bob", "-k", 1, "--json").out)
    assert rows[0]["user_id"] == "bob"
