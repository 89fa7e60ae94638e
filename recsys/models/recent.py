"""Recent favourites: what most people watch these days, with a lift for the genres that a person likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recsys.config import Range, Settings, setting
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout
from recsys.models.base import Recommender, Scores
from recsys.models.collaborative import interaction_matrix
from recsys.models.popularity import count_watchers

DAY = 86_400
MOST_TOKENS = 512
"""Only the most frequent genres and tags describe a taste: the rare ones cost memory and say little."""

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RecentConfig(Settings):
    """Set the window and the pull of genres; the defaults were chosen on validation parts of MovieLens and Kaggle."""

    days: float = setting(
        90.0, "length of the window that ends with the last event", low=0.01, search=Range(3, 3000, log=True)
    )
    tail: float = setting(
        0.05,
        "data with an order but no times: the share of each history, from its end, that counts as recent",
        low=0.001,
        high=1.0,
        search=Range(0.02, 1, log=True),
    )
    genre_weight: float = setting(
        1.0, "how strongly genres lift (0: not at all)", low=0.0, high=10.0, search=Range(0, 4)
    )
    shrinkage: float = setting(
        2.0, "titles of average taste added to each history", low=0.01, search=Range(0.5, 50, log=True)
    )


class RecentRecommender(Recommender):
    """Score a title by the share of people who watched it lately, times a lift for the person's favourite genres.

    With s_j the share of people who watched title j inside the window (plus the overall share as a part of one more
    person, which decides ties), g_j the title's even division among its genres and tags, q the mean of g over all
    watched titles, and p the person's profile, the mean of g over their titles and over `shrinkage` titles of average
    taste q:

        score = s_j * (sum over genres t of g_jt p_t / q_t) ** genre_weight

    A person of average taste, or without a history, gets a lift of 1 for every title, and so does a title without
    genres. Titles that nobody watched inside the window follow by overall popularity, with scores from -1 to 0.

    The window is the last `days` before the last event. Where there are no times, it is the last part of each history
    (`tail`); where there is no order either, everything. The manifest's facts say which (`window`).
    """

    name = "recent"
    Config = RecentConfig
    config: RecentConfig

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        histories = data.histories
        n_people = np.float32(max(1, int((histories.lengths > 0).sum())))
        recent, window = _recent_events(data, self.config)
        self.facts |= {"window": window, "recent_events": int(recent.sum())}
        self._popularity = count_watchers(histories, data.n_codes) / n_people
        watchers = count_watchers(histories.keep_events(recent), data.n_codes)
        self._recent = np.where(watchers > 0, watchers + self._popularity, 0) / n_people
        divided = divide_by_tokens(data.catalogue)
        average = interaction_matrix(histories, data.n_codes).sum(axis=0) @ divided  # (1, tokens)
        self._average = np.asarray(average, dtype=np.float64).ravel() / max(1.0, float(average.sum()))
        self._describe(divided)

    def _describe(self, divided: Doubles) -> None:
        """Derive what lifts are computed from: each title's genres, and those relative to their average share."""
        self._divided = divided  # (codes, tokens)
        self._relative = np.divide(divided, self._average, out=np.zeros_like(divided), where=self._average > 0)

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        scores = self._recent * self._lifts(histories) ** np.float32(self.config.genre_weight)
        return np.where(self._recent > 0, scores, self._popularity - 1)

    def _lifts(self, histories: Histories) -> Scores:
        """Return how much more than average each person likes each title's genres, (n_users, n_codes)."""
        if self.config.genre_weight == 0 or self._divided.shape[1] == 0:
            return np.ones((histories.n_users, len(self._recent)), dtype=np.float32)
        watched = interaction_matrix(histories, len(self._recent)).astype(np.float64) @ self._divided
        n_titles = watched.sum(axis=1, keepdims=True)  # each title's division sums to 1
        shrinkage = self.config.shrinkage
        profiles = (watched + shrinkage * self._average) / (n_titles + shrinkage)
        lifts = (profiles @ self._relative.T).astype(np.float32)  # rounded: equal genres are tied however BLAS adds up
        return np.where(lifts > 0, lifts, np.float32(1))

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        """Score as for people who watched that title only."""
        return self._scores(Histories.from_lists([[code] for code in codes]))

    def _save(self, folder: Path) -> None:
        np.savez(folder / "recent.npz", recent=self._recent, popularity=self._popularity, average=self._average)

    def _load(self, folder: Path) -> None:
        with np.load(folder / "recent.npz", allow_pickle=False) as arrays:
            self._recent, self._popularity, self._average = (arrays[n] for n in ("recent", "popularity", "average"))
        self._describe(divide_by_tokens(self.data.catalogue))


def divide_by_tokens(catalogue: Catalogue) -> Doubles:
    """Divide each title evenly among its genres and tags: (n_codes, n_tokens), rows that sum to 1, or to 0."""
    has = catalogue.token_matrix(catalogue.tokens["token"].head(MOST_TOKENS).to_list()).astype(np.float64)
    counts = has.sum(axis=1, keepdims=True)
    divided: Doubles = np.divide(has, counts, out=has, where=counts > 0)
    return divided


def _recent_events(data: Dataset, config: RecentConfig) -> tuple[npt.NDArray[np.bool_], str]:
    """Mark the events inside the window, and say in words what the window is."""
    histories = data.histories
    if histories.times is not None:
        latest = int(histories.times.max())
        day = datetime.fromtimestamp(latest, UTC).date()
        return histories.times > latest - config.days * DAY, f"the {config.days:g} days up to {day}"
    if data.order is Order.NONE:
        return np.ones(histories.n_events, dtype=bool), "everything: there is neither time nor order"
    n_recent = np.repeat(np.ceil(config.tail * histories.lengths), histories.lengths)
    return histories.places_from_end < n_recent, f"the last {config.tail:.0%} of each history: there are no times"
