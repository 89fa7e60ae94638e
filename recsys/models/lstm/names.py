"""For titles that few have watched: what their names say beside the network.

What a network knows of a title it has learned from those who watched it. Of one that hardly anybody has watched it
knows the tags at most; but its name often says whose next season or film it is. So the likeness of its name to those
of a history's titles is added to its log odds: the more, the fewer have watched it, and in data with an order the
less, the more was watched since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout
from recsys.models.base import Scores
from recsys.models.likeness import name_likeness
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.judging import best_mix

FILE = "names.npz"
HALF, LEAST = 10.0, 0.1
"""How many have watched a title whose name counts half as much as that of one that nobody has watched, nearly; and
what share of that it counts where everybody has."""
FADING = 0.93
"""What a likeness counts less with each title that was watched since, in data with an order."""
ODDS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""What a name that is the same may add."""
USUAL_ODDS = {True: 6.0, False: 2.0}
"""What it adds where nothing is held out to choose it by, in data with an order and without one: half of what Annict
and Kaggle's table ask for (LOG.md)."""


@dataclass(frozen=True, eq=False)
class Names:
    """Hold what names say: `weights` CSR (n_codes, n_codes), what each title's name says for the others.

    `odds` is what a weight of 1 adds to a title's log odds; `fading` what it counts less with each title since.
    """

    weights: Any
    odds: float
    fading: float

    @classmethod
    def of(cls, data: Dataset, odds: float | None = None) -> Names:
        """Compare the names of a catalogue; how many have watched a title, a training part says."""
        from scipy.sparse import csr_matrix, diags_array

        watched = np.bincount(data.histories.items, minlength=data.n_codes)
        rarity = LEAST + (1 - LEAST) / (1 + watched / HALF)
        weights = csr_matrix(name_likeness(data.catalogue.titles) @ diags_array(rarity))
        ordered = data.order is not Order.NONE
        return cls(
            weights.astype(np.float32), USUAL_ODDS[ordered] if odds is None else odds, FADING if ordered else 1.0
        )

    def choose(
        self, others: Callable[[Histories], Scores], validation: Holdout, config: LSTMConfig
    ) -> tuple[Names, dict[str, float]]:
        """Let validation say what they add beside the `others`; returns the quality of the best, too."""

        def parts(histories: Histories) -> tuple[Scores, Scores]:
            return others(histories), self.likeness(histories)

        mixes = [(1.0, odds) for odds in ODDS]
        at, found = best_mix(parts, validation, mixes, config, self.weights.shape[0])
        return replace(self, odds=ODDS[at]), found

    def likeness(self, histories: Histories) -> Scores:
        """Return the greatest weight that a history's titles give to each title, (n_users, n_codes)."""
        found: Scores = np.zeros((histories.n_users, self.weights.shape[0]), dtype=np.float32)
        of_events = self.weights[histories.items]
        n_like = np.diff(of_events.indptr)
        faded = np.power(self.fading, histories.places_from_end, dtype=np.float32)
        values = of_events.data * np.repeat(faded, n_like)
        places = np.repeat(histories.rows, n_like) * found.shape[1] + of_events.indices
        np.maximum.at(found.reshape(-1), places, values)
        return found

    def add_to(self, scores: Scores, histories: Histories, among: npt.NDArray[np.bool_] | None = None) -> None:
        """Add what they say to the scores (n_users, n_codes), in place; only to the titles `among` (n_codes,)."""
        found = self.likeness(histories)
        found *= np.float32(self.odds)
        if among is not None:
            found *= among
        scores += found

    def save(self, folder: Path) -> None:
        """Write all of it into a folder."""
        weights = self.weights
        parts = {"values": weights.data, "columns": weights.indices, "starts": weights.indptr}
        np.savez(folder / FILE, **parts, odds=np.array(self.odds), fading=np.array(self.fading))

    @classmethod
    def load(cls, folder: Path) -> Names:
        """Read what `save` wrote."""
        from scipy.sparse import csr_matrix

        with np.load(folder / FILE, allow_pickle=False) as arrays:
            n_codes = len(arrays["starts"]) - 1
            weights = csr_matrix((arrays["values"], arrays["columns"], arrays["starts"]), shape=(n_codes, n_codes))
            return cls(weights, float(arrays["odds"]), float(arrays["fading"]))
