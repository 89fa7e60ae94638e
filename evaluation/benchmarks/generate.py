"""Generate a table the size and shape of the Kaggle 'Anime Recommendations Database', to measure speed on.

Titles are drawn by a long-tailed popularity, history lengths are log-normal, rows ascend by title id inside users and
-1 stands for watched, not rated: as in the original. There is nothing in it to learn.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

N_USERS, N_TITLES, N_ROWS = 73_516, 12_294, 7_813_737
MEDIAN_LENGTH, MEAN_LENGTH = 57, 106
UNRATED_SHARE = 0.19
USERS_PER_CHUNK = 512
GENRES = ("Action", "Comedy", "Drama", "Fantasy", "Mecha", "Music", "Mystery", "Romance", "Sci-Fi", "Sports")


def generate(
    folder: Path, *, n_users: int = N_USERS, n_titles: int = N_TITLES, n_rows: int = N_ROWS, seed: int = 0
) -> None:
    """Write `anime.csv` and `rating.csv`; the same seed gives the same bytes; memory stays at one chunk of users."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.sort(rng.choice(3 * n_titles, n_titles, replace=False)) + 1
    write_titles(folder / "anime.csv", ids, rng)
    rates = rng.lognormal(0, 2, n_titles).astype(np.float32)  # the top tenth of the titles takes most events
    lengths = history_lengths(n_users, n_titles, n_rows, rng)
    with (folder / "rating.csv").open("wb") as file:
        for start in range(0, n_users, USERS_PER_CHUNK):
            chunk = lengths[start : start + USERS_PER_CHUNK]
            users, titles = draw_events(chunk, rates, rng)
            unrated = rng.random(len(users)) < UNRATED_SHARE
            ratings = np.where(unrated, -1, np.clip(rng.normal(7.8, 1.6, len(users)).round(), 1, 10)).astype(np.int8)
            frame = pl.DataFrame({"user_id": users + start + 1, "anime_id": ids[titles], "rating": ratings})
            frame.write_csv(file, include_header=start == 0)


def history_lengths(n_users: int, n_titles: int, n_rows: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw each user's number of events, log-normal with the original's median and mean, that sum to `n_rows`."""
    sigma = math.sqrt(2 * math.log(MEAN_LENGTH / MEDIAN_LENGTH))
    drawn = rng.lognormal(math.log(MEDIAN_LENGTH), sigma, n_users)
    longest = max(n_titles // 4, 1)
    lengths: npt.NDArray[np.int64] = np.clip((drawn * n_rows / drawn.sum()).round(), 1, longest).astype(np.int64)
    while missing := n_rows - int(lengths.sum()):
        users = rng.choice(n_users, min(abs(missing), n_users), replace=False)
        lengths[users] = np.clip(lengths[users] + np.sign(missing), 1, longest)
    return lengths


def draw_events(
    lengths: npt.NDArray[np.int64], rates: npt.NDArray[np.float32], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw distinct titles by popularity for each user; return users and titles, both ascending.

    A race: every title rings after an exponential time of its rate, and a user watches those that ring first.
    """
    rings = rng.standard_exponential((len(lengths), len(rates)), dtype=np.float32) / rates
    last = np.take_along_axis(np.sort(rings, axis=1), lengths[:, None] - 1, axis=1)
    users, titles = np.nonzero(rings <= last)
    return users, titles


def write_titles(path: Path, ids: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
    """Write the catalogue: names (some with HTML entities), genres, types, episodes (some 'Unknown')."""
    n = len(ids)
    genres = [", ".join(rng.choice(GENRES, size, replace=False)) for size in rng.integers(1, 6, n)]
    entity = rng.random(n) < 0.05
    unknown = rng.random(n) < 0.03
    pl.DataFrame(
        {
            "anime_id": ids,
            "name": [f"Title {i}{'&#039;' if odd else ''}" for i, odd in zip(ids, entity, strict=True)],
            "genre": genres,
            "type": rng.choice(["TV", "OVA", "Movie", "Special", "ONA", "Music"], n),
            "episodes": ["Unknown" if odd else str(k) for k, odd in zip(rng.integers(1, 60, n), unknown, strict=True)],
            "rating": rng.normal(6.5, 1, n).round(2),
            "members": rng.integers(10, 1_000_000, n),
        }
    ).write_csv(path)
