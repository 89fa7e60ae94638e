"""What a second stage knows of titles beside the members' scores: from the training part, and from the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.vocabulary import FIRST
from recsys.models.likeness import name_likeness

MAX_KINDS = 80
"""Types that tastes are told by, the most frequent ones: more are no types, and each is a column of all titles."""
MAX_TOKENS = 80
"""Genres and tags that tastes are told by, the most frequent ones."""
PRIOR = 5.0
"""Ratings of average height that every title is given beside its own, so that one rating says little."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TitleFacts:
    """Hold facts of each title; all arrays begin with (n_codes,).

    `log_watchers`; `liking`: mean rating after the raters' own means are taken off, shrunk; `log_ratings`: how many
    these are; `log_episodes`; `kinds (n_codes, n_kinds)` and `tokens (n_codes, n_tokens)`: one- and multi-hot type,
    genres and tags; `token_share (n_tokens,)`: of all watched titles, those that have the token; `likeness`: sparse
    (n_codes, n_codes), how alike two names are, which is how seasons and films of one franchise are told.
    """

    log_watchers: Floats
    liking: Floats
    log_ratings: Floats
    log_episodes: Floats
    kinds: Floats
    tokens: Floats
    token_share: Floats
    likeness: Any

    @classmethod
    def of(cls, data: Dataset) -> Self:
        """Derive the facts from a training part and its catalogue."""
        histories, catalogue, n_codes = data.histories, data.catalogue, data.n_codes
        watchers = np.bincount(histories.items, minlength=n_codes)
        given, above = centred_ratings(histories)
        rated = np.bincount(histories.items[given], minlength=n_codes)
        liking = np.bincount(histories.items, above, n_codes) / (rated + PRIOR)
        episodes = np.zeros(n_codes)
        episodes[FIRST:] = np.log1p(catalogue.frame["episodes"].fill_null(0).clip(0).to_numpy())
        tokens = catalogue.token_matrix(catalogue.tokens["token"].head(MAX_TOKENS).to_list())
        share = watchers @ tokens / max(1, watchers.sum())
        return cls(
            np.log1p(watchers).astype(np.float32),
            liking.astype(np.float32),
            np.log1p(rated).astype(np.float32),
            episodes.astype(np.float32),
            _kinds(catalogue),
            tokens,
            share.astype(np.float32),
            name_likeness(catalogue.titles),
        )

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all of it as plain arrays."""
        parts = {"data": self.likeness.data, "indices": self.likeness.indices, "indptr": self.likeness.indptr}
        plain = {name: value for name, value in self.__dict__.items() if name != "likeness"}
        return plain | {f"likeness_{name}": part for name, part in parts.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Read what `to_arrays` returned."""
        from scipy.sparse import csr_matrix

        plain = {name: array for name, array in arrays.items() if not name.startswith("likeness_")}
        parts = tuple(arrays[f"likeness_{name}"] for name in ("data", "indices", "indptr"))
        n_codes = len(plain["log_watchers"])
        return cls(**plain, likeness=csr_matrix(parts, shape=(n_codes, n_codes)))


def centred_ratings(histories: Histories) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Return which events are rated, and by how much each lies above its user's mean (0 where unrated), (n_events,)."""
    if histories.ratings is None:
        return np.zeros(histories.n_events, dtype=bool), np.zeros(histories.n_events)
    given = ~np.isnan(histories.ratings)
    rows, ratings = histories.rows, np.where(given, histories.ratings, 0).astype(np.float64)
    counts = np.bincount(rows[given], minlength=histories.n_users)
    means = np.bincount(rows, ratings, histories.n_users) / np.maximum(counts, 1)
    return given, np.where(given, ratings - means[rows], 0.0)


def _kinds(catalogue: Catalogue) -> Floats:
    """Return one-hot types, the most frequent `MAX_KINDS`; titles of a rarer one have no 1."""
    kinds = catalogue.frame["type"].fill_null("").to_list()
    frequent = sorted(Counter(kinds).items(), key=lambda one: (-one[1], one[0]))[:MAX_KINDS]
    places = {kind: place for place, kind in enumerate(sorted(kind for kind, _ in frequent))}
    hot = np.zeros((catalogue.n_codes, len(places)), dtype=np.float32)
    for code, kind in enumerate(kinds, start=FIRST):
        if kind in places:
            hot[code, places[kind]] = 1
    return hot
