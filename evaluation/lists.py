"""Recommended lists, with everything that a metric over lists looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError
from recsys.models.popularity import count_watchers

MOST_FEATURES = 1_000
"""How many genres and tags, the most frequent ones, describe a title: enough to tell titles apart, and bounded."""

MISSING = {
    "features": ("genre or tag of any title", "Prepare the data with an item file that has genres or tags."),
    "genres": ("genre of any title", "Prepare the data with an item file that has genres."),
    "prequels": ("title that continues another", "Prepare the data with an item file that has a column 'sequel_of'."),
}


@dataclass(frozen=True, eq=False)
class Lists:
    """Hold what was recommended to each user of a holdout and what is known about users and titles.

    Shapes: `codes (n_users, depth)` int32, best first, padded with 0; `inputs` and `targets` of n_users; `watchers
    (n_codes,)` int64, the people in the training part who watched each title, out of `n_people`; `features (n_codes,
    n_features)` and `genres (n_codes, n_genres)` float32, 1 where the title carries the genre or tag (the genre);
    `prequels (n_codes,)` int32, the code of the title that a title continues, 0 for none. The last three are None where
    the data knows nothing of the kind.
    """

    codes: npt.NDArray[np.int32]
    n_titles: int
    inputs: Histories
    targets: Histories
    watchers: npt.NDArray[np.int64]
    n_people: int
    features: npt.NDArray[np.float32] | None = None
    genres: npt.NDArray[np.float32] | None = None
    prequels: npt.NDArray[np.int32] | None = None

    @classmethod
    def of(
        cls,
        codes: npt.NDArray[np.integer],
        holdout: Holdout,
        *,
        n_titles: int,
        train: Histories,
        catalogue: Catalogue | None = None,
    ) -> Lists:
        """Collect what the metrics need; `train` counts who watched what, the catalogue describes the titles."""
        assert codes.ndim == 2, "lists are (n_users, depth)"
        assert len(codes) == holdout.n_users, "one list a user of the holdout"
        if catalogue is not None and len(catalogue) != n_titles:
            raise InputError(
                f"The catalogue must describe the {n_titles} titles that were ranked, got {len(catalogue)}.",
                "Give the catalogue of the data that the model was fitted on.",
            )
        watchers = count_watchers(train, n_titles + FIRST).astype(np.int64)
        watchers[:FIRST] = 0
        found = grounds(catalogue)
        return cls(
            np.asarray(codes, dtype=np.int32),
            n_titles,
            holdout.inputs,
            holdout.targets,
            watchers,
            max(int((train.lengths > 0).sum()), 1),
            **found,
        )

    @property
    def n_users(self) -> int:
        return len(self.codes)

    @property
    def n_codes(self) -> int:
        """Count the item codes, padding and unknown included."""
        return self.n_titles + FIRST

    def top(self, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return the first k codes of each list, (n_users, at most k), and which of them are titles."""
        codes = self.codes[:, :k]
        return codes, codes >= FIRST

    def ground(self, name: str) -> npt.NDArray[Any]:
        """Return `features`, `genres` or `prequels`; raise InputError where the data has none."""
        array: npt.NDArray[Any] | None = getattr(self, name)
        if array is None:
            raise missing_ground(name)
        return array

    def listed_in(self, histories: Histories, codes: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Mark the codes (n_users, n) that are among the same user's titles."""
        keys = np.arange(self.n_users)[:, None] * self.n_codes + codes
        return np.isin(keys, histories.rows * self.n_codes + histories.items)


def grounds(catalogue: Catalogue | None) -> dict[str, npt.NDArray[Any] | None]:
    """Return what a catalogue gives metrics to stand on: `features`, `genres`, `prequels`; None where it has none."""
    if catalogue is None:
        return dict.fromkeys(MISSING)
    return {
        "features": _multi_hot(catalogue, catalogue.tokens["token"].head(MOST_FEATURES).to_list()),
        "genres": _multi_hot(catalogue, catalogue.genre_tokens),
        "prequels": catalogue.prequels if catalogue.prequels.any() else None,
    }


def missing_ground(name: str) -> InputError:
    """Return the error for a ground that the data does not have."""
    what, remedy = MISSING[name]
    return InputError(f"The data knows no {what}, which this metric is about.", remedy)


def _multi_hot(catalogue: Catalogue, tokens: list[str]) -> npt.NDArray[np.float32] | None:
    return catalogue.token_matrix(tokens) if tokens else None
