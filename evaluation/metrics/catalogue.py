"""What all lists together do to the catalogue: one number, not one a user."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.lists import Lists
from recsys.dataset.vocabulary import FIRST


def coverage(lists: Lists, k: int) -> float:
    """Compute the share of the catalogue that appears in at least one user's first k.

    Source: Ge, Delgado-Battenfeld, Jannach, Beyond accuracy, RecSys 2010, section 3.1 (catalogue coverage).
    """
    return float((_exposures(lists, k) > 0).sum() / lists.n_titles)


def gini(lists: Lists, k: int) -> float:
    """Compute how unequally the places of all users' first k fall on the titles, those never shown included.

    0 when all are shown equally often, 1 - 1/n when one of n has every place; 0 when nothing is shown. Source: Fleder,
    Hosanagar, Blockbuster culture's next rise or fall, Management Science 55 (2009), section 4.
    """
    return gini_of(_exposures(lists, k))


def gini_of(counts: npt.NDArray[Any]) -> float:
    """Compute the Gini coefficient of counts: 0 when all are alike, near 1 when one has everything.

    G = sum over i of (2 i - n - 1) x_i / (n sum x), x ascending, i from 1. Source: Damgaard, Weiner, Describing
    inequality in plant size or fecundity, Ecology 81 (2000), equation 1.

    >>> gini_of(np.array([1, 1, 1])), gini_of(np.array([0, 0, 0, 8]))
    (0.0, 0.75)
    """
    ascending = np.sort(counts).astype(np.float64)
    n, total = len(ascending), ascending.sum()
    if total == 0:
        return 0.0
    return float(((2 * np.arange(1, n + 1) - n - 1) * ascending).sum() / (n * total))


def _exposures(lists: Lists, k: int) -> npt.NDArray[np.int64]:
    """Count how often each title of the catalogue is shown, shape (n_titles,)."""
    codes, _ = lists.top(k)
    counts: npt.NDArray[np.int64] = np.bincount(codes.ravel(), minlength=lists.n_codes)[FIRST:]
    return counts
