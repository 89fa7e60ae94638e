"""The public data sets of the published tables: how each file becomes a `Dataset`, and how it is split.

Each recipe takes the folder with the original files, which the project does not ship (see evaluation/README.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Split, split_dataset
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import InputError

SPLIT_SEED = 0
"""Decides the random hold-out of data without an order; fixed, so that all published rows share one test set."""


@dataclass(frozen=True)
class Recipe:
    """Name a data set, say what is asked of it, and build it from its files."""

    title: str
    question: str
    build: Callable[[Path], Dataset]


def load(name: str, folder: Path) -> tuple[Dataset, Split]:
    """Build a data set by its short name and split it as its published rows are."""
    if name not in RECIPES:
        raise InputError(f"There is no data set '{name}'.", f"Known: {', '.join(RECIPES)}.")
    data = RECIPES[name].build(folder)
    return data, split_dataset(data, seed=SPLIT_SEED)


def ml1m(folder: Path) -> Dataset:
    """Build MovieLens-1M as the LRURec paper has it: 5-core, in order with ties by item id, 3,416 titles ranked.

    Leaving the last out for test and the one before for validation is the protocol of the published numbers.
    """
    sequences = _read(folder, "benchmarks/ml1m_sequences.parquet")
    movies = _read(folder, "benchmarks/ml1m_movies.parquet").select(
        anime_id="item_id", title="title", genres=pl.col("genres").str.split("|")
    )
    events = sequences.sort("user_id", "position", maintain_order=True).select("user_id", anime_id="item_id")
    return build("ml1m", events, Order.LISTED, movies)


def annict(folder: Path) -> Dataset:
    """Build the first-watch log of Annict for users with at least 5 titles, in its true order.

    The rating states become numbers of a ten-point scale: bad 2, average 5, good 8, great 10.
    """
    log = _read(folder, "anime/annict/first_watch_in_order.parquet").sort("position", maintain_order=True)
    works = _read(folder, "anime/annict/works.parquet").select(anime_id="work_id", title="title")
    scale = {"bad": 2.0, "average": 5.0, "good": 8.0, "great": 10.0}
    events = log.filter(pl.len().over("user_id") >= 5).select(
        "user_id",
        anime_id="work_id",
        rating=pl.col("rating_state").replace_strict(scale, default=None, return_dtype=pl.Float32),
    )
    return build("annict", events, Order.LISTED, works)


def kaggle5k(folder: Path) -> Dataset:
    """Build 5,000 users of Kaggle's Anime Recommendations Database; -1 is "watched, not rated"; without an order."""
    ratings = _read(folder, "anime/kaggle_5k/rating.csv")
    anime = _read(folder, "anime/kaggle_5k/anime.csv", infer_schema_length=None)
    titles = anime.select(
        "anime_id",
        title="name",
        genres=pl.col("genre").str.split(", "),
        type="type",
        episodes=pl.col("episodes").cast(pl.Int64, strict=False),
    )
    rating = pl.when(pl.col("rating") >= 0).then(pl.col("rating")).cast(pl.Float32).alias("rating")
    return build("kaggle5k", ratings.select("user_id", "anime_id", rating), Order.NONE, titles)


def ml100k(folder: Path) -> Dataset:
    """Build MovieLens-100k by its timestamps, ties in file order; the file has no titles."""
    ratings = _read(folder, "benchmarks/ml100k.csv")
    return _timed("ml100k", ratings.rename({"item_id": "anime_id", "timestamp": "time"}))


def mlsmall(folder: Path) -> Dataset:
    """Build MovieLens latest-small by its timestamps, ties in file order, with genres and the users' free tags."""
    ratings = _read(folder, "benchmarks/ml_latest_small_ratings.csv")
    movies = _read(folder, "benchmarks/ml_latest_small_movies.csv").select(
        anime_id="movieId", title="title", genres=pl.col("genres").str.split("|")
    )
    tags = _read(folder, "benchmarks/ml_latest_small_tags.csv").group_by(anime_id="movieId").agg(tags="tag")
    events = ratings.rename({"userId": "user_id", "movieId": "anime_id", "timestamp": "time"})
    return _timed("mlsmall", events, movies.join(tags, on="anime_id", how="left"))


def beauty(folder: Path) -> Dataset:
    """Build Amazon Beauty as S3-Rec has it: 5-core, in time order, 12,101 products without names."""
    sequences = _read(folder, "benchmarks/amazon_beauty_sequences.parquet").sort("user", "pos", maintain_order=True)
    return build("beauty", sequences.select(user_id="user", anime_id="item"), Order.LISTED)


RECIPES = {
    "ml1m": Recipe("MovieLens-1M, 5-core", "the next title, leave the last out", ml1m),
    "annict": Recipe("Annict, first-watch order", "the next title, leave the last out", annict),
    "kaggle5k": Recipe("Kaggle anime, 5,000 users", "a random title of each user (no order)", kaggle5k),
    "ml100k": Recipe("MovieLens-100k", "the next title, leave the last out", ml100k),
    "mlsmall": Recipe("MovieLens latest-small", "the next title, leave the last out", mlsmall),
    "beauty": Recipe("Amazon Beauty, 5-core", "the next title, leave the last out", beauty),
}


def build(name: str, events: pl.DataFrame, order: Order, titles: pl.DataFrame | None = None) -> Dataset:
    """Build a data set from events `user_id, anime_id[, rating][, time]`, each user's in watch order.

    The catalogue has the titles that somebody watched, by id; `titles` describes them.
    """
    events = events.unique(["user_id", "anime_id"], keep="last", maintain_order=True)
    users = Vocabulary(events["user_id"].unique().sort())
    items = Vocabulary(events["anime_id"].unique().sort())
    coded = events.with_columns(pl.Series("user", users.encode(events["user_id"]))).sort("user", maintain_order=True)
    counts = coded.group_by("user").len().sort("user")["len"].to_numpy()
    histories = Histories(
        [0, *counts.cumsum()],  # type: ignore[arg-type]  # Histories makes it an array
        items.encode(coded["anime_id"]),
        coded["rating"].fill_null(float("nan")).to_numpy() if "rating" in coded.columns else None,
        coded["time"].to_numpy() if "time" in coded.columns else None,
        users.encode(users.ids),
    )
    frame = pl.DataFrame({"anime_id": items.ids})
    if titles is not None:
        frame = frame.join(titles.unique("anime_id", keep="first"), on="anime_id", how="left", maintain_order="left")
    assert histories.users.min() >= FIRST, "every user is known"
    return Dataset(name, histories, users, items, Catalogue(frame), order)


def _timed(name: str, events: pl.DataFrame, titles: pl.DataFrame | None = None) -> Dataset:
    return build(name, events.sort("time", maintain_order=True), Order.TIME, titles)


def _read(folder: Path, name: str, **options: int | None) -> pl.DataFrame:
    path = folder / name
    try:
        return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, **options)  # type: ignore[arg-type]
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist.",
            "Name the folder of the original files by --real or RECSYS_REALDATA; evaluation/README.md lists them.",
        ) from None
