"""For new people who are known by few titles: what a Markov chain says beside the network.

A network learns from histories as they are, where few targets come after one title or two (and in data without an order
these count next to nothing, `late_weight`). What follows a title, or is watched with it, can be counted in all
histories; so the log of a chain's probabilities is added, the more the fewer titles are known. Not for the people of
the training data: a short list that is all that somebody watched is another thing, which the network has learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST, UNKNOWN
from recsys.models.base import Scores
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import settled_shuffle
from recsys.models.lstm.judging import best_mix
from recsys.models.markov import MarkovConfig, MarkovRecommender

CHAIN = "chain.npz"
KNOWN = (1, 2, 5, 10)
"""At how many known titles it is settled what the chain counts; in between, by their logarithm."""
ENOUGH = 20
"""From how many known titles on it counts nothing."""
SHARES = (0.0, 0.2, 0.5, 1.0, 2.0)
"""What it may count: more finds no more titles, and shows everybody what is popular (LOG.md)."""
USUAL_SHARES = {True: (1.0, 0.5, 0.0, 0.0), False: (2.0, 2.0, 1.0, 0.5)}
"""What it counts as a rule, in data with an order and without one: found on ML-1M and on Kaggle's table (LOG.md)."""
FEWEST, MOST = 100, 5000
"""Validation people: fewer say nothing for a number of known titles, more are not asked."""
SETTINGS = MarkovConfig(successors=50)
"""Those of Markov; of the successors of a title so few are kept that the folder stays small."""
RARE = np.float32(1e-6)
"""The least probability that the chain gives a title."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Hold the chain, and what its log odds count for people known by each of `KNOWN` titles.

    `learned_from` (user codes,) says who is no new person.
    """

    model: MarkovRecommender
    learned_from: npt.NDArray[np.bool_]
    shares: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        data: Dataset,
        config: LSTMConfig,
        others: Callable[[Histories], Scores],
        validation: Holdout | None,
    ) -> Chain:
        """Fit the chain; what it counts is chosen beside the `others`, or set, or as usual with no validation part."""
        model = MarkovRecommender(SETTINGS).fit(data)
        learned_from = np.zeros(data.users.n_codes, dtype=bool)
        learned_from[data.histories.users[data.histories.lengths > 0]] = True
        learned_from[UNKNOWN] = False
        if config.chain_share is not None:
            left = 1 - np.log(KNOWN) / np.log(ENOUGH)
            return cls(model, learned_from, tuple(float(round(config.chain_share * one, 4)) for one in left))
        usual = cls(model, learned_from, USUAL_SHARES[data.order is not Order.NONE])
        return usual if validation is None else usual._choose(others, validation, config)

    def _choose(self, others: Callable[[Histories], Scores], validation: Holdout, config: LSTMConfig) -> Chain:
        """Let validation people, cut short, say what it counts beside the `others`: never less for fewer titles.

        It counts as usual, unless something else is better beyond doubt: few people are held out, most of them in vain.
        """
        shares, least = [], 0.0
        for n, usual in zip(reversed(KNOWN), reversed(self.shares), strict=True):
            people = np.flatnonzero(validation.inputs.lengths >= n)
            people = people[:: max(1, ceil(len(people) / MOST))]

            def parts(histories: Histories, n: int = n) -> tuple[Scores, Scores]:
                few = self._cut(histories, n)
                return others(few), self.log_odds(few)

            chosen = usual
            if len(people) >= FEWEST:
                mixes = [(1.0, share) for share in (usual, *SHARES)]
                known = validation.select(people)
                at, _ = best_mix(parts, known, mixes, config, self.model.data.n_codes, beyond_doubt=True)
                chosen = mixes[at][1]
            least = max(least, chosen)
            shares.append(least)
        return replace(self, shares=tuple(reversed(shares)))

    def _cut(self, histories: Histories, n: int) -> Histories:
        """Keep n titles of each history, the last ones, or any where there is no order; whose they are is forgotten."""
        unordered = self.model.data.order is Order.NONE
        return (settled_shuffle(histories) if unordered else histories).last(n).without_users()

    def weights(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return what the chain counts for each person, (n_users,)."""
        known = np.bincount(histories.rows[histories.items >= FIRST], minlength=histories.n_users)
        at = np.log(np.maximum(known, 1))
        found = np.interp(at, np.log([*KNOWN, ENOUGH]), [*self.shares, 0.0])
        users = np.where(histories.users < len(self.learned_from), histories.users, UNKNOWN)
        new = ~self.learned_from[users]
        return np.where(new & (known > 0), found, 0.0).astype(np.float32)

    def log_odds(self, histories: Histories) -> Scores:
        """Return the log of how likely each title is next beside the likeliest one, (n_users, n_codes): 0 or less."""
        odds: Scores = np.log(np.maximum(self.model._scores(histories), RARE))
        odds -= odds.max(axis=1, keepdims=True)  # so that the first scores stay what they are without it
        return odds

    def add_to(self, scores: Scores, histories: Histories) -> npt.NDArray[np.float32]:
        """Add what it says to the scores (n_users, n_codes), in place, and return what it counts, (n_users,)."""
        weights = self.weights(histories)
        if len(few := np.flatnonzero(weights)):
            scores[few] += weights[few, None] * self.log_odds(histories.select(few))
        return weights

    def save(self, folder: Path) -> None:
        """Write all but the shares into a folder."""
        np.savez(folder / CHAIN, **self.model._arrays, learned_from=self.learned_from)  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path, data: Dataset, shares: Sequence[float]) -> Chain:
        """Read what `save` wrote."""
        model = MarkovRecommender(SETTINGS)
        model._data = data
        with np.load(folder / CHAIN, allow_pickle=False) as arrays:
            found = dict(arrays)
        learned_from = found.pop("learned_from")
        model._adopt(found)
        return cls(model, learned_from, tuple(shares))
