"""Recall with intervals that stay honest in small groups, and how far it lies above popularity's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.certainty import LEVEL, Difference, Interval, paired_differences

CUTOFFS = (10, 20)
REFERENCE = "popularity"
"""What every model is measured against: it knows nothing of the person, and nothing of the title but its count."""
TINY = 30
"""A group of fewer targets is reported, but says nothing for or against a model."""
OVER = f"over_{REFERENCE}"


def hits(ranks: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Return recall at each of `CUTOFFS` for users with one target each: (seeds, users) to (users, cutoffs).

    >>> hits(np.array([[3, 15, 40], [11, 15, 40]])).tolist()
    [[0.5, 1.0], [0.0, 1.0], [0.0, 0.0]]
    """
    found: npt.NDArray[np.float64] = (ranks[:, :, None] <= np.array(CUTOFFS)).mean(axis=0)
    return found


def summary(found: npt.NDArray[np.float64], reference: npt.NDArray[np.float64] | None = None) -> dict[str, Any]:
    """Summarise a group's hits (users, cutoffs): number of targets, recall, and the paired difference to a reference.

    The result is ready for JSON. A group of nobody has None for its numbers.
    """
    names = [f"recall@{k}" for k in CUTOFFS]
    told: dict[str, Any] = {"n_targets": len(found), "tiny": len(found) < TINY}
    if len(found) == 0:
        return told | dict.fromkeys(names)
    told |= {name: wilson(*one)._asdict() for name, one in zip(names, _means(found), strict=True)}
    if reference is not None:
        told[OVER] = {name: one._asdict() for name, one in zip(names, differences(found, reference), strict=True)}
    return told


def wilson(share: float, n: int) -> Interval:
    """Return a share of n users with its score interval, which does not shrink to nothing where nobody was hit.

    A share that is a mean over seeds may lie between the n-ths. Source: Wilson, Probable inference, the law of
    succession, and statistical inference, JASA 22 (1927).

    >>> [round(bound, 3) for bound in wilson(0.0, 25)]
    [0.0, 0.0, 0.133]
    """
    from scipy.stats import norm

    z = float(norm.ppf((1 + LEVEL) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def differences(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> list[Difference]:
    """Compare the hits of two models on the same users, (users, cutoffs): one `Difference` a - b a cutoff.

    The interval is the paired bootstrap's. p is the exact sign test's (McNemar's, as a title is found or not): the
    t-test's asks for more users than the rare titles have.
    """
    return [one._replace(p=sign_test(one.wins, one.losses)) for one in paired_differences(a, b)]


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p of so many wins and losses under a fair coin.

    >>> sign_test(5, 0), sign_test(0, 0)
    (0.0625, 1.0)
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def interval_of(group: Mapping[str, Any], metric: str) -> Interval | None:
    """Read a metric from a group's summary; None where the group is empty."""
    found = group[metric]
    return None if found is None else Interval(found["value"], found["low"], found["high"])


def _means(found: npt.NDArray[np.float64]) -> list[tuple[float, int]]:
    return [(float(mean), len(found)) for mean in found.mean(axis=0)]
