"""From reviews to titles: how people feel about each, from how many reviews, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.errors import InputError
from recsys.text.files import as_texts
from recsys.text.stream import Stream, stream_table

Floats = npt.NDArray[np.float64]

Z_95 = 1.959963984540054
"""The standard normal's 97.5 % quantile."""
BATCH = 2048
"""How many reviews are read and judged at once."""
SCALES = (
    ("neg", "pos"),
    ("negative", "positive"),
    ("negative", "neutral", "positive"),
    ("very negative", "negative", "neutral", "positive", "very positive"),
    ("negative", "somewhat negative", "neutral", "somewhat positive", "positive"),
)
"""Names of classes whose order is known, the worst first; whole numbers are a scale, too."""


class Judge(Protocol):
    """What is needed of a classifier."""

    @property
    def labels(self) -> Sequence[str]:
        """Name the classes, in the order of the probabilities."""

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the probabilities of the classes, (texts, classes)."""


@dataclass(frozen=True, eq=False)
class TitleSentiments:
    """Hold what the reviews say of each title."""

    frame: pl.DataFrame
    """`anime_id, n_reviews, sentiment, low, high, share_positive`, in order of the id."""
    n_read: int
    n_left_out: int
    """Reviews without an id or without a text."""


def score_reviews(
    reviews: str | Path | pl.DataFrame,
    model: Judge,
    *,
    id_column: str = "anime_id",
    text_column: str = "text",
    min_reviews: int = 1,
    order: Sequence[str] | None = None,
    on_read: Callable[[int, int], None] | None = None,
) -> TitleSentiments:
    """Judge reviews batch by batch and summarise them by title; the ids keep their type.

    - `sentiment` is the mean over a title's reviews of the probability of the positive class or, with more than two
      ordered classes, of the expected place on their scale, from 0 (the worst class) to 1 (the best);
    - `low` and `high` are its 95 % interval (`wilson`): from few reviews it is wide;
    - `share_positive` is the share of reviews whose likeliest class is above the middle of the scale.

    `order` names the classes from the worst to the best, where their names do not tell. `on_read` is told after each
    batch how many reviews were read, and of how many. Titles with fewer than `min_reviews` are left out. Raises
    InputError for a missing column, a table without reviews, and a model whose classes have no known order.
    """
    places = scale(model.labels, order)
    if min_reviews < 1:
        raise InputError(f"min_reviews must be at least 1, got {min_reviews}.", "Leave it out to see every title.")
    stream = stream_table(reviews, (id_column, text_column), size=BATCH)
    parts: list[pl.DataFrame] = []
    n_read = 0
    for batch in stream.batches:
        said = _said(batch.select(anime_id=id_column, text=text_column), stream.name)
        if len(said):
            chances = model.predict(said["text"].to_list()).astype(np.float64)
            judged = said.with_columns(
                sentiment=pl.Series(chances @ places), positive=pl.Series(places[chances.argmax(axis=1)] > 0.5)
            )
            parts.append(
                judged.group_by("anime_id").agg(n=pl.len(), sentiment=pl.sum("sentiment"), positive=pl.sum("positive"))
            )
        n_read += len(batch)
        if on_read is not None:
            on_read(n_read, stream.n_rows)
    frame = _summary(parts, stream, n_read)
    n_kept = int(frame["n_reviews"].sum())
    shown = frame.filter(pl.col("n_reviews") >= min_reviews)
    if shown.is_empty():
        most = max(frame["n_reviews"])
        raise InputError(f"No title has {min_reviews} reviews; the most is {most}.", "Lower --min-reviews.")
    return TitleSentiments(shown, n_read, n_read - n_kept)


def scale(labels: Sequence[str], order: Sequence[str] | None = None) -> Floats:
    """Return each class's place between 0 (the worst) and 1 (the best), in the order of `labels`.

    Raises InputError where the names are no scale that is known here and no `order` says it, or where `order` does not
    name every class once.

    >>> scale(("pos", "neg")).tolist(), scale(("0", "1", "2", "3", "4")).tolist()
    ([1.0, 0.0], [0.0, 0.25, 0.5, 0.75, 1.0])
    """
    names = [label.strip().lower() for label in labels]
    if order is not None:
        wished = [label.strip().lower() for label in order]
        if sorted(wished) != sorted(names):
            wrong = f"The order must name every class once ({', '.join(labels)}), got {', '.join(order)}."
            raise InputError(wrong, "Name them from the worst to the best.")
    elif all(name.isdecimal() for name in names):
        wished = sorted(names, key=int)
    else:
        wished = next((list(one) for one in SCALES if sorted(one) == sorted(names)), [])
    if len(wished) < 2:
        many = ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
        raise InputError(
            f"The model's classes ({many}) have no order from bad to good, so they tell no sentiment.",
            "Give a model of sentiment, or name the classes from the worst to the best: --order bad,good.",
        )
    return np.array([wished.index(name) / (len(wished) - 1) for name in names])


def wilson(means: Floats, counts: npt.NDArray[np.int64], z: float = Z_95) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's interval around means of values between 0 and 1.

    The interval holds every m with |mean - m| <= z sqrt(m (1 - m) / n) (Wilson 1927; for small n advised by Brown, Cai
    & DasGupta 2001, section 3.1.1). It was made for values that are 0 or 1; no other values in [0, 1] of mean m vary
    more than m (1 - m) (Bhatia & Davis 2000), so that for probabilities it errs on the wide side. Its middle is the
    mean after adding z^2 / 2 reviews of each kind: one enthusiastic review is no certainty. It covers which reviews
    happened to be written, not what the model misreads.

    >>> low, high = wilson(np.array([1.0, 1.0]), np.array([1, 100]))
    >>> low.round(2).tolist(), high.tolist()
    ([0.21, 0.96], [1.0, 1.0])
    """
    weight = z * z / counts
    middle = (means + weight / 2) / (1 + weight)
    half = z * np.sqrt(means * (1 - means) / counts + weight / (4 * counts)) / (1 + weight)
    return np.clip(middle - half, 0.0, means), np.clip(middle + half, means, 1.0)


def _said(batch: pl.DataFrame, name: str) -> pl.DataFrame:
    """Keep the rows that have an id and say something."""
    ids = as_texts(batch["anime_id"], name).str.strip_chars()
    batch = batch.with_columns(as_texts(batch["text"], name))
    if batch["anime_id"].dtype == pl.String:
        batch = batch.with_columns(ids)
    return batch.filter(ids.is_not_null() & (ids != ""), pl.col("text").str.strip_chars() != "")


def _summary(parts: list[pl.DataFrame], stream: Stream, n_read: int) -> pl.DataFrame:
    if not parts:
        what = "no rows" if not n_read else "no row with both an id and a text"
        raise InputError(f"{stream.name} has {what}.", "Give a table with one review a row.")
    sums = pl.concat(parts).group_by("anime_id").sum()
    counts = sums["n"].cast(pl.Int64)
    means = (sums["sentiment"] / counts).clip(0.0, 1.0)
    low, high = wilson(means.to_numpy(), counts.to_numpy())
    frame = pl.DataFrame(
        {
            "anime_id": stream.typed(sums["anime_id"]),
            "n_reviews": counts,
            "sentiment": means,
            "low": low,
            "high": high,
            "share_positive": sums["positive"] / counts,
        }
    )
    return frame.sort("anime_id")
