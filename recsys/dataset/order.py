"""Find out what the sequence of a user's rows means, and put them in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.dataset.clean import Events
from recsys.dataset.prepared import Order
from recsys.errors import InputError

MIN_EVENTS = 3
"""Shorter histories ascend too often by chance to tell anything."""
SUSPICIOUS_SHARE = 0.9
"""From this share of users with ascending ids on, the rows were sorted by id, not by time."""


@dataclass(frozen=True)
class Ascent:
    """Count the users whose titles ascend by id, among those with enough events to tell."""

    users: int
    of: int

    @property
    def suspicious(self) -> bool:
        return self.of > 0 and self.users >= SUSPICIOUS_SHARE * self.of


def sort_events(events: Events, wanted: Order | None = None) -> Events:
    """Bring each user's events together: by position or else time where there are any, ties and the rest in file order.

    An order that the user wants leaves the other one aside: `listed` does not look at times, nor `time` at positions.
    """
    positions = None if wanted is Order.TIME else events.positions
    times = None if wanted is Order.LISTED else events.times
    if times is not None and events.microseconds is not None:
        times = times * 10**6 + events.microseconds
    key = times if positions is None else positions
    users = events.users.astype(np.int64)
    if key is None:
        combined = users
    else:
        low, high = int(key.min()), int(key.max())
        if (int(users.max()) + 1) * (high - low + 1) >= 2**63:
            return events.take(np.lexsort((key, users)))
        combined = users * (high - low + 1) + (key - low)
    if (combined[1:] >= combined[:-1]).all():
        return events
    return events.take(np.argsort(combined, kind="stable"))


def find_ascent(events: Events) -> Ascent:
    """Look whether title ids merely ascend inside users; events must be sorted by user."""
    lengths = np.bincount(events.users)
    steps = (events.users[1:] == events.users[:-1]) & (events.items[1:] < events.items[:-1])
    descents = np.bincount(events.users[1:][steps], minlength=len(lengths))
    told = lengths >= MIN_EVENTS
    return Ascent(int((told & (descents == 0)).sum()), int(told.sum()))


def decide_order(wanted: Order | None, declared: Order | None, has_times: bool, ascent: Ascent) -> tuple[Order, str]:
    """Return the order and its reason: what the user says, else what the source says, else what the rows show."""
    if wanted is not None:
        if wanted is Order.TIME and not has_times:
            raise InputError("Order 'time' needs timestamps, and the source has none.", "Name them with --time-column.")
        doubt = "" if wanted is not Order.LISTED or not ascent.suspicious else f", although {_ascending(ascent)}"
        return wanted, f"set by the user{doubt}"
    if declared is not None:
        doubt = f", although {_ascending(ascent)}" if ascent.suspicious else ""
        return declared, f"the source says the watch order{doubt}"
    if has_times:
        return Order.TIME, "sorted by timestamp, ties in file order"
    if ascent.suspicious:
        return Order.NONE, f"no timestamps, and {_ascending(ascent)}: the file order is no watch order"
    return Order.NONE, "no timestamps, and the source does not say that its rows are in watch order"


def parse_order(order: str | Any) -> Order:
    """Read the name of an order."""
    try:
        return Order(order)
    except ValueError:
        raise InputError(f"There is no order '{order}'.", f"Known: {', '.join(Order)}.") from None


def _ascending(ascent: Ascent) -> str:
    share = f"{ascent.users:,} of the {ascent.of:,} users with {MIN_EVENTS} titles or more"
    return f"the rows merely ascend by title id inside {share}"
