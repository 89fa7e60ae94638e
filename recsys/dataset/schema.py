"""What a reader hands over: the raw tables under canonical column names, still lazy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from recsys.dataset.prepared import Order

USER, ITEM, RATING, TIME, POSITION = "user_id", "anime_id", "rating", "timestamp", "position"
"""The columns of an interaction table; rating, timestamp and position may be absent."""
MICROSECOND = "microsecond"
"""The column beside a timestamp with what it leaves out: only the order of events within a second needs it."""

UNREADABLE = -(2**63)
"""What a reader gives for a timestamp or position that it could not understand, so that the row can be named."""
LAST_TIME = 10_000_000_000
"""No timestamp is later (the year 2286); what is larger is in a finer unit than seconds."""


@dataclass(frozen=True)
class RawTables:
    """Hold what a source says, in canonical columns, before anything is checked or dropped.

    `interactions` has `user_id` and `anime_id` (both Int64 or String) and, where the source has them, `rating`
    (Float32, null where missing), `timestamp` (Int64 epoch seconds) with `microsecond` (Int32) and `position` (Int64,
    the declared order); its rows are the source's rows, in file order. `text` is the same table with each cell as the
    source spells it, to name a row that cannot be read. `items` has `anime_id` and columns of
    `recsys.dataset.catalogue.SCHEMA`.
    """

    interactions: pl.LazyFrame
    items: pl.LazyFrame | None
    source: str
    declared_order: Order | None = None
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    text: pl.LazyFrame | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """The source's own name of each canonical column."""
    synthetic: bool = False
    """Whether the source says that its people are invented."""
