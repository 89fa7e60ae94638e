"""What every split gives: a training part, and two parts of inputs with what should have been predicted from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories


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

    def with_request_times(self) -> Holdout:
        """Say that each user asks when they watched the first of their targets; data without times stays as it is.

        A system that answers a request knows when it answers. It knows nothing else of what is watched then.
        """
        times = self.targets.times
        if times is None:
            return self
        assert self.targets.lengths.all(), "everybody has a target"
        asked = np.minimum.reduceat(times, self.targets.offsets[:-1]) if self.n_users else times
        return Holdout(self.inputs.asking_at(asked), self.targets)


@dataclass(frozen=True, eq=False)
class Split:
    """Hold the parts of a data set: `train` has every user, the holdouts those with enough history.

    `protocol` names the split with all its settings. `test_from` is the first second of the test period (epoch
    seconds) where the split is one by time.
    """

    protocol: str
    train: Histories
    validation: Holdout
    test: Holdout
    test_from: int | None = None

    @property
    def sha256(self) -> str:
        """Identify the test set: the hash of each tested user's code, visible events and targets."""
        digest = hashlib.sha256(self.protocol.encode())
        for part in (self.test.inputs, self.test.targets):
            for array in (part.users, part.offsets, part.items):
                digest.update(np.ascontiguousarray(array).astype("<i8").tobytes())
        return digest.hexdigest()
