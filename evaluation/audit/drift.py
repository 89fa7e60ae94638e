"""How the data changes over time: what is popular, which titles and people are new."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.audit.findings import Finding, Severity, percent, rounded
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset

TOPIC = "content"
LEAST_EVENTS, LEAST_USERS = 100, 20
DRIFTING, NEW = 0.05, 0.1
"""From this divergence beyond that of two random groups of people, or share of events on new titles, it matters."""
PERIODS = (("D", 90), ("W", 104), ("M", 120), ("Y", 1000))
"""The units of a timeline, each with the most bars that it may have."""


def check_drift(data: Dataset, seed: int = 0) -> tuple[list[Finding], dict[str, Any]]:
    """Return the findings on change over time and the series of their figures; nothing without times."""
    histories = data.histories
    if histories.times is None or histories.n_events == 0:
        return [], {}
    series = {"timeline": _timeline(histories, histories.times)}
    low, high = np.quantile(histories.times, [0.2, 0.8])
    first, last = histories.times <= low, histories.times >= high
    if histories.n_events < LEAST_EVENTS or histories.n_users < LEAST_USERS or low >= high:
        return [Finding(TOPIC, "drift", Severity.INFO, "too little to tell", "There are too few events.")], series
    return [_drift(data, first, last, seed), _newcomers(histories, histories.times, last)], series


def divergence(p: npt.NDArray[Any], q: npt.NDArray[Any]) -> float:
    """Compute the Jensen-Shannon divergence of two vectors of counts in bits: 0 alike, 1 nothing in common.

    JSD = H((p + q) / 2) - (H(p) + H(q)) / 2 with p, q normalised. Source: Lin, Divergence measures based on the
    Shannon entropy, IEEE Transactions on Information Theory 37 (1991), equation 3.4 with equal weights.

    >>> divergence(np.array([1, 1, 0]), np.array([0, 0, 5])), divergence(np.array([1, 2]), np.array([2, 4]))
    (1.0, 0.0)
    """
    p, q = p / p.sum(), q / q.sum()
    return max(0.0, _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2)


def _entropy(shares: npt.NDArray[Any]) -> float:
    given = shares[shares > 0]
    return float(-(given @ np.log2(given)))


def _drift(data: Dataset, first: npt.NDArray[np.bool_], last: npt.NDArray[np.bool_], seed: int) -> Finding:
    """Compare popularity in the first and last fifth of all events with two random groups of people of that size."""
    items, n = data.histories.items, data.n_codes
    found = divergence(np.bincount(items[first], minlength=n), np.bincount(items[last], minlength=n))
    chance = float(np.mean([_by_chance(data, int(first.sum()), int(last.sum()), seed + at) for at in range(3)]))
    beyond = found - chance
    drifts = beyond > DRIFTING
    return Finding(
        TOPIC,
        "drift of popularity",
        Severity.NOTICE if drifts else Severity.INFO,
        f"Jensen-Shannon divergence {found:.2f} between the first and the last fifth of events "
        f"({chance:.2f} between random groups of people)",
        "What is popular changes. A model that was trained on all times knows what becomes popular after the moment "
        "that it is tested at."
        if drifts
        else "What is popular changes hardly more than from one group of people to the next.",
        "Judge by a split at one moment in time: --split time." if drifts else "",
        {"divergence": rounded(found), "by_chance": rounded(chance)},
    )


def _by_chance(data: Dataset, n_first: int, n_last: int, seed: int) -> float:
    """Return the divergence between two random groups of people that have as many events as the two fifths.

    Whole people are drawn: the events of one are alike, so that random events would differ by too little.
    """
    histories = data.histories
    shuffled = np.random.default_rng(seed).permutation(histories.n_users)
    before = np.cumsum(histories.lengths[shuffled])
    group = np.zeros(histories.n_users, dtype=np.int8)
    group[shuffled[before <= n_first]] = 1
    group[shuffled[before > histories.n_events - n_last]] = 2
    of_event = group[histories.rows]
    counts = [np.bincount(histories.items[of_event == one], minlength=data.n_codes) for one in (1, 2)]
    return divergence(*counts) if all(count.sum() for count in counts) else 0.0


def _newcomers(histories: Histories, times: npt.NDArray[np.int64], last: npt.NDArray[np.bool_]) -> Finding:
    """Count what the last fifth brings: titles and people that were not there before."""
    known = np.zeros(int(histories.items.max()) + 1, dtype=bool)
    known[histories.items[~last]] = True
    on_new = ~known[histories.items[last]]
    new_titles = len(np.unique(histories.items[last][on_new]))
    titles = len(np.unique(histories.items))
    seen = np.bincount(histories.rows[~last], minlength=histories.n_users) > 0
    of_late = np.bincount(histories.rows[last], minlength=histories.n_users) > 0
    new_people = float((~seen & of_late).sum() / of_late.sum())
    share = float(on_new.mean())
    severity = Severity.NOTICE if share > NEW or new_people > 0.5 else Severity.INFO
    return Finding(
        TOPIC,
        "new titles and people",
        severity,
        f"in the last fifth of events {percent(share)} fall on the {new_titles:,} titles (of {titles:,}) that are new "
        f"then; {percent(new_people)} of its people are new",
        "A model in service meets titles without events and people without training history."
        if severity is Severity.NOTICE
        else "Most of what comes is known.",
        "Judge how newcomers are served: --split time, or --split unseen-users; prefer models that read a history "
        "over those that look up a user."
        if severity is Severity.NOTICE
        else "",
        {
            "events_on_new_titles": rounded(share),
            "new_titles": new_titles,
            "titles": titles,
            "new_people": rounded(new_people),
        },
    )


def _timeline(histories: Histories, times: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Count events, and titles with their first event, a day, week, month or year."""
    moments = times.astype("datetime64[s]")
    for unit, most in PERIODS:
        periods = moments.astype(f"datetime64[{unit}]").astype(np.int64)
        if periods.max() - periods.min() < most:
            break
    start = int(periods.min())
    n = int(periods.max()) - start + 1
    first = np.full(int(histories.items.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, histories.items, periods)
    opening = first[first < np.iinfo(np.int64).max]
    return {
        "unit": {"D": "day", "W": "week", "M": "month", "Y": "year"}[unit],
        "starts": np.arange(start, start + n)
        .astype(f"datetime64[{unit}]")
        .astype("datetime64[D]")
        .astype(str)
        .tolist(),
        "events": np.bincount(periods - start, minlength=n).tolist(),
        "new_titles": np.bincount(opening - start, minlength=n).tolist(),
    }
