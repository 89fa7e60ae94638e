"""What all lists together do to the catalogue: one number, not one a user."""

from __future__ import annotations

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

    G = sum over j = 1 … n of (2 j - n - 1) x_j / (n sum of x), with x the titles' exposures, ascending: 0 when all are
    shown equally often, 1 - 1/n when one has every place; 0 when nothing is shown. Source: Gini coefficient as in
    Fleder, Hosanagar, Blockbuster culture's next rise or fall, Management Science 55 (2009), section 4.
    """
    exposures = np.sort(_exposures(lists, k)).astype(np.float64)
    n, total = len(exposures), exposures.sum()
    if total == 0:
        return 0.0
    return float(((2 * np.arange(1, n + 1) - n - 1) * exposures).sum() / (n * total))


def _exposures(lists: Lists, k: int) -> npt.NDArray[np.int64]:
    """Count how often each title of the catalogue is shown, shape (n_titles,)."""
    codes, _ = lists.top(k)
    counts: npt.NDArray[np.int64] = np.bincount(codes.ravel(), minlength=lists.n_codes)[FIRST:]
    return counts
