from __future__ import annotations

import numpy as np

from recsys.dataset.clean import Events
from recsys.dataset.order import find_ascent, sort_events


def events(users: list[int], items: list[int], times: list[int] | None = None) -> Events:
    return Events(
        np.array(users, dtype=np.int32),
        np.array(items, dtype=np.int32),
        times=None if times is None else np.array(times, dtype=np.int64),
    )


def test_sorted_events_are_left_alone() -> None:
    given = events([0, 0, 1], [2, 1, 0], [5, 5, 1])
    assert sort_events(given) is given


def test_keys_too_far_apart_for_one_number_are_sorted_too() -> None:
    spread = sort_events(events([1, 0, 1], [0, 1, 2], [2**62, 3, -(2**62)]))
    assert spread.items.tolist() == [1, 2, 0]


def test_ascent_counts_only_histories_that_can_tell() -> None:
    found = find_ascent(events([0, 0, 0, 1, 1, 1, 2, 2], [1, 2, 3, 1, 3, 2, 1, 2]))
    assert (found.users, found.of) == (1, 2)
    assert not found.suspicious
    assert not find_ascent(events([0, 0], [1, 2])).suspicious
