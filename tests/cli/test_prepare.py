from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recsys.cli.app import app
from recsys.dataset.prepared import Dataset, Order


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    rows = ["uid,work,mark", *(f"{user},{item},good" for user in range(3) for item in range(4))]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["prepare", *map(str, arguments)])


COLUMNS = ("--user-column", "uid", "--item-column", "work", "--rating-column", "mark")


def test_prepares_and_tells(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "prepared"
    done = run(log, "--out", out, *COLUMNS, "--rating-map", "good=8", "bad=2", "--name", "mine")
    assert done.exit_code == 0, done.output
    data = Dataset.load(out)
    assert (data.name, data.order, data.histories.n_events) == ("mine", Order.NONE, 12)
    said = " ".join(done.output.split())
    assert "3 users, 4 titles, 12 events" in said
    assert "the rows merely ascend by title id inside 3 of the 3 users" in said
    assert "8 to 8, mean 8.00; 0.0% missing" in said
    assert f"recsys fit {out}" in said


def test_tells_what_was_dropped(log: Path, tmp_path: Path) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write("\n9,1,good\n")
    done = run(log, "--out", tmp_path / "prepared", *COLUMNS, "--rating-map", "good=8", "--min-history", 2)
    assert "users with fewer than 2 titles: 1 rows, 1 users" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "has no column 'anime_id' (found: uid, work, mark). Rename it, or pass --item-column work."),
        (COLUMNS, "'mark' must be a number, but row 1 of log.csv has 'good'"),
        ((*COLUMNS[:4], "--order", "time"), "Order 'time' needs timestamps"),
        ((*COLUMNS[:4], "--min-count", "0"), "min_count must be a whole number from 1, got 0."),
        ((*COLUMNS[:4], "--min-history", "99"), "Nothing is left of 12 rows"),
        ((*COLUMNS[:4], "--format", "xls"), "There is no format 'xls'."),
    ],
)
def test_bad_input_ends_with_2_and_leaves_nothing(
    arguments: tuple[str, ...], message: str, log: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    done = run(log, "--out", tmp_path / "prepared", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert sorted(tmp_path.iterdir()) == before


def test_an_existing_folder_stays_unless_told_otherwise(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "prepared"
    assert run(log, "--out", out, *COLUMNS[:4]).exit_code == 0
    refused = run(log, "--out", out, *COLUMNS[:4])
    assert refused.exit_code == 2
    assert "exists already" in refused.output
    assert run(log, "--out", out, *COLUMNS[:4], "--overwrite").exit_code == 0


def test_help_names_every_option() -> None:
    done = run("--help")
    assert done.exit_code == 0
    for option in ("--user-column", "--items", "--rating-map", "--keep-unwatched", "--order", "--min-history"):
        assert option in done.output


def test_zero_may_be_the_mark_of_what_is_not_rated(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,rating\n1,2,0\n1,3,8\n2,3,0\n")
    done = run(path, "--out", tmp_path / "prepared", "--unrated", 0)
    assert done.exit_code == 0, done.output
    assert "8 to 8, mean 8.00; 66.7% missing" in " ".join(done.output.split())


def test_a_path_is_no_pattern(tmp_path: Path) -> None:
    for name, item in (("log[1]", 5), ("log1", 7)):
        (tmp_path / f"{name}.csv").write_text(f"user,item\n1,{item}\n")
        done = run(tmp_path / f"{name}.csv", "--out", tmp_path / name)
        assert done.exit_code == 0, done.output
    assert Dataset.load(tmp_path / "log[1]").items.ids.to_list() == [5]
