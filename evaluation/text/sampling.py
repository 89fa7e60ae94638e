"""What other test texts might have given: units drawn anew, a unit being a text or all texts of one group."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evaluation.certainty import LEVEL, SAMPLES

_CHUNK = 4_000_000  # random draws held at a time


class Grouped(Protocol):
    """Say of texts, where it matters, which of them belong together, such as the phrases of one sentence."""

    @property
    def groups(self) -> npt.NDArray[np.int64] | None: ...

    def __len__(self) -> int: ...


def units_of(corpus: Grouped) -> tuple[npt.NDArray[np.intp], int]:
    """Number the independent units of a corpus: each text's unit (n_texts,), and how many units there are.

    Texts of one group say nearly the same, so they are drawn together; without groups every text is a unit.
    """
    if corpus.groups is None:
        return np.arange(len(corpus)), len(corpus)
    found, units = np.unique(corpus.groups, return_inverse=True)
    return units.reshape(-1), len(found)


def sum_by_unit(values: npt.NDArray[Any], units: npt.NDArray[np.integer], n_units: int) -> npt.NDArray[np.float64]:
    """Sum the columns of (n_texts, n_columns) inside every unit, shape (n_units, n_columns).

    >>> sum_by_unit(np.array([[1, 5], [2, 5], [4, 5]]), np.array([0, 1, 0]), 2).tolist()
    [[5.0, 10.0], [2.0, 5.0]]
    """
    columns = [np.bincount(units, weights=column, minlength=n_units) for column in values.T]
    return np.stack(columns, axis=1)


def draw_sums(totals: npt.NDArray[np.float64], *, samples: int = SAMPLES, seed: int = 0) -> npt.NDArray[np.float64]:
    """Sum the columns of (n_units, n_columns) over as many units drawn with replacement, shape (samples, n_columns).

    The seed and the number of units decide the draws, so tables of the same units are resampled alike and may be
    paired. Source: Efron, Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13; drawing whole groups:
    Field, Welsh, Bootstrapping clustered data, J. R. Statist. Soc. B 69 (2007).
    """
    n_units = len(totals)
    rng = np.random.default_rng(seed)
    sums = []
    per_chunk = max(1, _CHUNK // n_units)
    for start in range(0, samples, per_chunk):
        draws = rng.integers(0, n_units, size=(min(per_chunk, samples - start), n_units), dtype=np.int32)
        counts = np.stack([np.bincount(draw, minlength=n_units) for draw in draws])  # (draws, units)
        sums.append(counts @ totals)
    return np.concatenate(sums)


def bounds(draws: npt.NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of resampled values."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
