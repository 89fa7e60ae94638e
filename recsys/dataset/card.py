"""The facts on a prepared data set's card: ranges, quantiles, shares, doubts; plain values, ready for JSON."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.order import Ascent
from recsys.dataset.prepared import Order

QUANTILES = {"min": 0.0, "p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99, "max": 1.0}

EARLY = 315_532_800
"""The first second of 1980: nobody has kept a list before."""


def fingerprint(path: Path) -> dict[str, Any]:
    """Identify a source file by its name, size and SHA-256; its folder is nobody's business."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def facts_of(histories: Histories) -> dict[str, Any]:
    """Describe lengths, title counts, ratings and times."""
    counts = np.bincount(histories.items)
    return {
        "history_length": _quantiles(histories.lengths),
        "users_per_title": _quantiles(counts[counts > 0]),
        "ratings": None if histories.ratings is None else _rating_facts(histories.ratings),
        "times": None if histories.times is None else _time_facts(histories, histories.times),
    }


def doubts_of(histories: Histories, ascent: Ascent, order: Order) -> list[str]:
    """Say what a reader of the card should look at twice."""
    doubts = []
    if histories.ratings is not None:
        unrated = int((histories.ratings == -1).sum())
        if unrated:
            doubts.append(f"{unrated:,} ratings are -1; if that means watched, not rated, pass --unrated -1.")
    if histories.times is not None and 0 <= histories.times.max() < EARLY:
        doubts.append("All times are before 1980: is it the right column, and are they epoch seconds or dates?")
    if ascent.suspicious and order is not Order.NONE:
        doubts.append("Title ids ascend inside almost all users: a watch order, or a file sorted by id?")
    return doubts


def _quantiles(values: npt.NDArray[Any]) -> dict[str, float]:
    found = np.quantile(values, list(QUANTILES.values()), method="lower")
    return {"mean": round(float(values.mean()), 2)} | dict(zip(QUANTILES, map(int, found), strict=True))


def _rating_facts(ratings: npt.NDArray[np.float32]) -> dict[str, Any]:
    given = ratings[~np.isnan(ratings)]
    missing = 1 - len(given) / len(ratings)
    facts: dict[str, Any] = {"missing_share": round(missing, 4)}
    if len(given):
        low, high = float(given.min()), float(given.max())
        facts |= {"min": low, "mean": round(float(given.mean(dtype=np.float64)), 3), "max": high}
    return facts


def _time_facts(histories: Histories, times: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Give the range, and the share of events that share their time with a neighbour in the history."""
    rows = histories.rows
    ties = (rows[1:] == rows[:-1]) & (times[1:] == times[:-1])
    tied = np.append(ties, False) | np.insert(ties, 0, False)
    first, last = (datetime.fromtimestamp(int(one), UTC).isoformat() for one in (times.min(), times.max()))
    return {"first": first, "last": last, "tied_share": round(float(tied.mean()), 4)}
