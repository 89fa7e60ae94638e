"""Synthetic data with one planted property each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST, Vocabulary

DAY = 86_400
START = 1_600_000_000


def dataset(
    rows: Sequence[Sequence[int]],
    *,
    times: Sequence[Sequence[int]] | None = None,
    ratings: Sequence[float] | None = None,
    order: Order | None = None,
    n_items: int | None = None,
    card: dict[str, Any] | None = None,
) -> Dataset:
    """Build a data set from item numbers (0 …), whose external ids ascend with them."""
    n_items = n_items or 1 + max((item for row in rows for item in row), default=0)
    base = Histories.from_lists([[item + FIRST for item in row] for row in rows])
    histories = Histories(
        base.offsets,
        base.items,
        None if ratings is None else np.array(ratings, dtype=np.float32),
        None if times is None else np.array([time for row in times for time in row], dtype=np.int64),
        np.arange(len(rows), dtype=np.int32) + FIRST,
    )
    items = Vocabulary(np.arange(n_items) + 1000)
    chosen = order or (Order.LISTED if times is None else Order.TIME)
    catalogue = Catalogue(pl.DataFrame({"anime_id": items.ids}))
    return Dataset("planted", histories, Vocabulary(np.arange(len(rows))), items, catalogue, chosen, card or {})


def random_rows(n_users: int = 60, n_items: int = 40, length: int = 12, seed: int = 0) -> list[list[int]]:
    """Draw histories without any order, each title at most once."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(n_items)[:length].tolist() for _ in range(n_users)]


def chain_rows(
    n_users: int = 150, n_items: int = 40, length: int = 12, follow: float = 0.9, seed: int = 0
) -> list[list[int]]:
    """Draw walks on one random cycle, each title at most once; a step follows the cycle with this probability."""
    rng = np.random.default_rng(seed)
    cycle = rng.permutation(n_items)
    place = np.argsort(cycle)
    rows = []
    for _ in range(n_users):
        row = [int(rng.integers(n_items))]
        while len(row) < length:
            after = int(cycle[(place[row[-1]] + 1) % n_items])
            if after in row or rng.random() > follow:
                after = int(rng.choice(np.setdiff1d(np.arange(n_items), row)))
            row.append(after)
        rows.append(row)
    return rows


def times_apart(rows: Sequence[Sequence[int]], gap: int, *, apart: int = 0) -> list[list[int]]:
    """Give each user's events times that lie a gap apart; each user starts so much after the one before."""
    return [[START + user * apart + gap * place for place in range(len(row))] for user, row in enumerate(rows)]
