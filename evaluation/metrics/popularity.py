"""How popular, how new and how surprising what is recommended is, one value a user.

A title's popularity is the share of the people in the training part who watched it. Means run over the titles that a
list has in its first k, fewer where it is shorter; an empty list has the value 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.lists import Lists
from evaluation.metrics.accuracy import PerUser
from recsys.dataset.vocabulary import FIRST


def novelty(lists: Lists, k: int) -> PerUser:
    """Compute the mean self-information of the first k: mean of -log2(watchers / people), in bits.

    A title that nobody in the training part watched counts as watched by one: as new as any title can be known to be.
    Source: Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 107 (2010),
    "surprisal"; Castells, Vargas, Wang, DDR workshop 2011, equation 5 (mean inverse user frequency).
    """
    return _mean_listed(lists, k, -np.log2(np.maximum(lists.watchers, 1) / lists.n_people))


def popularity(lists: Lists, k: int) -> PerUser:
    """Compute the mean popularity of the first k: mean of watchers / people, from 0 to 1.

    Source: Yin, Cui, Li, Yao, Chen, Challenging the long tail recommendation, VLDB 2012, section 5.2.2, as a share.
    """
    return _mean_listed(lists, k, lists.watchers / lists.n_people)


def popularity_lift(lists: Lists, k: int) -> PerUser:
    """Compute how much more popular the first k are than the user's own history: (list - history) / history.

    Both are mean popularities. 0 means as popular as what the user watched, 1 twice as popular, -1 titles that nobody
    watched. A user without a history, or with one that nobody in the training part watched, has the value 0. Source:
    Abdollahpouri, Mansoury, Burke, Mobasher, The connection between popularity bias, calibration, and fairness in
    recommendation, RecSys 2020, equation 2, with every user as a group of their own.
    """
    shares = lists.watchers / lists.n_people
    known = lists.inputs.items >= FIRST
    rows, items = lists.inputs.rows[known], lists.inputs.items[known]
    sums = np.bincount(rows, weights=shares[items], minlength=lists.n_users)
    own = sums / np.maximum(np.bincount(rows, minlength=lists.n_users), 1)
    lift = popularity(lists, k) - own
    return np.divide(lift, own, out=np.zeros(lists.n_users), where=own > 0)


def serendipity(lists: Lists, k: int) -> PerUser:
    """Compute how far the first k are relevant and were not to be expected from popularity alone.

    Mean over the list of [is a target] * max(P(place) - P(popularity rank), 0), with P(r) = (n + 1 - r) / n for the
    r-th of n titles and P = 0 for titles that nobody watched; equally popular titles share the best of their ranks. A
    target that the list places no higher than popularity would is worth nothing. Source: Murakami, Mori, Orihara,
    Metrics for evaluating the serendipity of recommendation lists, JSAI 2007, with popularity as the primitive
    predictor (as in RecTools, which ranks distinct counts instead of titles).
    """
    codes, listed = lists.top(k)
    n = lists.n_titles
    ascending = np.sort(lists.watchers[FIRST:])
    more_popular = n - np.searchsorted(ascending, lists.watchers, side="right")  # (n_codes,)
    expected = np.where(lists.watchers > 0, (n - more_popular) / n, 0.0)
    place = (n - np.arange(codes.shape[1])) / n
    relevant = listed & lists.listed_in(lists.targets, codes)
    values = np.where(relevant, np.maximum(place - expected[codes], 0.0), 0.0)
    return _divide(values.sum(axis=1), listed)


def _mean_listed(lists: Lists, k: int, values: npt.NDArray[np.float64]) -> PerUser:
    """Average a value a title, (n_codes,), over the first k of each list."""
    codes, listed = lists.top(k)
    return _divide(np.where(listed, values[codes], 0.0).sum(axis=1), listed)


def _divide(sums: PerUser, listed: npt.NDArray[np.bool_]) -> PerUser:
    means: PerUser = sums / np.maximum(listed.sum(axis=1), 1)
    return means
