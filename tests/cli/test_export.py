from __future__ import annotations

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from recsys.cli.export import export
from recsys.errors import ArtifactError, InputError, RecsysError, UnknownIdError
from recsys.models.popularity import PopularityRecommender

app = typer.Typer()
app.command()(export)


@pytest.fixture
def model(small, tmp_path):
    return PopularityRecommender().fit(small).save(tmp_path / "model")


def run(*arguments: object) -> str:
    """Run the verb by itself; errors are not turned into messages here, `recsys.cli.app` does that."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if result.exception is not None:
        raise result.exception
    return result.output


def test_every_users_list_is_written(model, small, tmp_path):
    output = run(model, "--out", tmp_path / "recs.parquet", "-k", 3)
    found = pl.read_parquet(tmp_path / "recs.parquet")
    assert found.columns == ["user_id", "rank", "anime_id", "score"]
    assert found["user_id"].unique(maintain_order=True).to_list() == small.users.ids.to_list()
    assert found["rank"].max() == 3
    assert "users/s" in output
    assert f"Wrote {tmp_path / 'recs.parquet'}" in output.replace("\n", "")


def test_the_options_reach_the_job(model, tmp_path):
    users, candidates = tmp_path / "users.txt", tmp_path / "candidates.csv"
    users.write_text("105\n102\n")
    candidates.write_text("anime_id\n10\n24\n21\n")
    out = tmp_path / "recs.out"
    run(
        *(model, "--out", out, "--format", "csv", "--users", users, "--candidates", candidates),
        *("--adult", "--keep-seen", "--titles"),
    )
    found = pl.read_csv(out)
    assert found.columns == ["user_id", "rank", "anime_id", "score", "title"]
    assert found["user_id"].to_list() == [105] * 3 + [102] * 3
    assert found["anime_id"].unique().sort().to_list() == [10, 21, 24]
    run(
        model, "--out", out, "--format", "jsonl", "--overwrite", "--include-genre", "action", "--exclude-genre", "space"
    )
    assert pl.read_ndjson(out)["anime_id"].unique().sort().to_list() == [11, 13, 14]
    run(model, "--out", out, "--format", "jsonl", "--overwrite", "--type", "movie")
    assert pl.read_ndjson(out)["anime_id"].unique().to_list() == [30]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("-k", 0), InputError, "k must be at least 1, got 0"),
        (("--users", "missing.txt"), InputError, r"missing\.txt does not exist"),
        (("--format", "xlsx"), InputError, "There is no export format 'xlsx'"),
        (("--include-genre", "Akction"), UnknownIdError, "There is no genre or tag 'Akction'. Did you mean Action"),
        (("--mood", "Action, Space"), InputError, "A popularity model cannot follow a mood"),
    ],
)
def test_wrong_requests_change_nothing_on_disk(model, tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        run(model, "--out", tmp_path / "recs.parquet", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_unknown_users_are_named_with_their_line(model, tmp_path):
    (tmp_path / "users.txt").write_text("101\n999\n")
    with pytest.raises(UnknownIdError, match="1 unknown user_id of 2: 999 in line 2"):
        run(model, "--out", tmp_path / "recs.parquet", "--users", tmp_path / "users.txt")


def test_refusals_come_before_the_model_is_loaded(tmp_path):
    (tmp_path / "recs.csv").write_text("old")
    with pytest.raises(ArtifactError, match="exists already"):
        run(tmp_path / "no-model", "--out", tmp_path / "recs.csv")
    with pytest.raises(InputError, match="does not say its format"):
        run(tmp_path / "no-model", "--out", tmp_path / "recs")
    with pytest.raises(RecsysError, match="no-model is not a model folder: it does not exist"):
        run(tmp_path / "no-model", "--out", tmp_path / "recs.csv", "--overwrite")
    assert (tmp_path / "recs.csv").read_text() == "old"


def test_lists_that_are_short_are_told(model, tmp_path):
    output = run(model, "--out", tmp_path / "recs.csv", "-k", 7, "--include-genre", "Romance")
    assert "6 of 6 users have fewer than 7 titles" in " ".join(output.split())
    assert "fewer than" not in run(model, "--out", tmp_path / "few.csv", "-k", 1)
