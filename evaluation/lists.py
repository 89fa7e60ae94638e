"""What the metrics of recommended lists look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST
from recsys.models.popularity import count_watchers


@dataclass(frozen=True, eq=False)
class Lists:
    """Hold recommended lists with what is known of their users and titles."""

    codes: npt.NDArray[np.int32]
    n_titles: int
    inputs: Histories
    targets: Histories
    watchers: npt.NDArray[np.float32]
    n_people: int
    features: npt.NDArray[np.float32] | None = None
    prequels: npt.NDArray[np.int32] | None = None

    @classmethod
    def of(
        cls,
        codes: npt.NDArray[np.int32],
        holdout: Holdout,
        *,
        n_titles: int,
        train: Histories,
        catalogue: Catalogue | None,
    ) -> Self:
        """Collect what the lists of a holdout's users are judged by."""
        watchers = count_watchers(train, n_titles + FIRST)
        return cls(codes, n_titles, holdout.inputs, holdout.targets, watchers, int((train.lengths > 0).sum()))
