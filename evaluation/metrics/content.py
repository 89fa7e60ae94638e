"""What the lists are made of: how varied, how like the user's own genres, in which order of sequels; one value a user.

Titles of which nothing is known (no genre, no tag) are left out of the means: they are neither alike nor different.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from evaluation.lists import Lists
from evaluation.metrics.accuracy import PerUser
from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import PADDING

USERS_PER_BLOCK = 4_096
"""How many users' sums of title vectors are in memory at once."""
ALPHA = 0.01
"""How much of the user's own distribution smooths the list's (Steck 2018, section 3)."""


def diversity(lists: Lists, k: int) -> PerUser:
    """Compute the mean distance of the pairs in the first k: 1 - cosine of their genre and tag vectors, from 0 to 1.

    0 for fewer than two described titles. Source: Ziegler, McNee, Konstan, Lausen, Improving recommendation lists
    through topic diversification, WWW 2005, section 3.3 (intra-list similarity); as a mean distance in Vargas,
    Castells, Rank and relevance in novelty and diversity metrics for recommender systems, RecSys 2011. The cosines of
    all pairs sum to the product of the unit vectors' sum with itself, less m for each with itself: no pair is looked
    at.
    """
    features = lists.ground("features").astype(np.float64)
    lengths = np.sqrt(features.sum(axis=1))  # of vectors of 0 and 1
    units = features / np.maximum(lengths, 1)[:, None]
    described = lengths > 0
    values = np.zeros(lists.n_users)
    codes, _ = lists.top(k)
    for users, sums in _sums(codes, units):
        m = described[codes[users]].sum(axis=1)
        similar = ((sums**2).sum(axis=1) - m) / np.maximum(m * (m - 1), 1)
        values[users] = np.where(m > 1, 1 - similar, 0.0)
    return np.clip(values, 0.0, 1.0)  # the rounding of equal vectors


def miscalibration(lists: Lists, k: int) -> PerUser:
    """Compute how far the genres of the first k are from those of the user's history, 0 for the same shares.

    C_KL(p, q) = sum over genres of p log(p / q'), q' = (1 - alpha) q + alpha p, alpha = .01, natural logarithm, where p
    averages the genre shares of the titles watched and q those of the titles listed, each title's genres weighing 1 in
    all. From 0 to -log alpha = 4.6. 0 where no title of the history has a genre. Source: Steck, Calibrated
    recommendations, RecSys 2018, equations 2, 3, 6 and 7, with equal weights.
    """
    genres = lists.ground("genres").astype(np.float64)
    shares = genres / np.maximum(genres.sum(axis=1, keepdims=True), 1)  # p(g|i)
    values = np.zeros(lists.n_users)
    codes, _ = lists.top(k)
    for users, sums in _sums(codes, shares):
        p = _normalised(_sums_of(lists.inputs.select(users), shares))
        smooth = (1 - ALPHA) * _normalised(sums) + ALPHA * p
        logs = np.log(np.divide(p, smooth, out=np.ones_like(p), where=p > 0))
        values[users] = (p * logs).sum(axis=1)
    return np.maximum(values, 0.0)  # the rounding of equal shares


def sequel_breaks(lists: Lists, k: int) -> PerUser:
    """Compute the share of the first k that continue a title which the user has not watched.

    |{listed titles with a prequel that is not in the user's history}| / |listed titles|; only the title directly before
    counts, and that the list itself may hold it does not help: people pick from a list in any order. 0 for an empty
    list. Source: this project's own.
    """
    prequels = lists.ground("prequels")
    codes, listed = lists.top(k)
    before = prequels[codes]
    breaks = listed & (before != PADDING) & ~lists.listed_in(lists.inputs, before)
    values: PerUser = breaks.sum(axis=1) / np.maximum(listed.sum(axis=1), 1)
    return values


def _sums(
    codes: npt.NDArray[np.int32], table: npt.NDArray[np.float64]
) -> Iterator[tuple[slice, npt.NDArray[np.float64]]]:
    """Yield blocks of users with the sum of their listed titles' rows of a table (n_codes, n); padding adds nothing."""
    for start in range(0, len(codes), USERS_PER_BLOCK):
        users = slice(start, start + USERS_PER_BLOCK)
        block = codes[users]
        offsets = np.arange(len(block) + 1) * block.shape[1]
        yield users, _sums_of(Histories(offsets, block.ravel()), table)


def _sums_of(histories: Histories, table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum the rows of a table (n_codes, n) over each user's titles, (n_users, n)."""
    from scipy.sparse import csr_array

    ones = np.ones(histories.n_events)
    shape = (histories.n_users, len(table))
    sums: npt.NDArray[np.float64] = csr_array((ones, histories.items, histories.offsets), shape=shape) @ table
    return sums


def _normalised(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    totals = sums.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float64] = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    return shares
