from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recsys.dataset.sample import load_sample, sample_folder
from recsys.errors import InputError
from recsys.text.synthetic import BAD, GOOD, Reviews, generate_reviews


@pytest.fixture(scope="module")
def catalogue() -> pl.DataFrame:
    return pl.read_csv(sample_folder() / "anime.csv")


@pytest.fixture(scope="module")
def reviews(catalogue: pl.DataFrame) -> Reviews:
    return generate_reviews(catalogue, n_reviews=2000)


def test_the_same_seed_gives_the_same_reviews(catalogue, reviews) -> None:
    again = generate_reviews(catalogue, n_reviews=2000)
    assert again.frame.equals(reviews.frame)
    assert again.truth.equals(reviews.truth)
    assert not generate_reviews(catalogue, n_reviews=2000, seed=8).frame.equals(reviews.frame)


def test_reviews_are_of_titles_of_the_catalogue(catalogue, reviews) -> None:
    frame = reviews.frame
    assert frame.columns == ["review_id", "anime_id", "text", "stars", "label"]
    assert frame["anime_id"].dtype == catalogue["anime_id"].dtype
    assert set(frame["anime_id"]) <= set(catalogue["anime_id"])
    assert reviews.truth["anime_id"].equals(catalogue["anime_id"])
    counts = frame["anime_id"].value_counts()["count"]
    assert counts.max() > 10 * counts.median()  # few titles get most reviews
    assert len(counts) < len(catalogue)


def test_labels_follow_the_stars(reviews) -> None:
    assert set(reviews.frame["stars"]) == {1, 2, 3, 4, 5}
    assert ((reviews.frame["stars"] > 3) == (reviews.frame["label"] == "pos")).all()


def test_titles_are_liked_as_their_appeal_says(reviews) -> None:
    by_title = reviews.frame.group_by("anime_id").agg(n=pl.len(), share=(pl.col("label") == "pos").mean())
    often = by_title.join(reviews.truth, on="anime_id").filter(pl.col("n") >= 20)
    assert len(often) > 5
    deviations = (often["share"] - often["appeal"]) / (often["appeal"] * (1 - often["appeal"]) / often["n"]).sqrt()
    assert deviations.abs().max() < 4.0


def test_no_word_gives_a_review_away(reviews) -> None:
    """Every word of praise, blame or denial stands in reviews of both kinds."""
    positive = (reviews.frame["label"] == "pos").to_numpy()
    texts = reviews.frame["text"].str.to_lowercase()
    for word in (*GOOD, *BAD, "not", "never", "but", "although"):
        has = texts.str.contains(rf"\b{word}\b").to_numpy()
        share = positive[has].mean()
        assert 0.1 < share < 0.9, (word, share)


def test_counting_words_of_praise_is_not_enough(reviews) -> None:
    texts = reviews.frame["text"].str.to_lowercase()
    praise = sum((texts.str.count_matches(rf"\b{word}\b") for word in GOOD), start=pl.zeros(len(texts), eager=True))
    blame = sum((texts.str.count_matches(rf"\b{word}\b") for word in BAD), start=pl.zeros(len(texts), eager=True))
    positive = (reviews.frame["label"] == "pos").to_numpy()
    found = np.where((praise >= blame).to_numpy(), positive, ~positive).mean()
    assert 0.5 < found < 0.75


def test_a_catalogue_may_lack_everything_but_ids() -> None:
    made = generate_reviews(pl.DataFrame({"anime_id": ["a", "b"], "genre": ["Drama", None]}), n_reviews=5)
    assert made.frame["anime_id"].dtype == pl.String
    assert made.frame["text"].str.len_chars().min() > 20


def test_a_prepared_catalogue_serves_as_well() -> None:
    frame = load_sample().catalogue.frame
    made = generate_reviews(frame, n_reviews=200).frame
    assert set(made["anime_id"]) <= set(frame["anime_id"])
    assert not made["text"].str.contains(r"[\[\]]").any()  # a list of tags is taken apart
    assert any(title in text for title in frame["title"] for text in made["text"])


def test_bad_requests_are_refused(catalogue) -> None:
    with pytest.raises(InputError, match="There must be at least 1 review, got 0"):
        generate_reviews(catalogue, n_reviews=0)
    with pytest.raises(InputError, match="the catalogue is empty"):
        generate_reviews(catalogue.clear())
