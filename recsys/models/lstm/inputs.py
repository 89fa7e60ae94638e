"""From histories to (samples, timesteps, features): what the network reads at every timestep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError
from recsys.models.lstm.config import LSTMConfig

N_GAPS = 34
"""Time-gap codes: 0 = none (first event, or no times), else 1 + floor(log2(1 + seconds)), capped."""

N_COUNTS = 40
"""Codes of how many events came before: 1 + floor(3 log2(1 + events)), capped."""

HIDDEN_WAITS = 0.1
"""Share of timesteps in training that do not tell when the next event comes, as a request need not tell its time."""

MAX_RATING_LEVELS = 20

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Encoding:
    """Fix how ratings, times, users and tags become codes; saved with the model.

    `rating_levels`: upper bounds of the rating bins (a rating's code is 1 + its bin, 0 = missing), empty when the
    data has no ratings; `tokens`: the embedded genres and tags. Token columns: 0 = "no wish", then `tokens`. Counts
    and the scores of a linear model (`has_wide`) are inputs where the data has no order. `waits`: the lowest and the
    highest code that training saw of the time until the next event, where that is an input; others count as these.
    """

    n_codes: int
    n_users: int
    rating_levels: tuple[float, ...]
    has_times: bool
    tokens: tuple[str, ...]
    has_counts: bool = False
    has_wide: bool = False
    waits: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, data: Dataset, config: LSTMConfig) -> Encoding:
        """Derive the encoding from training data."""
        histories = data.histories
        levels: tuple[float, ...] = ()
        if histories.ratings is not None and config.rating_dim:
            given = histories.ratings[~np.isnan(histories.ratings)]
            distinct = np.unique(given)
            if len(distinct) > MAX_RATING_LEVELS:
                distinct = np.unique(np.quantile(given, np.linspace(0, 1, MAX_RATING_LEVELS + 1)[1:]))
            levels = tuple(float(level) for level in distinct)
        tokens = data.catalogue.tokens["token"].head(config.max_tokens).to_list()
        return cls(
            n_codes=data.n_codes,
            n_users=data.users.n_codes if config.user_dim else 0,
            rating_levels=levels,
            has_times=histories.times is not None and data.order is not Order.NONE and config.time_dim > 0,
            tokens=tuple(tokens),
            has_counts=data.order is Order.NONE and config.count_dim > 0,
            has_wide=data.order is Order.NONE and config.wide_neighbours > 0,
            waits=_seen_waits(histories) if data.order is not Order.NONE and config.wait_dim else (0, 0),
        )

    @property
    def has_waits(self) -> bool:
        """Tell whether the time until the next event is an input."""
        return self.waits[1] > 0

    @property
    def n_token_columns(self) -> int:
        return 1 + len(self.tokens) if self.tokens else 0

    def to_mapping(self) -> dict[str, Any]:
        """Return JSON-able fields."""
        return {
            **self.__dict__,
            "rating_levels": list(self.rating_levels),
            "tokens": list(self.tokens),
            "waits": list(self.waits),
        }

    @classmethod
    def from_mapping(cls, mapping: dict[str, Any]) -> Encoding:
        """Read what `to_mapping` returned."""
        names = ("rating_levels", "tokens", "waits")
        lists: dict[str, Any] = {name: tuple(mapping[name]) for name in names if name in mapping}
        return cls(**{**mapping, **lists})

    def item_tags(self, catalogue: Catalogue) -> npt.NDArray[np.float32]:
        """Return the weights (n_codes, n_token_columns) that average each title's tag embeddings."""
        hot = catalogue.token_matrix(list(self.tokens))
        weights = np.zeros((self.n_codes, self.n_token_columns), dtype=np.float32)
        weights[:, 1:] = hot / np.maximum(hot.sum(axis=1, keepdims=True), 1)
        return weights

    def refuse_unknown_tokens(self, tokens: Sequence[str], shown: Sequence[str]) -> None:
        """Raise InputError for a wish that names tokens without an embedding; `shown` is what was wished for."""
        lost = [name for name, token in zip(shown, tokens, strict=True) if token not in self.tokens]
        if lost:
            raise InputError(
                f"This model has no embedding for {', '.join(lost)}.",
                f"It knows the {len(self.tokens)} most frequent genres and tags (setting max_tokens).",
            )

    def wish_weights(self, tokens: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the weights (n_token_columns,) that average the wished tags; column 0 when nothing is wished."""
        weights = np.zeros(self.n_token_columns, dtype=np.float32)
        columns = [1 + self.tokens.index(token) for token in dict.fromkeys(tokens) if token in self.tokens]
        if self.n_token_columns:  # none at all where no title has a genre or tag
            weights[columns or [0]] = 1.0 / max(len(columns), 1)
        return weights

    def rating_codes(self, histories: Histories) -> Codes | None:
        """Return each event's rating code, (n_events,); None when the model knows no ratings."""
        if not self.rating_levels:
            return None
        if histories.ratings is None:
            return np.zeros(histories.n_events, dtype=np.int32)
        bins = np.searchsorted(np.asarray(self.rating_levels), histories.ratings - 1e-6)
        codes = 1 + np.minimum(bins, len(self.rating_levels) - 1)
        return np.where(np.isnan(histories.ratings), 0, codes).astype(np.int32)

    def gap_codes(self, histories: Histories) -> Codes | None:
        """Return each event's code of the log time since the event before, (n_events,); None without times."""
        if not self.has_times:
            return None
        codes = np.zeros(histories.n_events, dtype=np.int32)
        if histories.times is not None and histories.n_events:
            codes = _log_codes(np.diff(histories.times, prepend=histories.times[:1]))
            codes[histories.offsets[:-1][histories.lengths > 0]] = 0
        return codes

    def wait_codes(self, histories: Histories) -> Codes | None:
        """Return each event's code of the log time until the next event, (n_events,); None where it is no input.

        After a history's last event that is the time until the person asks, 0 where nobody says when that is.
        """
        if not self.has_waits:
            return None
        codes = np.zeros(histories.n_events, dtype=np.int32)
        if histories.times is not None and histories.n_events:
            some = histories.lengths > 0
            ends = histories.offsets[1:][some] - 1
            until = np.append(histories.times[1:], 0)
            until[ends] = histories.times[ends] if histories.asked is None else histories.asked[some]
            codes = _log_codes(until - histories.times).clip(*self.waits)
            if histories.asked is None:
                codes[ends] = 0
        return codes

    def count_codes(self, histories: Histories) -> Codes | None:
        """Return each event's code of how many came before it, (n_events,); None where the model does not count.

        In data without an order that is what a place in a history means, and a window does not show it.
        """
        if not self.has_counts:
            return None
        codes: Codes = 1 + (3 * np.log2(1.0 + histories.places)).astype(np.int32)
        return codes.clip(max=N_COUNTS - 1)

    def user_codes(self, histories: Histories) -> Codes:
        """Return user codes (n_users,); users that the model did not learn are unknown."""
        return np.where(histories.users < max(self.n_users, FIRST), histories.users, 1).astype(np.int32)


def _seen_waits(histories: Histories) -> tuple[int, int]:
    """Return the lowest and the highest code of the time between two events of a person; zeros where none is known."""
    if histories.times is None:
        return 0, 0
    codes = _log_codes(np.diff(histories.times))[np.diff(histories.rows) == 0]
    return (int(codes.min()), int(codes.max())) if len(codes) else (0, 0)


def _log_codes(seconds: npt.NDArray[np.int64]) -> Codes:
    """Return 1 + floor(log2(1 + seconds)), capped; a time that goes back counts as none that passed."""
    codes: Codes = np.minimum(1 + np.log2(1.0 + seconds.clip(min=0)).astype(np.int32), N_GAPS - 1).astype(np.int32)
    return codes


def item_places(n_codes: int, dim: int) -> npt.NDArray[np.float32]:
    """Return sinusoids (n_codes, dim) of each title's place in the order of ids; zeros for padding and unknown titles.

    Ids are given as titles are catalogued, so neighbours in their order are of one time, or of one list. Wavelengths
    fall geometrically from twice the number of titles to 4 places (after Vaswani et al. 2017, section 3.5).
    """
    places = np.arange(n_codes - FIRST)[:, None]
    n_waves = (dim + 1) // 2
    waves = np.geomspace(max(2 * (n_codes - FIRST), 4), 4, n_waves)
    angles = 2 * np.pi * places / waves
    table = np.zeros((n_codes, dim), dtype=np.float32)
    table[FIRST:] = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :dim]
    return table


@dataclass(frozen=True)
class Events:
    """Hold the ragged codes of many histories, ready to be cut into padded windows."""

    histories: Histories
    ratings: Codes | None
    gaps: Codes | None
    waits: Codes | None
    counts: Codes | None
    users: Codes

    @classmethod
    def of(cls, histories: Histories, encoding: Encoding) -> Events:
        """Encode histories once."""
        return cls(
            histories,
            encoding.rating_codes(histories),
            encoding.gap_codes(histories),
            encoding.wait_codes(histories),
            encoding.count_codes(histories),
            encoding.user_codes(histories),
        )


def settled_shuffle(histories: Histories) -> Histories:
    """Permute each history's events by a hash of the history itself: what unordered data is served with.

    Training on data without an order sees fresh shuffles; the order of the file (ascending ids, say) would be foreign
    to the network, and the last events of it no fair sample. The same history always gets the same permutation,
    whoever shares its batch and however its events are listed.
    """
    codes = histories.items.astype(np.uint64)
    totals = np.bincount(histories.rows, histories.items, histories.n_users).astype(np.uint64)
    keys = codes * np.uint64(0x9E3779B97F4A7C15) + np.repeat(totals, histories.lengths) * np.uint64(0xD1B54A32D192ED03)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # the mixer of splitmix64
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    return histories.reorder_events(np.lexsort((keys, histories.rows)))


def gather_windows(
    values: npt.NDArray[Any], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], width: int
) -> npt.NDArray[Any]:
    """Cut rows `values[start : start + length]`, padded on the right with 0 to (len(starts), width)."""
    steps = np.arange(width)
    inside = steps < lengths[:, None]
    index = np.where(inside, starts[:, None] + steps, 0)
    return np.where(inside, values[index] if len(values) else 0, 0).astype(values.dtype)
