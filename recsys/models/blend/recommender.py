"""The blend behind the contract: fit its members, weigh them, rank with the weighted sum of their scores."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout, split_dataset
from recsys.errors import InputError
from recsys.models import model_class
from recsys.models.base import BATCH, Recommender, Scores
from recsys.models.blend.config import AUTO, BlendConfig, model_of, settings_texts
from recsys.models.blend.scales import RANK_CONSTANT, SCALES, Seen
from recsys.models.blend.weights import MAX_USERS, Choice, Pool, choose, cross_fitted, pool_members, quality
from recsys.ranking.ranks import target_ranks

FILE = "blend.json"
GIVEN = "z-score"
"""The scale where nothing was held out to choose one by, or to find how sharp the members' scores are."""


class BlendRecommender(Recommender):
    """Rank by the weighted sum of several models' scores, with weights that validation chose.

    Each member is fitted on the same training part; its scores are brought to a common scale (`scales.py`), and the
    weights that maximise NDCG@k over the full ranking of the validation part are searched (`weights.py`). Weight 1 on
    the best member is where the search begins, and what remains where weights chosen on some of the users do not beat
    that member on the others, or where a last look at the full ranking finds the blend below it. Members left without
    weight are not kept.

    Fitted without a validation part, and without `weights` in the settings, the blend holds events out itself to
    choose the weights, and fits its members again on everything. Models that are fitted already are taken as they
    are: `BlendRecommender(fitted={"lstm": lstm, "ease": ease}).fit(data, split)` with the split that they know.
    """

    name = "blend"
    Config = BlendConfig
    config: BlendConfig
    described_as = "Members"

    def __init__(self, config: BlendConfig | None = None, *, fitted: Mapping[str, Recommender] | None = None) -> None:
        if config is None and fitted:
            config = _config_of(fitted)
        super().__init__(config)
        self._fitted = dict(fitted or {})
        for label, model in self._fitted.items():
            if label not in self.config.members or model.name != model_of(label):
                raise InputError(
                    f"A fitted {model.name} model was given as '{label}', which is no such member of this blend.",
                    f"Its members: {', '.join(self.config.members)}.",
                )
        self.members: dict[str, Recommender] = {}
        """The fitted members that have a weight."""
        self.weights: dict[str, float] = {}
        self._scale = GIVEN
        self._sharpness: dict[str, float] = {}
        self._rows: list[dict[str, Any]] = []
        self.honest: npt.NDArray[np.float64] | None = None
        """NDCG of each held-out user under weights chosen without them (`weights.cross_fitted`); not saved."""
        self.alone: dict[str, npt.NDArray[np.float64]] = {}
        """NDCG of the same users by each member alone; not saved."""

    # -- fitting -------------------------------------------------------------------------------------------------

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        self.members, self.weights, self._sharpness, self._rows = {}, {}, {}, []
        if validation is not None and validation.n_users:
            members = self._fit_members(data, validation, progress)
            self._weigh(members, validation, progress)
        elif self.config.weights or self._fitted:
            self._take(self._fit_members(data, None, progress), self._given_choice())
        else:
            self._fit_in_two_steps(data, progress)

    def _fit_members(self, data: Dataset, validation: Holdout | None, progress: bool) -> dict[str, Recommender]:
        members = {}
        for place, label in enumerate(self.config.members, start=1):
            member = self._fitted.get(label)
            if member is None:
                if progress:
                    print(f"Fitting {label} ({place} of {len(self.config.members)})", file=sys.stderr)
                member = _fit_member(label, self.config, data, validation, progress)
            elif member.facts.get("test_sha256") != self.facts["test_sha256"]:
                raise InputError(
                    f"The fitted {label} has learned from {member.facts.get('fitted_on', 'nothing')}, not from what "
                    f"this blend is to learn from ({self.facts['fitted_on']}).",
                    "Fit it with the same data and split.",
                )
            member._data = self.data
            members[label] = member
        return members

    def _weigh(self, members: dict[str, Recommender], validation: Holdout, progress: bool) -> None:
        """Choose scale and weights on the held-out users, and check them by a full ranking."""
        if progress:
            print(f"Weighing {', '.join(members)}", file=sys.stderr)
        config, labels = self.config, list(members)
        if validation.n_users > MAX_USERS:
            drawn = np.random.default_rng(config.seed).choice(validation.n_users, MAX_USERS, replace=False)
            validation = validation.select(np.sort(drawn))
        scales = list(SCALES) if config.scale == AUTO else [config.scale]
        pool = pool_members([member._scores for member in members.values()], validation, scales, config.cutoff)
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

    def _fit_in_two_steps(self, data: Dataset, progress: bool) -> None:
        """Choose the weights on events held out of `data`, then fit the chosen members on all of it."""
        try:
            split = split_dataset(data, seed=self.config.seed)
        except InputError:  # nobody has enough events
            self._take(self._fit_members(data, None, progress), self._given_choice())
            return
        trial = type(self)(self.config).fit(data, split, progress=progress)
        self._adopt_from(trial, data, progress)

    def refit(self, *, progress: bool = False) -> Self:
        """Fit the members anew on everything, validation and test rows included, with the weights that were found."""
        final = type(self)(self.config)
        final._data = self.data
        final.facts = {
            "fitted_on": "everything",
            "test_sha256": None,
            "n_events": self.data.histories.n_events,
            "latest_event": None if self.data.histories.times is None else int(self.data.histories.times.max()),
        }
        began = time.perf_counter()
        final._adopt_from(self, self.data, progress)
        final.facts["fit_seconds"] = round(time.perf_counter() - began, 2)
        final.facts["validated"] = {name: self.facts.get(name) for name in ("fitted_on", *_FOUND)}
        return final

    def _adopt_from(self, trial: Self, data: Dataset, progress: bool) -> None:
        """Take up the weights of a fitted blend, with its members fitted again on `data`."""
        members = {}
        for label, member in trial.members.items():
            if progress:
                print(f"Fitting {label} on everything", file=sys.stderr)
            members[label] = _refit_member(member, data, progress)
            members[label]._data = self.data
        self._scale, self._sharpness = trial._scale, trial._sharpness
        self._rows = trial._rows
        self._adopt(members, trial.weights)
        self.facts |= {name: trial.facts[name] for name in _FOUND if name in trial.facts}

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
        ranks = [
            target_ranks(self._scores(part.inputs), part.inputs, part.targets)
            for start in range(0, validation.n_users, BATCH)
            for part in [validation.select(slice(start, start + BATCH))]
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
        """Fuse the members' lists by reciprocal rank: their similarities have no scale in common."""
        fused = np.zeros((len(codes), self.data.n_codes), dtype=np.float32)
        for label, member in self.members.items():
            scores = member._similar(codes)
            scores[np.arange(len(codes)), codes] = -np.inf
            order = np.argsort(-scores, axis=1, kind="stable")
            ranks = np.argsort(order, axis=1, kind="stable") + 1
            gains = (self.weights[label] * (RANK_CONSTANT + 1) / (RANK_CONSTANT + ranks)).astype(np.float32)
            fused += np.where(np.isfinite(scores), gains, np.float32(0))
        return np.where(fused > 0, fused, np.float32(-np.inf))

    def describe(self) -> pl.DataFrame:
        """List the members: `member, model, weight`, and what validation said of each alone."""
        return pl.DataFrame(self._rows, infer_schema_length=None).with_columns(pl.selectors.float().round(4))

    # -- the folder ----------------------------------------------------------------------------------------------

    def _save(self, folder: Path) -> None:
        members = []
        for label, member in self.members.items():
            member._save(_drawer(folder, label))
            members.append({"label": label, "config": member.config.to_mapping(), "facts": member.facts})
        state = {
            "scale": self._scale,
            "weights": self.weights,
            "sharpness": self._sharpness,
            "rows": self._rows,
            "members": members,
        }
        (folder / FILE).write_text(json.dumps(state, indent=2), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        members: dict[str, Recommender] = {}
        for entry in state["members"]:
            cls = model_class(model_of(entry["label"]))
            member = cls(cls.Config.from_mapping(entry["config"]))
            member._data, member.facts = self.data, entry["facts"]
            member._load(_drawer(folder, entry["label"]))
            members[entry["label"]] = member
        self._scale, self._sharpness, self._rows = state["scale"], state["sharpness"], state["rows"]
        SCALES[self._scale]  # an unknown one is found here, not in service
        self._adopt(members, {label: float(state["weights"][label]) for label in members})


_FOUND = ("scale", "weights", "validation")
"""The facts that stay true when the members are fitted again."""


class _Drawer:
    """Stand for a member's folder inside the blend's flat one: `drawer / "x.npz"` is the file `member.x.npz` there."""

    def __init__(self, folder: Path, label: str) -> None:
        self._folder, self._label = folder, label

    def __truediv__(self, name: str) -> Path:
        return self._folder / f"{self._label}.{name}"


def _drawer(folder: Path, label: str) -> Path:
    return cast(Path, _Drawer(folder, label))  # models do nothing with their folder but `folder / name`


def _fit_member(
    label: str, config: BlendConfig, data: Dataset, validation: Holdout | None, progress: bool
) -> Recommender:
    member = model_class(model_of(label))(config.of(label))
    member._data = data
    began = time.perf_counter()
    member._fit(data, validation, progress)
    member.facts["fit_seconds"] = round(time.perf_counter() - began, 2)
    return member


def _refit_member(member: Recommender, data: Dataset, progress: bool) -> Recommender:
    """Fit a member on `data`; one that validation told how long to train says itself how."""
    again = getattr(member, "refit", None)
    if again is None:
        return type(member)(member.config).fit(data, progress=progress)
    member._data = data
    refitted: Recommender = again(progress=progress)
    return refitted


def _config_of(fitted: Mapping[str, Recommender]) -> BlendConfig:
    """Write down fitted models as settings that would fit them again."""
    usual = BlendConfig(members=tuple(fitted))
    texts = [text for label, model in fitted.items() for text in settings_texts(label, model.config)]
    return replace(usual, member_settings=tuple(texts))
