"""Small invented data sets with a known answer."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.synthetic import markov_histories
from recsys.dataset.vocabulary import FIRST, Vocabulary

ADULT_ID, UNSEEN_ID = 124, 900


def camps(n_people: int = 40, *, camp_size: int = 12, taste: bool = True, seed: int = 0) -> Dataset:
    """Give people of two camps: each watched 5-8 titles, with `taste` all of their own camp, else just any.

    Titles 100, 101, … are Action, the next ones Romance; `ADULT_ID` belongs to the Romance camp and is Hentai,
    `UNSEEN_ID` was watched by nobody. Ratings (some missing) and times are there; the order says nothing.
    """
    rng = np.random.default_rng(seed)
    ids = [*range(100, 100 + 2 * camp_size), ADULT_ID, UNSEEN_ID]
    genres = [*[["Action"]] * camp_size, *[["Romance"]] * camp_size, ["Hentai"], ["Action"]]
    types = [*["TV", "Movie"] * camp_size, "OVA", "TV"]
    catalogue = pl.DataFrame({"anime_id": ids, "genres": genres, "type": types})
    halves = np.arange(camp_size) + FIRST, np.arange(camp_size, 2 * camp_size + 1) + FIRST
    either = np.concatenate(halves)
    rows = [rng.permutation(halves[i % 2] if taste else either)[: rng.integers(5, 9)].tolist() for i in range(n_people)]
    base = Histories.from_lists(rows)
    histories = Histories(
        base.offsets,
        base.items,
        np.where(rng.random(base.n_events) < 0.2, np.nan, rng.integers(1, 11, base.n_events)),
        1_600_000_000 + 86_400 * np.arange(base.n_events),
        np.arange(n_people) + FIRST,
    )
    users = Vocabulary(np.arange(n_people) + 5000)
    return Dataset("camps", histories, users, Vocabulary(ids), Catalogue(catalogue), Order.TIME)


def chains(predictability: float, *, n_people: int = 160, n_items: int = 30, length: int = 12) -> Dataset:
    """Give people who walk one Markov chain: the next title follows from the last one with this probability."""
    base = markov_histories(n_people, n_items, length, predictability, seed=1)
    histories = Histories(base.offsets, base.items, users=np.arange(n_people) + FIRST)
    items = Vocabulary(np.arange(n_items) + 100)
    catalogue = Catalogue(pl.DataFrame({"anime_id": items.ids}))
    return Dataset("chains", histories, Vocabulary(np.arange(n_people)), items, catalogue, Order.LISTED)


def walks(n_people: int = 100, n_items: int = 400, length: int = 8) -> Dataset:
    """Give people who each walk along the ids, one by one, from anywhere: few have ever been at the same place."""
    starts = np.random.default_rng(3).integers(0, n_items - length, n_people)
    rows = [(start + FIRST + np.arange(length)).tolist() for start in starts]
    histories = Histories.from_lists(rows, list(range(FIRST, FIRST + n_people)))
    ids = Vocabulary(np.arange(n_items))
    catalogue = Catalogue(pl.DataFrame({"anime_id": ids.ids}))
    return Dataset("walks", histories, Vocabulary(np.arange(n_people)), ids, catalogue, Order.LISTED)


def franchises(n_people: int = 400, n_franchises: int = 15, seed: int = 0) -> Dataset:
    """Give people who watched both parts of each of their franchises; each part is watched for itself at random.

    The parts that go together are told by their names, and by who watched them too seldom for a model to see.
    """
    rng = np.random.default_rng(seed)
    names = [f"{word} {part}" for word in _words(n_franchises) for part in ("one", "two")]
    rows = []
    for _ in range(n_people):
        liked = rng.choice(n_franchises, 3, replace=False)
        rows.append((rng.permutation(np.concatenate([2 * liked, 2 * liked + 1])) + FIRST).tolist())
    base = Histories.from_lists(rows, list(range(FIRST, n_people + FIRST)))
    ids = Vocabulary(np.arange(2 * n_franchises))
    catalogue = Catalogue(pl.DataFrame({"anime_id": ids.ids, "title": names}))
    return Dataset("franchises", base, Vocabulary(np.arange(n_people)), ids, catalogue, Order.NONE)


def _words(n: int) -> list[str]:
    return ["".join(chr(97 + (place * 7 + step * 5) % 26) for step in range(6)) + str(place) for place in range(n)]
