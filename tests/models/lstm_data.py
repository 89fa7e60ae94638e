"""Small data sets and settings on which an LSTM trains in a second or two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.synthetic import markov_histories
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.models.lstm.config import LSTMConfig

MINUTE, MONTH = 60, 30 * 86_400

TINY = LSTMConfig(
    units=(16, 16),
    dim=16,
    user_dim=4,
    rating_dim=4,
    time_dim=4,
    window=10,
    epochs=2,
    batch_size=16,
    wide_share=0.0,
    chain_share=0.0,
    names_odds=0.0,
)
SMALL = replace(TINY, units=(8,), dim=8, batch_size=4, wish_rate=0.5)
LEARN = replace(
    TINY, units=(32, 32), dim=32, epochs=25, learning_rate=0.01, schedule="constant", dropout=0.0, patience=25
)


def markov_dataset(predictability: float, *, n_users: int = 160, n_items: int = 30, length: int = 20) -> Dataset:
    """Wrap Markov histories; the genre of a title is its code modulo 3."""
    histories = markov_histories(n_users, n_items, length, predictability, seed=1)
    users = Vocabulary(np.arange(n_users))
    items = Vocabulary(np.arange(n_items) + 1000)
    names = np.array(["Action", "Drama", "Comedy"])[np.arange(n_items) % 3]
    catalogue = Catalogue(pl.DataFrame({"anime_id": items.ids, "genres": [[name] for name in names]}))
    known = Histories(histories.offsets, histories.items, users=np.arange(n_users, dtype=np.int32) + FIRST)
    return Dataset("markov", known, users, items, catalogue, Order.LISTED)


def waiting_dataset(*, n_people: int = 200, n_titles: int = 40, length: int = 12) -> Dataset:
    """Give people who watch an even title within a minute, and an odd one after a month, else whatever they like."""
    rng = np.random.default_rng(0)
    rows = [(rng.permutation(n_titles)[:length] + FIRST).tolist() for _ in range(n_people)]
    base = Histories.from_lists(rows, list(range(FIRST, FIRST + n_people)))
    waits = np.where(base.items % 2 == 0, MINUTE, MONTH)
    times = np.concatenate([1_500_000_000 + np.cumsum(waits[base.rows == row]) for row in range(n_people)])
    items = Vocabulary(np.arange(n_titles) + 100)
    catalogue = Catalogue(pl.DataFrame({"anime_id": items.ids}))
    histories = replace(base, times=times)
    return Dataset("waits", histories, Vocabulary(np.arange(n_people)), items, catalogue, Order.TIME)
