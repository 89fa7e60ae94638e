"""Hold out events for validation and test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.errors import InputError


@dataclass(frozen=True, eq=False)
class Holdout:
    """Pair what a model may see of each user with what it should have predicted, row by row."""

    inputs: Histories
    targets: Histories

    @property
    def n_users(self) -> int:
        return self.inputs.n_users

    def select(self, users: npt.NDArray[np.integer] | slice) -> Holdout:
        """Return the rows at these indices."""
        return Holdout(self.inputs.select(users), self.targets.select(users))


@dataclass(frozen=True, eq=False)
class Split:
    """Hold the parts of a data set: `train` has every user, the holdouts those with enough history."""

    protocol: str
    train: Histories
    validation: Holdout
    test: Holdout

    @property
    def sha256(self) -> str:
        """Identify the test set: the hash of each tested user's code, visible events and targets."""
        digest = hashlib.sha256(self.protocol.encode())
        for part in (self.test.inputs, self.test.targets):
            for array in (part.users, part.offsets, part.items):
                digest.update(np.ascontiguousarray(array).astype("<i8").tobytes())
        return digest.hexdigest()


def split_dataset(dataset: Dataset, *, n_targets: int = 1, seed: int = 0) -> Split:
    """Hold out each user's last events when the data has an order, random ones when it has none.

    The test part takes `n_targets` events, validation the `n_targets` before them (or other random ones). Users with
    fewer than `2 * n_targets + 1` events stay whole in the training part.
    """
    if dataset.order is Order.NONE:
        return random_holdout(dataset.histories, n_targets=n_targets, seed=seed)
    return leave_last_out(dataset.histories, n_targets=n_targets)


def leave_last_out(histories: Histories, *, n_targets: int = 1) -> Split:
    """Test on each user's last events, validate on those before them, train on the rest."""
    from_end = np.repeat(histories.offsets[1:], histories.lengths) - np.arange(histories.n_events) - 1
    return _cut(histories, from_end, n_targets, f"leave-last-{n_targets}-out")


def random_holdout(histories: Histories, *, n_targets: int = 1, seed: int = 0) -> Split:
    """Test and validate on random events of each user: for data without an order."""
    rng = np.random.default_rng(seed)
    shuffled = np.lexsort((rng.random(histories.n_events), histories.rows))
    place = np.empty(histories.n_events, dtype=np.int64)
    place[shuffled] = np.arange(histories.n_events) - np.repeat(histories.offsets[:-1], histories.lengths)
    return _cut(histories, place, n_targets, f"random-{n_targets}-out-seed-{seed}")


def _cut(histories: Histories, place: npt.NDArray[np.int64], n_targets: int, protocol: str) -> Split:
    """Divide events by their place in the queue for being held out (0 goes first, to the test part)."""
    if n_targets < 1:
        raise InputError(f"A split must hold out at least 1 event a user, got {n_targets}.", "Use 1 or more.")
    tested = histories.lengths >= 2 * n_targets + 1
    if not tested.any():
        raise InputError(
            f"No user has the {2 * n_targets + 1} events that this split needs.",
            "Prepare the data with longer histories or hold out fewer events.",
        )
    eligible = np.repeat(tested, histories.lengths)
    in_test = eligible & (place < n_targets)
    in_validation = eligible & (place >= n_targets) & (place < 2 * n_targets)
    users = np.flatnonzero(tested)
    train = histories.keep_events(~in_test & ~in_validation)
    validation = Holdout(train.select(users), histories.keep_events(in_validation).select(users))
    test = Holdout(histories.keep_events(~in_test).select(users), histories.keep_events(in_test).select(users))
    return Split(protocol, train, validation, test)
