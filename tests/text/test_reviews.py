from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import InputError
from recsys.text.reviews import scale, score_reviews, wilson


class TextIsChance:
    """Take each text for the probability of the last of two classes, or for the number of the class."""

    def __init__(self, labels: Sequence[str] = ("neg", "pos")) -> None:
        self.labels = tuple(labels)
        self.batches: list[int] = []

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.batches.append(len(texts))
        numbers = np.array([float(text) for text in texts], dtype=np.float32)
        if len(self.labels) == 2:
            return np.stack([1 - numbers, numbers], axis=1)
        return np.eye(len(self.labels), dtype=np.float32)[numbers.astype(int)]


TABLE = pl.DataFrame({"anime_id": [7, 5, 7, 7, 9], "text": ["1", "0.2", "0.6", "0.8", "0.5"]})


def test_a_case_by_hand() -> None:
    found = score_reviews(TABLE, TextIsChance())
    assert found.frame.columns == ["anime_id", "n_reviews", "sentiment", "low", "high", "share_positive"]
    assert found.frame["anime_id"].to_list() == [5, 7, 9]
    assert found.frame["n_reviews"].to_list() == [1, 3, 1]
    assert found.frame["sentiment"].to_list() == pytest.approx([0.2, 0.8, 0.5])
    assert found.frame["share_positive"].to_list() == [0.0, 1.0, 0.0]
    assert (found.n_read, found.n_left_out) == (5, 0)


def test_five_classes_are_a_scale() -> None:
    table = pl.DataFrame({"anime_id": ["a", "a", "b"], "text": ["0", "3", "2"]})
    found = score_reviews(table, TextIsChance("01234")).frame
    assert found["sentiment"].to_list() == [0.375, 0.5]
    assert found["share_positive"].to_list() == [0.5, 0.0]


def test_rows_that_say_nothing_are_left_out_and_counted() -> None:
    table = pl.DataFrame({"anime_id": [1, 1, None, 2], "text": ["0.5", "  ", "1", None]})
    found = score_reviews(table, TextIsChance())
    assert found.frame["anime_id"].to_list() == [1]
    assert (found.n_read, found.n_left_out) == (4, 3)


def test_titles_with_few_reviews_can_be_left_out() -> None:
    found = score_reviews(TABLE, TextIsChance(), min_reviews=2)
    assert found.frame["anime_id"].to_list() == [7]
    assert found.n_left_out == 0
    with pytest.raises(InputError, match="No title has 4 reviews; the most is 3"):
        score_reviews(TABLE, TextIsChance(), min_reviews=4)


# -- files ------------------------------------------------------------------------------------------------------------


def write(table: pl.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        table.write_parquet(path)
    elif path.suffix == ".jsonl":
        table.write_ndjson(path)
    else:
        table.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_files_are_read_in_batches_and_ids_keep_their_type(tmp_path, monkeypatch, suffix) -> None:
    monkeypatch.setattr("recsys.text.reviews.BATCH", 2)
    told: list[tuple[int, int]] = []
    judge = TextIsChance()
    path = write(TABLE.with_columns(other=pl.lit("x")), tmp_path / f"reviews{suffix}")
    found = score_reviews(path, judge, on_read=lambda *done: told.append(done))
    assert found.frame.equals(score_reviews(TABLE, TextIsChance()).frame)
    assert found.frame["anime_id"].dtype == pl.Int64
    assert max(judge.batches) == 2
    assert told[-1] == (5, 5)


@pytest.mark.parametrize(
    "ids, dtype", [([1, 2], pl.Int32), (["1", "2"], pl.String), (["x", "y"], pl.Categorical), ([1, 2], pl.UInt64)]
)
def test_typed_ids_keep_their_type(tmp_path, ids, dtype) -> None:
    table = pl.DataFrame({"anime_id": pl.Series(ids).cast(dtype), "text": ["0.1", "0.9"]})
    found = score_reviews(write(table, tmp_path / "reviews.parquet"), TextIsChance()).frame
    assert found["anime_id"].dtype == dtype
    assert found.join(table, on="anime_id")["sentiment"].to_list() == pytest.approx([0.1, 0.9])


@pytest.mark.parametrize(
    "ids, expected", [(["1", "12"], [1, 12]), (["01", "12"], ["01", "12"]), (["1", "x2"], ["1", "x2"])]
)
def test_spelled_ids_are_numbers_where_all_are(tmp_path, ids, expected) -> None:
    table = pl.DataFrame({"anime_id": ids, "text": ["0.1", "0.9"]})
    found = score_reviews(write(table, tmp_path / "reviews.csv"), TextIsChance()).frame
    assert found["anime_id"].to_list() == expected


@pytest.mark.parametrize(
    "content, text",
    [
        ("anime_id,text\n", "has no rows"),
        ("anime_id,text\n,0.1\n1,\n", "no row with both an id and a text"),
        ("id,text\n1,0.1\n", r"no column 'anime_id' \(found: id, text\)"),
        ("anime_id,review\n1,0.1\n", "no column 'text'"),
        ("anime_id,text\n1,0.1\n2,0.2,0.3\n", "more cells than there are names"),
    ],
)
def test_other_tables_are_refused(tmp_path, content, text) -> None:
    (tmp_path / "reviews.csv").write_text(content)
    with pytest.raises(InputError, match=text):
        score_reviews(tmp_path / "reviews.csv", TextIsChance())


def test_no_file_and_no_column() -> None:
    with pytest.raises(InputError, match="does not exist"):
        score_reviews("nowhere.csv", TextIsChance())
    with pytest.raises(InputError, match="The table has no column 'review'"):
        score_reviews(TABLE, TextIsChance(), text_column="review")
    with pytest.raises(InputError, match="min_reviews must be at least 1"):
        score_reviews(TABLE, TextIsChance(), min_reviews=0)


# -- the order of classes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels, places",
    [
        (("neg", "pos"), [0, 1]),
        (("Positive", "Negative"), [1, 0]),
        (("positive", "neutral", "negative"), [1, 0.5, 0]),
        (("1", "2", "3", "10"), [0, 1 / 3, 2 / 3, 1]),
    ],
)
def test_known_scales(labels, places) -> None:
    assert scale(labels).tolist() == pytest.approx(places)


def test_an_order_can_be_told() -> None:
    assert scale(("good", "bad", "so-so"), ("bad", "so-so", "Good")).tolist() == [1.0, 0.0, 0.5]
    with pytest.raises(InputError, match=r"every class once \(good, bad\), got bad"):
        scale(("good", "bad"), ("bad",))


def test_topics_have_no_order() -> None:
    with pytest.raises(InputError, match=r"comp\.os and 2 more") as refused:
        scale(("alt", "talk", "rec", "sci", "comp.os", "misc", "soc"))
    assert "--order" in refused.value.hint


# -- intervals --------------------------------------------------------------------------------------------------------


def test_interval_of_textbook() -> None:
    """The example of Newcombe 1998, table I: 15 of 148 by Wilson's method without correction, .0624 to .1605."""
    low, high = wilson(np.array([15 / 148]), np.array([148]))
    assert (round(low[0], 4), round(high[0], 4)) == (0.0624, 0.1605)


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_interval_holds_the_mean_and_narrows(mean: float, n: int) -> None:
    low, high = wilson(np.array([mean, mean]), np.array([n, 4 * n]))
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (low <= mean).all()
    assert (mean <= high).all()
    assert high[1] - low[1] < high[0] - low[0]
    assert low[0] < high[0]


@pytest.mark.parametrize("n", [1, 3, 10, 100])
@pytest.mark.parametrize("a, b", [(0.02, 0.01), (0.5, 0.5), (6.0, 2.0)])  # nearly 0 or 1; U-shaped; gentle
def test_interval_covers_the_mean_of_many_more_reviews(n: int, a: float, b: float) -> None:
    rng = np.random.default_rng(0)
    means = rng.beta(a, b, (4000, n)).mean(axis=1)
    low, high = wilson(means, np.full(4000, n))
    covered = ((low <= a / (a + b)) & (a / (a + b) <= high)).mean()
    assert covered > 0.92


def test_ids_are_read_without_the_blanks_around_them() -> None:
    table = pl.DataFrame({"anime_id": ["7", " 7 ", "8"], "text": ["1", "0", "1"]})
    assert score_reviews(table, TextIsChance()).frame["n_reviews"].to_list() == [2, 1]


def test_a_review_is_one_text() -> None:
    with pytest.raises(InputError, match=r"Column 'text' of .* holds no texts but List"):
        score_reviews(pl.DataFrame({"anime_id": [7], "text": [["a", "b"]]}), TextIsChance())
