"""Test the verbs for reviews of titles, for Kaggle, and the invented reviews."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys.dataset.sample import load_sample, sample_folder


def test_titles_are_scored(recsys, model, reviews, tmp_path) -> None:
    said = recsys("text", "score-reviews", reviews, "--model", model, "--out", tmp_path / "titles.csv")
    assert said.code == 0, said.err
    assert "(3 titles, 60 reviews)" in said.out
    frame = pl.read_csv(tmp_path / "titles.csv")
    assert frame.columns == ["anime_id", "n_reviews", "sentiment", "low", "high", "share_positive"]
    assert frame["anime_id"].to_list() == [10, 11, 12]
    assert frame["share_positive"].to_list() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv.gz"])
def test_other_formats(recsys, model, reviews, tmp_path, suffix) -> None:
    out = tmp_path / f"titles.{suffix}"
    assert recsys("text", "score-reviews", reviews, "--model", model, "--out", out).code == 0
    read = {"parquet": pl.read_parquet, "jsonl": pl.read_ndjson, "csv.gz": pl.read_csv}[suffix]
    assert len(read(out)) == 3


def catalogue(folder: Path, kind: str, small) -> Path:
    if kind == "prepared":
        return small.save(folder / "prepared")
    frame = pl.DataFrame({"anime_id": ["10", "11"], "name": ["Cowboy Bebop", "Trigun"]})
    if kind == "csv":
        frame.write_csv(folder / "anime.csv")
        return folder / "anime.csv"
    frame.write_parquet(folder / "anime.parquet")  # ids are texts there
    return folder / "anime.parquet"


@pytest.mark.parametrize("kind", ["prepared", "csv", "parquet"])
def test_titles_get_their_names(recsys, model, reviews, tmp_path, small, kind) -> None:
    options = ["--catalogue", catalogue(tmp_path, kind, small), "--out", tmp_path / "titles.csv"]
    said = recsys("text", "score-reviews", reviews, "--model", model, *options)
    assert said.code == 0, said.err
    names = pl.read_csv(tmp_path / "titles.csv")["title"].to_list()
    assert names[:2] == ["Cowboy Bebop", "Trigun"]
    assert "Cowboy Bebop" in said.out
    assert ("1 of 3 titles are not in the catalogue" in said.err) == (kind != "prepared")


def test_what_is_left_out_is_told(recsys, stand_in, tmp_path) -> None:
    stand_in("bad", "good")
    (tmp_path / "reviews.csv").write_text("mal,said\n1,a\n1,bb\n2,\n,a\n3,ccc\n")
    columns = ["--id-column", "mal", "--text-column", "said", "--order", "bad,good", "--min-reviews", "2"]
    said = recsys(
        "text", "score-reviews", tmp_path / "reviews.csv", "--model", "m", "--out", tmp_path / "t.csv", *columns
    )
    assert "Left out 2 of 5 reviews" in said.err
    assert pl.read_csv(tmp_path / "t.csv").rows() == [
        (1, 2, 0.5, pytest.approx(0.0945, abs=1e-3), pytest.approx(0.9055, abs=1e-3), 0.5)
    ]


BAD_SCORES = [
    (["{reviews}", "--model", "{model}", "--out", "{tmp}/t.csv"], "exists already"),
    (["{reviews}", "--model", "{model}", "--out", "{tmp}/t.xls"], "Pass --format"),
    (["{reviews}", "--model", "{tmp}/none", "--out", "{tmp}/t.csv", "--overwrite"], "not a text model folder"),
    (["{tmp}/none.csv", "--model", "{model}", "--out", "{tmp}/t.csv", "--overwrite"], "none.csv does not exist"),
    (["{tmp}/empty.csv", "--model", "{model}", "--out", "{tmp}/t.csv", "--overwrite"], "empty.csv has no rows"),
    (["{reviews}", "--model", "{model}", "--out", "{tmp}/t.csv", "--overwrite", "--id-column", "x"], "no column 'x'"),
    (["{reviews}", "--model", "{model}", "--out", "{tmp}/t.csv", "--overwrite", "--order", "a,b"], "every class once"),
    (
        ["{reviews}", "--model", "{model}", "--out", "{tmp}/t.csv", "--overwrite", "--min-reviews", "99"],
        "the most is 20",
    ),
    (
        ["{reviews}", "--model", "{model}", "--out", "{tmp}/t.csv", "--overwrite", "--catalogue", "{reviews}"],
        "no column 'title'",
    ),
]


@pytest.mark.parametrize("arguments, text", BAD_SCORES)
def test_bad_requests_leave_earlier_files(recsys, model, reviews, tmp_path, arguments, text) -> None:
    (tmp_path / "t.csv").write_text("earlier")
    (tmp_path / "empty.csv").write_text("anime_id,text\n")
    words = [word.format(tmp=tmp_path, model=model, reviews=reviews) for word in arguments]
    refused = recsys("text", "score-reviews", *words)
    assert (refused.code, refused.out) == (2, "")
    assert text in " ".join(refused.err.split())
    assert (tmp_path / "t.csv").read_text() == "earlier"


def test_topics_tell_no_sentiment(recsys, stand_in, reviews, tmp_path) -> None:
    stand_in("sci.med", "sci.space", "rec.autos")
    refused = recsys("text", "score-reviews", reviews, "--model", "m", "--out", tmp_path / "t.csv")
    assert refused.code == 2
    assert "have no order from bad to good" in refused.err
    assert not (tmp_path / "t.csv").exists()


# -- Kaggle -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    (tmp_path / "test.tsv").write_text("PhraseId\tSentenceId\tPhrase\n7\t1\tabc\n8\t1\t\n9\t1\tN/A x\n")
    return tmp_path / "test.tsv"


def test_a_submission(recsys, stand_in, kaggle, tmp_path) -> None:
    stand_in(*"01234")
    said = recsys("text", "submission", "m", "--data", kaggle, "--out", tmp_path / "s.csv")
    assert said.code == 0, said.err
    assert (tmp_path / "s.csv").read_text() == "PhraseId,Sentiment\n7,3\n8,0\n9,0\n"
    assert "exists already" in recsys("text", "submission", "m", "--data", kaggle, "--out", tmp_path / "s.csv").err


def test_a_submission_needs_five_classes(recsys, model, kaggle, tmp_path) -> None:
    (tmp_path / "s.csv").write_text("earlier")
    refused = recsys("text", "submission", model, "--data", kaggle, "--out", tmp_path / "s.csv", "--overwrite")
    assert refused.code == 2
    assert "5 classes" in refused.err
    assert (tmp_path / "s.csv").read_text() == "earlier"


# -- invented reviews -------------------------------------------------------------------------------------------------


def test_the_sample(recsys, tmp_path) -> None:
    out = tmp_path / "reviews.csv"
    said = recsys("text", "sample", "--out", out, "--reviews", 50)
    assert said.code == 0
    assert "invented" in said.err
    assert f"recsys text train imdb-lstm --data {out}" in said.out
    frame = pl.read_csv(out)
    assert len(frame) == 50
    assert set(frame["anime_id"]) <= set(pl.read_csv(sample_folder() / "anime.csv")["anime_id"])
    assert load_sample().items.ids.dtype == frame["anime_id"].dtype
    assert recsys("text", "sample", "--out", out).code == 2
