"""Generate watch histories: the sample's synthetic watchers, and Markov chains of a known predictability."""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CATALOGUE_FILE = "anime.csv"
INTERACTIONS_FILE = "interactions.csv.gz"

FIRST_DAY, LAST_DAY = "2010-01-01", "2026-01-01"
SHORTEST, MEDIAN_LENGTH, LONGEST = 6, 30, 120
ZIPF_EXPONENT = 0.8
TASTE_CONCENTRATION = 12.0
"""The Dirichlet's total pseudo-count: small enough that a watcher cares about a dozen of the 400 tokens."""
TASTE_PULL, SIMILAR_PULL, SEQUEL_PULL, SEQUEL_FADING = 0.8, 4.0, 2.5, 0.7
"""What taste, likeness to the last title and an awaited sequel add to a title's log-odds; what is left a step later."""
SAME_SITTING, HOUR, DAY = 0.5, 3600.0, 86400.0
MEAN_RATING, MISSING_SHARE = 7.1, 0.15


@dataclass(frozen=True)
class _Titles:
    """Describe the catalogue in arrays; the index of a title is its row."""

    ids: Ints  # (titles,)
    tokens: Floats  # (titles, tokens), rows of length 1, rare tokens weigh more
    frequencies: Ints  # (tokens,) titles that carry the token
    predecessors: Ints  # (titles,) row of the title before it; the number of titles where there is none
    sequels: Floats  # (titles, titles) 1 where the column's title follows the row's
    opens: Ints  # (titles,) epoch second from which everybody can have seen it

    @classmethod
    def of(cls, catalogue: pl.DataFrame) -> _Titles:
        n_titles = len(catalogue)
        rows = pl.int_range(n_titles, dtype=pl.Int64).alias("row")
        tagged = (
            catalogue.select(rows, token=pl.concat_list(pl.col("genre", "tags").fill_null("").str.split(", ")))
            .explode("token")
            .filter(pl.col("token") != "")
            .with_columns(pl.col("token").str.to_lowercase())
            .unique()
            .with_columns(column=pl.col("token").rank("dense").cast(pl.Int64) - 1)
        )
        present = np.zeros((n_titles, tagged["token"].n_unique()))
        present[tagged["row"].to_numpy(), tagged["column"].to_numpy()] = 1.0
        frequencies = present.sum(axis=0).astype(np.int64)
        weighted = present * np.log1p(n_titles / frequencies)
        before = catalogue.select(pl.col("sequel_of").cast(pl.Int64)).join(
            catalogue.select(rows, sequel_of="anime_id"), on="sequel_of", how="left", maintain_order="left"
        )
        predecessors = before["row"].fill_null(n_titles).to_numpy()
        sequels = np.eye(n_titles + 1, n_titles + 1)[predecessors][:, :n_titles].T
        opens = catalogue.select(pl.date(pl.col("year") + 1, 1, 1).dt.epoch("s")).to_series()
        return cls(
            ids=catalogue["anime_id"].to_numpy().astype(np.int64),
            tokens=weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12),
            frequencies=frequencies,
            predecessors=predecessors,
            sequels=sequels,
            opens=opens.to_numpy().astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def parts(self) -> tuple[Ints, Ints]:
        """Return each title's number in its franchise (from 0) and the size of that franchise."""
        root, part = np.arange(len(self)), np.zeros(len(self), dtype=np.int64)
        padded = np.append(self.predecessors, len(self))
        while (inner := padded[root] < len(self)).any():
            root, part = np.where(inner, padded[root], root), part + inner
        return part, np.bincount(root, minlength=len(self))[root]


def generate_watchers(catalogue: pl.DataFrame, *, n_users: int = 1200, seed: int = 7) -> pl.DataFrame:
    """Invent watchers and what they watched; give `user_id, anime_id, rating, timestamp` by user and time.

    `catalogue` has the columns of the sample's anime.csv. The model, whose numbers are this module's constants:

    - a title's popularity falls with its rank as Zipf's law says; franchises and recent titles tend to rank higher;
    - a watcher's taste is a Dirichlet draw over genres and tags, common ones likelier; it and the popularity decide
      what starts, and how much each watcher follows up the last title with a similar one differs from one to the next;
    - a title can be watched from the January after its year, once, and after the title that it follows;
    - having watched a title draws its sequel, strongly at once and fading from step to step;
    - a timestamp is when a title enters the list: in sittings, hours apart inside and days or weeks between; the number
      of titles is log-normal;
    - a rating is title quality + watcher's mildness + taste match + noise, and each watcher leaves out some.
    """
    if n_users < 1:
        raise InputError(f"n_users must be at least 1, got {n_users}.")
    rng = np.random.default_rng(seed)
    titles = _Titles.of(catalogue)
    popularity = _draw_popularity(titles, rng)  # (titles,)
    taste = _draw_taste(titles, n_users, rng)  # (users, titles)
    lengths = np.exp(rng.normal(np.log(MEDIAN_LENGTH), 0.6, n_users)).round().astype(np.int64)
    lengths = np.minimum(lengths.clip(SHORTEST, LONGEST), len(titles))
    times = _draw_times(n_users, int(lengths.max()), lengths, rng)  # (users, steps)
    chosen = _draw_choices(titles, popularity, taste, times, lengths, rng)  # (users, steps), -1 where nothing
    users, steps = np.nonzero(chosen >= 0)
    rows = chosen[users, steps]
    ratings, missing = _draw_ratings(taste, users, rows, rng)
    return pl.DataFrame(
        {
            "user_id": users.astype(np.int64) + 1,
            "anime_id": titles.ids[rows],
            "rating": pl.Series(ratings).set(pl.Series(missing), None),
            "timestamp": times[users, steps],
        }
    )


def _draw_popularity(titles: _Titles, rng: np.random.Generator) -> Floats:
    part, size = titles.parts()
    appeal = 0.2 * np.log(size) - 0.1 * part + 1e-9 * titles.opens + rng.normal(size=len(titles))
    ranks = np.argsort(np.argsort(-appeal)) + 1
    return np.asarray(-ZIPF_EXPONENT * np.log(ranks), dtype=np.float64)


def _draw_taste(titles: _Titles, n_users: int, rng: np.random.Generator) -> Floats:
    """Return how well each title matches each watcher, every watcher's row with mean 0 and deviation 1."""
    concentration = TASTE_CONCENTRATION * titles.frequencies / titles.frequencies.sum()
    match: Floats = rng.dirichlet(concentration, n_users) @ titles.tokens.T
    deviation = np.maximum(match.std(axis=1, keepdims=True), 1e-12)
    return np.asarray((match - match.mean(axis=1, keepdims=True)) / deviation, dtype=np.float64)


def _draw_times(n_users: int, n_steps: int, lengths: Ints, rng: np.random.Generator) -> Ints:
    first, last = (np.datetime64(day, "s").astype(np.int64) for day in (FIRST_DAY, LAST_DAY))
    pace = np.exp(rng.normal(np.log(15 * DAY), 0.7, (n_users, 1)))
    within = rng.uniform(0.4 * HOUR, 4 * HOUR, (n_users, n_steps))
    between = pace * rng.lognormal(0.0, 1.0, (n_users, n_steps))
    elapsed = np.where(rng.random((n_users, n_steps)) < SAME_SITTING, within, between).cumsum(axis=1)
    span = elapsed[np.arange(n_users), lengths - 1][:, None]
    room = 0.95 * (last - first)
    elapsed *= np.minimum(1.0, room / span)  # the slowest watchers are hurried until they fit
    # The square root lets more watchers join in later years, as on a growing site.
    start = first + np.sqrt(rng.random((n_users, 1))) * (last - first - np.minimum(span, room))
    # A minute is as fine as anybody records; the step number keeps the order strict after rounding.
    minutes: Ints = ((start + elapsed) // 60).astype(np.int64) + np.arange(n_steps)
    return minutes * 60


def _draw_choices(
    titles: _Titles, popularity: Floats, taste: Floats, times: Ints, lengths: Ints, rng: np.random.Generator
) -> Ints:
    n_users, n_steps = len(times), int(lengths.max())
    similarity = titles.tokens @ titles.tokens.T
    follows_up = SIMILAR_PULL * rng.beta(3.0, 2.0, n_users) / 0.6
    chosen = np.full((n_users, n_steps), -1, dtype=np.int64)
    seen: Bools = np.zeros((n_users, len(titles) + 1), dtype=bool)
    seen[:, -1] = True  # "no predecessor" counts as seen
    awaited = np.zeros((n_users, len(titles)))
    appeal = popularity + TASTE_PULL * taste
    for step in range(n_steps):
        active = np.nonzero(lengths > step)[0]
        odds = appeal[active] + awaited[active]
        if step:
            odds += follows_up[active, None] * similarity[chosen[active, step - 1]]
        possible = ~seen[active, :-1] & seen[active][:, titles.predecessors]
        possible &= titles.opens <= times[active, step, None]
        # The largest of log-odds + Gumbel noise is a draw from their softmax.
        noisy = np.where(possible, odds + rng.gumbel(size=odds.shape), -np.inf)
        picks = noisy.argmax(axis=1)
        ended = ~possible.any(axis=1)
        lengths = np.where(np.isin(np.arange(n_users), active[ended]), step, lengths)
        active, picks = active[~ended], picks[~ended]
        chosen[active, step] = picks
        seen[active, picks] = True
        awaited[active] = SEQUEL_FADING * awaited[active] + SEQUEL_PULL * titles.sequels[picks]
    return chosen


def _draw_ratings(taste: Floats, users: Ints, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Bools]:
    n_users = len(taste)
    quality, mildness = rng.normal(0, 0.5, taste.shape[1:]), rng.normal(0, 0.5, n_users)
    exact = MEAN_RATING + quality[rows] + mildness[users] + 0.5 * taste[users, rows] + rng.normal(0, 0.8, len(rows))
    leaves_out = rng.beta(20 * MISSING_SHARE, 20 * (1 - MISSING_SHARE), n_users)
    return exact.round().clip(1, 10).astype(np.int64), rng.random(len(rows)) < leaves_out[users]


def markov_histories(n_users: int, n_items: int, length: int, predictability: float, seed: int) -> Histories:
    """Draw histories from a Markov chain whose next item is known with a given probability.

    At predictability 1 each item has one fixed successor (a single cycle through all items in random order), at 0 the
    next item is uniform noise, between them each step tosses a coin. After Spotlight's sequence generator, with a
    dial in place of its random transition matrix. Items may repeat within a history.

    >>> histories = markov_histories(n_users=2, n_items=3, length=4, predictability=1.0, seed=1)
    >>> histories.lengths.tolist(), len(set(histories.of(0).tolist()))
    ([4, 4], 3)
    """
    for name, value, least in (("n_users", n_users, 1), ("n_items", n_items, 2), ("length", length, 1)):
        if value < least:
            raise InputError(f"{name} must be at least {least}, got {value}.")
    if not 0 <= predictability <= 1:
        raise InputError(f"predictability must be between 0 and 1, got {predictability}.")
    rng = np.random.default_rng(seed)
    cycle = rng.permutation(n_items)
    successor = np.empty(n_items, dtype=np.int64)
    successor[cycle] = np.roll(cycle, -1)
    items = rng.integers(n_items, size=(n_users, length))
    follows = rng.random((n_users, length)) < predictability
    for step in range(1, length):
        items[:, step] = np.where(follows[:, step], successor[items[:, step - 1]], items[:, step])
    return Histories(
        offsets=np.arange(n_users + 1, dtype=np.int64) * length, items=(items.ravel() + FIRST).astype(np.int32)
    )


def to_gzip_csv(interactions: pl.DataFrame) -> bytes:
    """Encode as a gzip CSV without time or file name, so that equal tables give equal bytes."""
    return gzip.compress(interactions.write_csv().encode(), compresslevel=9, mtime=0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sample's interactions beside its catalogue."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/sample"), help=f"folder that holds {CATALOGUE_FILE}")
    parser.add_argument("--n-users", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    catalogue = pl.read_csv(options.out / CATALOGUE_FILE)
    interactions = generate_watchers(catalogue, n_users=options.n_users, seed=options.seed)
    content = to_gzip_csv(interactions)
    (options.out / INTERACTIONS_FILE).write_bytes(content)
    print(f"{options.out / INTERACTIONS_FILE}: {len(interactions)} rows, {len(content)} bytes")


if __name__ == "__main__":
    main()
