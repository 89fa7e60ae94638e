"""The blend behind the contract: fit its members, weigh them, rank with the weighted sum of their scores."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout
from recsys.models.base import Recommender, Scores, batch_size
from recsys.models.blend.config import AUTO, BlendConfig
from recsys.models.blend.scales import SCALES, Seen
from recsys.models.blend.weights import LEAST_USERS, MAX_USERS, Choice, Pool, choose, cross_fitted, pool_members
from recsys.models.composite.config import model_of
from recsys.models.composite.recommender import CompositeRecommender
from recsys.ranking.ranks import quality, target_ranks

GIVEN = "z-score"
"""The scale where nothing was held out to choose one by, or to find how sharp the members' scores are."""


class BlendRecommender(CompositeRecommender):
    """Rank by the weighted sum of several models' scores, with weights that validation chose.

    Each member's scores are brought to a common scale (`scales.py`), and the weights that maximise NDCG@k over the full
    ranking of the validation part are searched (`weights.py`). Weight 1 on the best member is where the search begins,
    and what remains where weights chosen on some of the users do not beat that member on the others, or where a last
    look at the full ranking finds the blend below it. Members left without weight are not kept. With `weights` in the
    settings, nothing is searched.
    """

    name = "blend"
    Config = BlendConfig
    config: BlendConfig
    state_file = "blend.json"
    lasting_facts = ("scale", "weights", "validation")

    def __init__(
        self,
        config: BlendConfig | None = None,
        *,
        fitted: Mapping[str, Recommender] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(config, fitted=fitted, seed=seed)
        self.weights: dict[str, float] = {}
        self._scale = GIVEN
        self._sharpness: dict[str, float] = {}

    # -- fitting -------------------------------------------------------------------------------------------------

    def _needs_no_validation(self) -> bool:
        return bool(self.config.weights) or super()._needs_no_validation()

    def _settle(self, members: dict[str, Recommender]) -> None:
        self._sharpness = {}
        self._take(members, self._given_choice())

    def _learn(self, data: Dataset, members: dict[str, Recommender], validation: Holdout, progress: bool) -> None:
        """Choose scale and weights on the held-out users, and check them by a full ranking."""
        if progress:
            print(f"Weighing {', '.join(members)}", file=sys.stderr)
        config, labels = self.config, list(members)
        if validation.n_users > MAX_USERS:
            drawn = np.random.default_rng(config.seed).choice(validation.n_users, MAX_USERS, replace=False)
            validation = validation.select(np.sort(drawn))
        scales = list(SCALES) if config.scale == AUTO else [config.scale]
        scorers = [member._scores for member in members.values()]
        batch = max(LEAST_USERS, batch_size(data.n_codes))
        pool = pool_members(scorers, validation, scales, config.cutoff, batch=batch)
        self._sharpness = dict(zip(labels, pool.sharpness, strict=True))
        self.alone = dict(zip(labels, pool.single.T, strict=True))
        best = int(pool.single.mean(axis=0).argmax())
        alone = Choice(scales[0], np.eye(len(labels))[best])
        if config.weights:
            choice = self._given_choice(pool, scales)
        else:
            with threadpool_limits(1, user_api="blas"):  # many small products
                self.honest = cross_fitted(pool, scales, config.seed)
                choice = choose(pool, scales) if self.honest.mean() > pool.single[:, best].mean() else alone
        self._take(members, choice)
        ndcg, recall = self._judge(validation)
        if not config.weights and ndcg < pool.single[:, best].mean():  # beyond the pool's titles it turned out worse
            self._take(members, alone)
            ndcg, recall = float(pool.single[:, best].mean()), float(pool.single_recall[:, best].mean())
        self._report(pool, members, ndcg, recall)

    def _given_choice(self, pool: Pool | None = None, scales: Sequence[str] = ()) -> Choice:
        """Return the weights of the settings (all alike where there are none), on their scale or the best for them."""
        weights = np.array(self.config.weights or [1.0] * len(self.config.members))
        weights = weights / weights.sum()
        if pool is not None:
            return max((Choice(scale, weights) for scale in scales), key=lambda one: float(pool.ndcg(one).mean()))
        return Choice(self.config.scale if self.config.scale == "rank" else GIVEN, weights)

    def _take(self, members: Mapping[str, Recommender], choice: Choice) -> None:
        self._scale = choice.scale
        weights = dict(zip(members, (round(float(one), 6) for one in choice.weights), strict=True))
        self._rows = [{"member": label, "model": model_of(label), "weight": one} for label, one in weights.items()]
        self._sharpness = {label: self._sharpness.get(label, 1.0) for label in members}
        kept = {label: members[label] for label, weight in weights.items() if weight > 0}
        self._adopt(kept, {label: weights[label] for label in kept})
        self.facts |= {"scale": choice.scale, "weights": weights}

    def _adopt(self, members: dict[str, Recommender], weights: dict[str, float]) -> None:
        self.members, self.weights = members, weights
        self.supports_mood = any(one.supports_mood for one in members.values())  # type: ignore[misc]

    def _judge(self, validation: Holdout) -> tuple[float, float]:
        """Return NDCG and recall of the blend as it serves, by full ranking."""
        size = batch_size(self.data.n_codes)
        ranks = [
            target_ranks(self._scores(part.inputs), part.inputs, part.targets)
            for start in range(0, validation.n_users, size)
            for part in [validation.select(slice(start, start + size))]
        ]
        found = quality(np.concatenate(ranks), validation.targets.rows, validation.n_users, self.config.cutoff)
        return float(found[0].mean()), float(found[1].mean())

    def _report(self, pool: Pool, members: Mapping[str, Recommender], ndcg: float, recall: float) -> None:
        """Keep what validation said of each member and of the blend."""
        k = pool.cutoff
        for place, row in enumerate(self._rows):
            row |= {f"ndcg@{k}": float(pool.single[:, place].mean())}
            row |= {f"recall@{k}": float(pool.single_recall[:, place].mean())}
            row |= {"fit_seconds": members[row["member"]].facts.get("fit_seconds")}
        self.facts |= {"validation": {f"ndcg@{k}": ndcg, f"recall@{k}": recall}}
        given = self.config.weights and self.config.scale != AUTO
        self.facts["learned_from_validation"] = not given and len(self.members) > 1
        if self.honest is not None:
            self.facts["validation"][f"cross_fitted_ndcg@{k}"] = float(self.honest.mean())

    # -- serving -------------------------------------------------------------------------------------------------

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        asked = {label: one for label, one in self.members.items() if one.supports_mood or not mood}
        if len(asked) == 1:  # its own scores: every scale leaves the order as it is
            return next(iter(asked.values()))._scores(histories, mood)
        seen, scale = Seen.of(histories, self.data.n_codes), SCALES[self._scale]
        blended = np.zeros((histories.n_users, self.data.n_codes), dtype=np.float32)
        for label, member in asked.items():
            scores = scale(member._scores(histories, mood), seen, self._sharpness[label])
            scores *= np.float32(self.weights[label])
            blended += scores
        return blended

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        return self._similar_by(codes, self.weights)

    def in_words(self) -> str:
        return ", ".join(f"{label} {weight:.2f}" for label, weight in self.weights.items())

    # -- what was learned ----------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return {"scale": self._scale, "weights": self.weights, "sharpness": self._sharpness}

    def _restore(self, members: dict[str, Recommender], state: Mapping[str, Any]) -> None:
        self._scale, self._sharpness = state["scale"], state["sharpness"]
        SCALES[self._scale]  # an unknown one is found here, not in service
        self._adopt(members, {label: float(state["weights"][label]) for label in members})
