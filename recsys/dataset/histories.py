"""Histories: the one currency between reading, models, evaluation and export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.vocabulary import UNKNOWN
from recsys.errors import InputError

Ints = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Histories:
    """Hold many users' events as ragged arrays, one user after the other, each in watch order.

    Shapes: `offsets (n_users + 1,)` int64; `items (n_events,)` int32 codes; `ratings (n_events,)` float32 with NaN
    where missing, or None; `times (n_events,)` int64 epoch seconds, or None; `users (n_users,)` int32 user codes
    (`UNKNOWN` for a person outside the training data); `asked (n_users,)` int64 epoch seconds at which each person
    asks for recommendations, or None where that is not known.

    >>> histories = Histories.from_lists([[2, 3], [4]])
    >>> histories.n_users, histories.lengths.tolist(), histories.of(0).tolist()
    (2, [2, 1], [2, 3])
    """

    offsets: npt.NDArray[np.int64]
    items: npt.NDArray[np.int32]
    ratings: npt.NDArray[np.float32] | None = None
    times: npt.NDArray[np.int64] | None = None
    users: npt.NDArray[np.int32] = None  # type: ignore[assignment]  # UNKNOWN for all, once constructed
    asked: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        def put(name: str, values: object, dtype: type, length: int | None = None) -> None:
            array: npt.NDArray[Any] = np.ascontiguousarray(values, dtype=dtype)
            if length is not None and array.shape != (length,):
                raise InputError(f"{name} must hold {length} values, got the shape {array.shape}.", "Give one each.")
            object.__setattr__(self, name, array)

        put("offsets", self.offsets, np.int64)
        put("items", self.items, np.int32)
        if not (len(self.offsets) and self.offsets[0] == 0 and self.offsets[-1] == len(self.items)):
            raise InputError(
                f"offsets must begin with 0 and end with {len(self.items)}, the number of items.",
                "Histories.from_lists builds them from a list a user.",
            )
        if (self.lengths < 0).any():
            raise InputError("offsets must not fall.", "Histories.from_lists builds them from a list a user.")
        if self.ratings is not None:
            put("ratings", self.ratings, np.float32, self.n_events)
        if self.times is not None:
            put("times", self.times, np.int64, self.n_events)
        put("users", np.full(self.n_users, UNKNOWN) if self.users is None else self.users, np.int32, self.n_users)
        if self.asked is not None:
            put("asked", self.asked, np.int64, self.n_users)

    @classmethod
    def from_lists(cls, rows: Sequence[Sequence[int]], users: Sequence[int] | None = None) -> Histories:
        """Build histories from one list of item codes a user."""
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        items = np.concatenate([np.asarray(row, dtype=np.int32) for row in rows]) if len(rows) else np.zeros(0)
        known = np.full(len(rows), UNKNOWN) if users is None else np.asarray(users)
        return cls(offsets, items.astype(np.int32), users=known.astype(np.int32))

    @property
    def n_users(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_events(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Count each user's events, shape (n_users,)."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Give the user index of each event, shape (n_events,)."""
        return np.repeat(np.arange(self.n_users), self.lengths)

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Number each user's events from 0, the first one, shape (n_events,)."""
        return np.arange(self.n_events) - np.repeat(self.offsets[:-1], self.lengths)

    @property
    def places_from_end(self) -> npt.NDArray[np.int64]:
        """Number each user's events back from 0, the last one, shape (n_events,)."""
        return np.repeat(self.offsets[1:], self.lengths) - np.arange(self.n_events) - 1

    def __len__(self) -> int:
        return self.n_users

    def of(self, user: int) -> npt.NDArray[np.int32]:
        """Return the item codes of the user at this index."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def keep_events(self, mask: npt.NDArray[np.bool_]) -> Histories:
        """Keep the marked events; users stay, even when nothing of theirs is left."""
        counts = np.bincount(self.rows[mask], minlength=self.n_users)
        return Histories(
            np.concatenate([[0], np.cumsum(counts)]),
            self.items[mask],
            None if self.ratings is None else self.ratings[mask],
            None if self.times is None else self.times[mask],
            self.users,
            self.asked,
        )

    def reorder_events(self, order: Ints) -> Histories:
        """Permute events inside users; `order` must map every user's span onto itself."""
        return Histories(
            self.offsets,
            self.items[order],
            None if self.ratings is None else self.ratings[order],
            None if self.times is None else self.times[order],
            self.users,
            self.asked,
        )

    def select(self, users: Ints | slice) -> Histories:
        """Return the users at these indices, in this order."""
        index = np.arange(self.n_users)[users]
        lengths = self.lengths[index]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        events = np.repeat(self.offsets[index] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Histories(
            offsets,
            self.items[events],
            None if self.ratings is None else self.ratings[events],
            None if self.times is None else self.times[events],
            self.users[index],
            None if self.asked is None else self.asked[index],
        )

    def last(self, n: int) -> Histories:
        """Keep each user's last n events."""
        assert n >= 1
        return self.keep_events(self.places_from_end < n)

    def without_users(self) -> Histories:
        """Forget who the users are: what a person outside the training data looks like to a model."""
        return replace(self, users=np.full(self.n_users, UNKNOWN))

    def asking_at(self, times: npt.NDArray[np.int64] | None) -> Histories:
        """Say when each person asks, epoch seconds (n_users,); None: it is not known."""
        return replace(self, asked=times)

    def batches(self, size: int) -> Iterator[Histories]:
        """Yield consecutive groups of at most `size` users."""
        for start in range(0, self.n_users, size):
            yield self.select(slice(start, start + size))
