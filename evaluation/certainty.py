"""How far a mean, or a difference between two models, can be trusted: resampling, tests and counts over users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SAMPLES = 1000
LEVEL = 0.95
TOLERANCE = 1e-9
"""Two values of a user this close are a tie: averages over seeds differ in their last digits by the order of adding."""
_CHUNK = 4_000_000  # random draws held at a time


class Interval(NamedTuple):
    """Hold a value with the bounds of its interval; a number that no resampling describes has None for bounds."""

    value: float
    low: float | None
    high: float | None


class Difference(NamedTuple):
    """Hold by how much one model beats another on the same users, in one metric.

    `value` is the mean difference with its bootstrap interval, `p` the paired t-test's (two-sided, uncorrected), and
    `wins`, `ties`, `losses` count the users for whom the first model is better, as good, or worse.
    """

    value: float
    low: float
    high: float
    p: float
    wins: int
    ties: int
    losses: int


class Spread(NamedTuple):
    """Hold what several seeds gave: mean, standard deviation between them (None for one seed), least and most."""

    mean: float
    sd: float | None
    min: float
    max: float


def bootstrap(
    values: npt.NDArray[Any], *, samples: int = SAMPLES, level: float = LEVEL, seed: int = 0
) -> list[Interval]:
    """Compute the mean of each column of (n_users, n_metrics) with its percentile-bootstrap interval.

    Users are drawn with replacement, the same draws for all columns; the seed decides them. Source: Efron, Tibshirani,
    An Introduction to the Bootstrap (1993), chapter 13.
    """
    values = np.asarray(values, dtype=np.float64)
    low, high = _bounds(values, samples, level, seed)
    columns = zip(values.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(mean, down, up) for mean, down, up in columns]


def _bounds(
    values: npt.NDArray[np.float64], samples: int, level: float, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the lower and the upper bound of each column's mean."""
    n_users = len(values)
    rng = np.random.default_rng(seed)
    means = []
    per_chunk = max(1, _CHUNK // n_users)
    for start in range(0, samples, per_chunk):
        draws = rng.integers(0, n_users, size=(min(per_chunk, samples - start), n_users), dtype=np.int32)
        counts = np.stack([np.bincount(draw, minlength=n_users) for draw in draws])  # (draws, users)
        means.append(counts @ values / n_users)
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def paired_differences(
    a: npt.NDArray[Any],
    b: npt.NDArray[Any],
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> list[Difference]:
    """Compare two models user by user: one `Difference` a - b for each column of two tables (n_users, n_columns).

    The interval is that of the paired bootstrap (a user is drawn with both of their values), so what makes a user easy
    or hard for both cancels out; p is that of `paired_t`. Sources: Efron, Tibshirani (1993), chapter 13; for both in
    retrieval: Smucker, Allan, Carterette, A comparison of statistical significance tests, CIKM 2007.

    >>> [found] = paired_differences(np.array([[1.0], [1.0], [0.0]]), np.array([[0.0], [1.0], [0.0]]))
    >>> round(found.value, 3), found.wins, found.ties, found.losses
    (0.333, 1, 2, 0)
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    assert a.shape == b.shape, "the tables are of the same users and metrics"
    differences = a - b
    differences[np.abs(differences) <= tolerance] = 0.0
    wins, losses = (differences > 0).sum(axis=0), (differences < 0).sum(axis=0)
    low, high = _bounds(differences, samples, level, seed)
    table = (differences.mean(axis=0), low, high, paired_t(differences), wins, len(a) - wins - losses, losses)
    return [Difference(*column) for column in zip(*(row.tolist() for row in table), strict=True)]


def paired_t(differences: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute the two-sided p of the paired t-test for each column of differences (n_users, n_columns).

    Where all users differ by the same amount, t has no denominator: models that agree on everybody have p = 1, and
    otherwise the sign test answers, 2 * (1/2)^n_users for n users on one side. Source: Student, The probable error of
    a mean, Biometrika 6 (1908), section IX.
    """
    from scipy.stats import ttest_1samp  # takes half a second, and only comparisons need it

    n_users = len(differences)
    p = np.where(np.abs(differences[0]) > 0, 2.0 ** (1 - n_users), 1.0)
    varied = np.ptp(differences, axis=0) > TOLERANCE
    if varied.any():
        p[varied] = ttest_1samp(differences[:, varied], 0.0, axis=0).pvalue
    return p


def holm(p_values: Sequence[float] | npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Correct p-values for being several, so that the chance of any false one stays below the level; keeps the order.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may fall below the one before it, nor rise
    above 1. Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).

    >>> holm([0.04, 0.01, 0.03]).round(3).tolist()
    [0.06, 0.03, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected


def seed_spread(values_by_seed: Sequence[float] | npt.NDArray[Any]) -> Spread:
    """Summarise a metric's values, one a seed; the standard deviation is the sample's (n - 1).

    >>> seed_spread([0.25, 0.5, 0.75])
    Spread(mean=0.5, sd=0.25, min=0.25, max=0.75)
    """
    values = np.asarray(values_by_seed, dtype=np.float64)
    assert values.ndim == 1, "one value a seed"
    assert len(values), "at least one seed"
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return Spread(float(values.mean()), sd, float(values.min()), float(values.max()))


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
