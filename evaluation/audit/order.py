"""Is the order real? Ids that ascend, timestamps that are tied, histories entered in one sitting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.audit.findings import Finding, Severity, histogram, percent, rounded
from recsys.dataset.histories import Histories
from recsys.dataset.order import MIN_EVENTS
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST, Vocabulary

TOPIC = "order"
SORTED, RISING = 0.9, 0.55
"""From these shares of ascending neighbours on, the rows were sorted by id, or rise with it more than chance would."""
QUICK = 600
"""Seconds; nobody watches a title in less than ten minutes."""
DAY = 86_400
ENTERED, PARTLY_ENTERED = 0.5, 0.2
"""From these shares on, histories were entered at once, all in all or in part."""
TIED = 0.2
RESOLUTIONS = {"a day": DAY, "an hour": 3600, "a minute": 60}
GAP_EDGES = np.array([0, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10_800, 36_000, 1, 3, 10, 30, 100, 300, 1000, 3000.0])
GAP_EDGES[12:] *= DAY


@dataclass(frozen=True)
class OrderVerdict:
    """Say what the later checks must know of the order."""

    declared: Order
    sorted_by_id: bool = False
    one_sitting: bool = False


def check_order(data: Dataset, seed: int = 0) -> tuple[list[Finding], dict[str, Any], OrderVerdict]:
    """Return the findings on the order, the series of its figures, and the verdict."""
    histories = data.histories
    declared = Finding(
        TOPIC,
        "declared order",
        Severity.INFO,
        str(data.order),
        str(data.card.get("order_reason", "the data's own word")).capitalize() + ".",
        values={"order": str(data.order)},
    )
    ascent, series, sorted_by_id = _ascending_ids(data, seed)
    findings = [declared, ascent]
    if histories.times is None:
        findings.append(_no_times(data))
        return findings, series, OrderVerdict(data.order, sorted_by_id)
    tied = _tied_times(data)
    sitting, gaps, one_sitting = _sittings(histories)
    return [*findings, *tied, sitting], series | gaps, OrderVerdict(data.order, sorted_by_id, one_sitting)


def _ascending_ids(data: Dataset, seed: int) -> tuple[Finding, dict[str, Any], bool]:
    """Count neighbours in a history whose external ids ascend: half of them do in a random order."""
    histories = data.histories
    lengths, places = histories.lengths, id_places(data.items)[histories.items]
    inside = _inside(histories)
    n_pairs = int(inside.sum())
    if n_pairs == 0:
        shown = "no user has two events"
        return Finding(TOPIC, "ascending ids", Severity.INFO, shown, "There is no order to look at."), {}, False
    up = places[1:] > places[:-1]
    share = float(up[inside].mean())
    # the ascents of a random permutation of n have the variance (n + 1) / 12 (Eulerian numbers)
    deviation = float(np.sqrt(((lengths + 1) / 12)[lengths > 1].sum()) / n_pairs)
    beyond_chance = abs(share - 0.5) > 3 * deviation
    told = lengths >= MIN_EVENTS
    downs = np.bincount(histories.rows[1:][inside & ~up], minlength=histories.n_users)
    whole = int((told & (downs == 0)).sum())
    sorted_by_id = beyond_chance and bool(n_pairs >= 10) and max(share, 1 - share) >= SORTED
    values = {
        "share": rounded(share),
        "expected": 0.5,
        "deviation": rounded(deviation),
        "pairs": n_pairs,
        "ascending_users": whole,
        "of_users": int(told.sum()),
    }
    shown = f"{percent(share)} of neighbours ascend by id (50% by chance)"
    if told.any():
        shown += f"; {whole:,} of {int(told.sum()):,} histories do from end to end"
    severity, action = Severity.INFO, ""
    meaning = "Ids rise about as often as in a shuffled order: the rows were not sorted by id."
    if sorted_by_id:
        severity = Severity.WARNING
        meaning = (
            "The rows were sorted by title id, not by time. To predict the 'next' title then only means to name one "
            "with a larger id: any model that sees the order scores well, and has learned nothing of taste."
        )
        action = (
            "Keep --order none, hold out at random, and take a model that does not feed on the order."
            if data.order is Order.NONE
            else "Prepare again with --order none unless you know that the source lists titles in watch order."
        )
    elif beyond_chance and share >= RISING:
        severity = Severity.NOTICE
        meaning = (
            "Ids rise more often than by chance. Ids that grow with the release date do that in a real order; so do "
            "events of one moment that were sorted by id."
        )
        action = "Find out how ties were ordered; a title's id or age must not be a feature by accident."
    ascending = {"ascending": _per_user_ascents(histories, up, inside, seed)}
    return Finding(TOPIC, "ascending ids", severity, shown, meaning, action, values), ascending, sorted_by_id


def _per_user_ascents(
    histories: Histories, up: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], seed: int
) -> dict[str, Any]:
    """Return the histogram of each user's share of ascending neighbours, beside that of shuffled histories."""
    shuffled = shuffle_events(histories, np.random.default_rng(seed))
    enough = histories.lengths >= 5  # shares of shorter ones are too coarse to draw
    edges = np.linspace(0, 1, 26)
    n_pairs = np.maximum(histories.lengths - 1, 1)
    users = histories.rows[1:]
    chance = shuffled.items[1:] > shuffled.items[:-1]
    drawn = {}
    for name, flags in (("found", up), ("shuffled", chance)):
        shares = np.bincount(users[inside & flags], minlength=histories.n_users) / n_pairs
        drawn[name] = histogram(shares[enough], edges)
    return drawn


def _no_times(data: Dataset) -> Finding:
    return Finding(
        TOPIC,
        "timestamps",
        Severity.NOTICE,
        "none",
        "Ties, sittings, drift and a look into the future cannot be seen without times, nor can the data be split at "
        "one moment.",
        "Prepare it with timestamps if the source has them." if data.order is not Order.NONE else "",
    )


def _tied_times(data: Dataset) -> list[Finding]:
    """Look at events that share their moment with a neighbour: the times do not order them."""
    histories = data.histories
    assert histories.times is not None
    by_time = _sorted_by_time(histories)
    assert by_time.times is not None
    inside = _inside(by_time)
    ties = inside & (by_time.times[1:] == by_time.times[:-1])
    tied = np.append(ties, False) | np.insert(ties, 0, False)
    share = float(tied.mean())
    several = by_time.lengths >= 2
    last = by_time.offsets[1:][several] - 2  # index of the pair that ends with the user's last event
    last_share = float(ties[last].mean()) if several.any() else 0.0
    step = next((name for name, unit in RESOLUTIONS.items() if (by_time.times % unit == 0).mean() >= 0.99), None)
    values: dict[str, Any] = {"share": rounded(share), "last_event_share": rounded(last_share), "resolution": step}
    shown = f"{percent(share)} of events share their time with another of their user; so do {percent(last_share)} of "
    shown += "the last ones"
    if step:
        shown += f"; times are whole to {step}"
    findings = [
        Finding(
            TOPIC,
            "tied timestamps",
            Severity.WARNING if share >= TIED else Severity.NOTICE if share > 0.01 else Severity.INFO,
            shown,
            "The times do not say which of the tied events came first: the sort does. A change of the sort alone "
            "changes the test targets, and with them every score."
            if share > 0.01
            else "The times order the events.",
            "Compare results only where the test set's SHA-256 is the same; do not read much into the order of "
            "neighbours."
            if share > 0.01
            else "",
            values,
        )
    ]
    if data.order is Order.TIME and ties.sum() >= 20:
        places = id_places(data.items)[by_time.items]
        rising = float((places[1:] > places[:-1])[ties].mean())
        if max(rising, 1 - rising) >= SORTED:
            findings.append(
                Finding(
                    TOPIC,
                    "order inside ties",
                    Severity.WARNING if share >= TIED else Severity.NOTICE,
                    f"{percent(rising)} of tied neighbours ascend by id",
                    "Events of one moment lie sorted by id. A model of sequences learns that ids rise, which is true "
                    "of the file and not of people.",
                    "Shuffle the rows before they are prepared: ties keep the order of the file.",
                    {"share": rounded(rising), "pairs": int(ties.sum())},
                )
            )
    return findings


def _sittings(histories: Histories) -> tuple[Finding, dict[str, Any], bool]:
    """Look whether people entered what they had watched at once, rather than when they watched it."""
    by_time = _sorted_by_time(histories)
    assert by_time.times is not None
    told = by_time.lengths >= MIN_EVENTS
    gaps = np.diff(by_time.times)[_inside(by_time)]
    if not told.any():
        shown = f"no user has {MIN_EVENTS} events"
        return Finding(TOPIC, "one sitting", Severity.INFO, shown, "There are no sittings to look at."), {}, False
    spans = by_time.times[by_time.offsets[1:][told] - 1] - by_time.times[by_time.offsets[:-1][told]]
    in_a_day, quick = float((spans < DAY).mean()), float((gaps < QUICK).mean())
    fine = not (by_time.times % 3600 == 0).mean() >= 0.99  # minutes can be seen
    most = max(in_a_day, quick if fine else 0.0)
    severity, action = Severity.INFO, ""
    meaning = "Histories grew over days: the order can be one of watching."
    if most >= PARTLY_ENTERED:
        severity = Severity.WARNING if most >= ENTERED else Severity.NOTICE
        meaning = (
            "Nobody watches that fast: people will have entered in one sitting what they had seen before. The order is "
            "that of the entry form, often the one in which the service showed the titles; sequence models learn it."
        )
        action = (
            "Do not take 'the next title' for what is watched next. Trust models that ignore the order (item-knn, als) "
            "as much, and judge by a hold-out that does not depend on the last event."
        )
    values = {
        "users_within_a_day": rounded(in_a_day),
        "events_within_10_minutes": rounded(quick) if fine else None,
        "median_span_days": rounded(np.median(spans) / DAY, 3),
        "of_users": int(told.sum()),
    }
    shown = f"{percent(in_a_day)} of users did everything within 24 hours (median {_duration(float(np.median(spans)))})"
    if fine:
        shown += f"; {percent(quick)} of events follow within 10 minutes"
    edges = np.append(GAP_EDGES, np.inf)
    counts = np.histogram(gaps, edges)[0]
    series = {"gaps": {"edges": GAP_EDGES.tolist(), "counts": counts.tolist(), "quick": QUICK}}
    return Finding(TOPIC, "one sitting", severity, shown, meaning, action, values), series, most >= ENTERED


def shuffle_events(histories: Histories, rng: np.random.Generator) -> Histories:
    """Put every user's events in a random order."""
    return histories.reorder_events(np.argsort(histories.rows + rng.random(histories.n_events), kind="stable"))


def id_places(items: Vocabulary) -> npt.NDArray[np.int64]:
    """Return the place of each code's external id among all ids, shape (n_codes,).

    Texts that are all whole numbers are compared as numbers.
    """
    ids = items.ids
    if ids.dtype == pl.String:
        numbers = ids.cast(pl.Int64, strict=False)
        ids = ids if numbers.null_count() else numbers
    places = np.zeros(items.n_codes, dtype=np.int64)
    places[ids.arg_sort().to_numpy().astype(np.int64) + FIRST] = np.arange(len(ids)) + FIRST
    return places


def _inside(histories: Histories) -> npt.NDArray[np.bool_]:
    """Mark the neighbours that belong to one user, shape (n_events - 1,)."""
    rows = histories.rows
    return np.asarray(rows[1:] == rows[:-1])


def _sorted_by_time(histories: Histories) -> Histories:
    assert histories.times is not None
    steps = np.diff(histories.times) < 0
    if not (steps & _inside(histories)).any():
        return histories
    return histories.reorder_events(np.lexsort((histories.times, histories.rows)))


def _duration(seconds: float) -> str:
    for unit, name in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            count = seconds / unit
            return f"{count:,.0f} {name}{'' if round(count) == 1 else 's'}"
    return f"{seconds:.0f} seconds"
