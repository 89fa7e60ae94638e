"""How far a mean can be trusted: bootstrap intervals over users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SAMPLES = 1000
LEVEL = 0.95
_CHUNK = 4_000_000  # random draws held at a time


class Interval(NamedTuple):
    """Hold a value with the bounds of its interval; a number that no resampling describes has None for bounds."""

    value: float
    low: float | None
    high: float | None


def bootstrap(
    values: npt.NDArray[Any], *, samples: int = SAMPLES, level: float = LEVEL, seed: int = 0
) -> list[Interval]:
    """Compute the mean of each column of (n_users, n_metrics) with its percentile-bootstrap interval.

    Users are drawn with replacement, the same draws for all columns; the seed decides them. Source: Efron, Tibshirani,
    An Introduction to the Bootstrap (1993), chapter 13.
    """
    values = np.asarray(values, dtype=np.float64)
    n_users = len(values)
    rng = np.random.default_rng(seed)
    means = []
    per_chunk = max(1, _CHUNK // n_users)
    for start in range(0, samples, per_chunk):
        draws = rng.integers(0, n_users, size=(min(per_chunk, samples - start), n_users), dtype=np.int32)
        counts = np.stack([np.bincount(draw, minlength=n_users) for draw in draws])  # (draws, users)
        means.append(counts @ values / n_users)
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2], axis=0)
    bounds = zip(values.mean(axis=0), low, high, strict=True)
    return [Interval(float(mean), float(down), float(up)) for mean, down, up in bounds]


def clear_winner(values: Sequence[npt.NDArray[Any]], *, seed: int = 0) -> int | None:
    """Return which of several models, judged on the same users, is best beyond doubt; None when none is.

    `values` holds one value a user for each model. The best mean wins only when the bootstrap interval of its paired
    difference to every other model stays above zero.
    """
    if len(values) < 2:
        return None
    table = np.stack(values, axis=1)  # (users, models)
    best = int(table.mean(axis=0).argmax())
    differences = table[:, [best]] - np.delete(table, best, axis=1)
    lows = [interval.low for interval in bootstrap(differences, seed=seed)]
    return best if all(low is not None and low > 0 for low in lows) else None
