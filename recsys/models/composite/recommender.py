"""The contract for models that are made of other models: fit the members, combine them, fit again, save and load."""

from __future__ import annotations

import json
import sys
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout, Split, split_dataset
from recsys.errors import InputError
from recsys.models import model_class
from recsys.models.base import Recommender, Scores
from recsys.models.composite.config import CompositeConfig, model_of, settings_texts

RANK_CONSTANT = 60
"""What reciprocal rank fusion adds to every rank: the value of Cormack et al. (SIGIR 2009)."""


class CompositeRecommender(Recommender):
    """Fit members on the same training part, learn from the validation part how to combine them, and serve together.

    Fitted without a validation part, it holds events out itself, and fits its members again on everything. Models that
    are fitted already are taken as they are: `fitted={"lstm": lstm, "ease": ease}`, to be fitted with the split that
    they know; `facts["fit_seconds"]` counts what they took, too, and `seed` is that of what is learned beside them.

    A subclass combines the members in `_learn`, or without a validation part in `_settle`; `_state` and `_restore` are
    what it learned, as plain values; `_scores` serves.
    """

    Config: ClassVar[type[CompositeConfig]]
    config: CompositeConfig
    described_as = "Members"
    needs_validation = True
    state_file: ClassVar[str]
    """The file of the folder that holds what was learned."""
    lasting_facts: ClassVar[tuple[str, ...]] = ("validation",)
    """The facts that stay true when the members are fitted again."""

    def __init__(
        self,
        config: CompositeConfig | None = None,
        *,
        fitted: Mapping[str, Recommender] | None = None,
        seed: int = 0,
    ) -> None:
        if config is None and fitted:
            config = self._config_of(fitted, seed)
        super().__init__(config)
        self._fitted = dict(fitted or {})
        self._check_members(self._fitted)
        self.members: dict[str, Recommender] = {}
        """The fitted members that serve."""
        self._rows: list[dict[str, Any]] = []
        self.honest: npt.NDArray[np.float64] | None = None
        """NDCG of each held-out user by what was learned without them (cross-fitted); not saved."""
        self.alone: dict[str, npt.NDArray[np.float64]] = {}
        """NDCG of the same users by each member alone; not saved."""

    @property
    def reads_request_times(self) -> bool:
        return any(member.reads_request_times for member in self.members.values())

    # -- what a subclass computes ------------------------------------------------------------------------------

    @abstractmethod
    def _learn(self, data: Dataset, members: dict[str, Recommender], validation: Holdout, progress: bool) -> None:
        """Learn from held-out events how to combine the members, which were fitted on `data`."""

    @abstractmethod
    def _settle(self, members: dict[str, Recommender]) -> None:
        """Combine the members where nothing was held out to learn from."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """Return what was learned beside the members, ready for JSON."""

    @abstractmethod
    def _restore(self, members: dict[str, Recommender], state: Mapping[str, Any]) -> None:
        """Take up members and what `_state` returned."""

    @abstractmethod
    def in_words(self) -> str:
        """Say in a few words what was made of the members."""

    def _read(self, data: Dataset) -> None:  # not every model of models has anything to read
        """Take from the training part what is needed beside the members."""

    def _taken(self) -> list[Recommender]:
        """Name the models that were fitted already."""
        return list(self._fitted.values())

    def _needs_no_validation(self) -> bool:
        """Say whether the settings leave nothing to learn from held-out events."""
        return bool(self._fitted)

    # -- fitting -------------------------------------------------------------------------------------------------

    def fit(self, dataset: Dataset, split: Split | None = None, *, progress: bool = False) -> Self:
        super().fit(dataset, split, progress=progress)
        before = sum(model.facts.get("fit_seconds", 0.0) for model in self._taken())
        self.facts["fit_seconds"] = round(self.facts["fit_seconds"] + before, 2)
        return self

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        self.members, self._rows, self.honest, self.alone = {}, [], None, {}
        self._read(data)
        if validation is not None and validation.n_users:
            members = self._fit_members(data, validation, progress)
            self._learn(data, members, as_asked(validation, members), progress)
        elif self._needs_no_validation():
            self._settle(self._fit_members(data, None, progress))
        else:
            self._fit_in_two_steps(data, progress)

    def _check_members(self, fitted: Mapping[str, Recommender]) -> None:
        for label, model in fitted.items():
            if label not in self.config.members or model.name != model_of(label):
                raise InputError(
                    f"A fitted {model.name} model was given as '{label}', which is no such member of this {self.name}.",
                    f"Its members: {', '.join(self.config.members)}.",
                )

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
                    f"this {self.name} is to learn from ({self.facts['fitted_on']}).",
                    "Fit it with the same data and split.",
                )
            member._data = self.data
            members[label] = member
        return members

    def _fit_in_two_steps(self, data: Dataset, progress: bool) -> None:
        """Learn how to combine on events held out of `data`, then fit the members on all of it."""
        try:
            split = split_dataset(data, seed=self.config.seed)
        except InputError:  # nobody has enough events
            self._settle(self._fit_members(data, None, progress))
            return
        trial = type(self)(self.config).fit(data, split, progress=progress)
        self._adopt_from(trial, data, progress)

    def refit(self, *, progress: bool = False) -> Self:
        """Fit the members anew on everything, validation and test rows included, combined as validation found best."""
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
        final.facts["validated"] = {name: self.facts.get(name) for name in ("fitted_on", *self.lasting_facts)}
        return final

    def _adopt_from(self, trial: Self, data: Dataset, progress: bool) -> None:
        """Take up what a trial learned, with its members fitted again on `data`."""
        self._read(data)
        members = {}
        for label, member in trial.members.items():
            if progress:
                print(f"Fitting {label} on everything", file=sys.stderr)
            member._data = data
            members[label] = member.refit(progress=progress)
            members[label]._data = self.data
        self._restore(members, trial._state())
        self._rows = trial._rows
        self.facts |= {name: trial.facts[name] for name in self.lasting_facts if name in trial.facts}

    # -- serving -------------------------------------------------------------------------------------------------

    def _similar_by(self, codes: npt.NDArray[np.int32], weights: Mapping[str, float]) -> Scores:
        """Fuse the members' lists by reciprocal rank: their similarities have no scale in common."""
        fused = np.zeros((len(codes), self.data.n_codes), dtype=np.float32)
        for label, member in self.members.items():
            scores = member._similar(codes)
            scores[np.arange(len(codes)), codes] = -np.inf
            order = np.argsort(-scores, axis=1, kind="stable")
            ranks = np.argsort(order, axis=1, kind="stable") + 1
            gains = (weights[label] * (RANK_CONSTANT + 1) / (RANK_CONSTANT + ranks)).astype(np.float32)
            fused += np.where(np.isfinite(scores), gains, np.float32(0))
        return np.where(fused > 0, fused, np.float32(-np.inf))

    def findings(self) -> list[str]:
        judged = self.facts.get("validation", {})
        found = ", ".join(f"{name} {value:.4f}" for name, value in judged.items())
        return [f"On validation: {found}."] if found else []

    def describe(self) -> pl.DataFrame:
        """List the members: `member, model …`, and what validation said of each alone."""
        return pl.DataFrame(self._rows, infer_schema_length=None).with_columns(pl.selectors.float().round(4))

    # -- the folder ----------------------------------------------------------------------------------------------

    def _save(self, folder: Path) -> None:
        members = []
        for label, member in self.members.items():
            member._save(_drawer(folder, label))
            members.append({"label": label, "config": member.config.to_mapping(), "facts": member.facts})
        state = {**self._state(), "rows": self._rows, "members": members}
        (folder / self.state_file).write_text(json.dumps(state, indent=2), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        state = json.loads((folder / self.state_file).read_text(encoding="utf-8"))
        members: dict[str, Recommender] = {}
        for entry in state["members"]:
            cls = model_class(model_of(entry["label"]))
            member = cls(cls.Config.from_mapping(entry["config"]))
            member._data, member.facts = self.data, entry["facts"]
            member._load(_drawer(folder, entry["label"]))
            members[entry["label"]] = member
        self._rows = state["rows"]
        self._restore(members, state)

    @classmethod
    def _config_of(cls, fitted: Mapping[str, Recommender], seed: int) -> CompositeConfig:
        """Write down fitted models as settings that would fit them again."""
        usual = cls.Config(members=tuple(fitted), seed=seed)
        texts = [text for label, model in fitted.items() for text in settings_texts(label, model.config)]
        own = {label: getattr(model.config, "seed", seed) for label, model in fitted.items()}
        texts += [f"{label}.seed={theirs}" for label, theirs in own.items() if theirs != seed]
        return replace(usual, member_settings=tuple(texts))


class _Drawer:
    """Stand for a member's folder inside the flat one: `drawer / "x.npz"` is the file `member.x.npz` there."""

    def __init__(self, folder: Path, label: str) -> None:
        self._folder, self._label = folder, label

    def __truediv__(self, name: str) -> Path:
        return self._folder / f"{self._label}.{name}"


def _drawer(folder: Path, label: str) -> Path:
    return cast(Path, _Drawer(folder, label))  # models do nothing with their folder but `folder / name`


def as_asked(holdout: Holdout, members: Mapping[str, Recommender]) -> Holdout:
    """Tell when each user asks, where a member reads it: what combines members learns from them as they will serve."""
    return holdout.with_request_times() if any(one.reads_request_times for one in members.values()) else holdout


def _fit_member(
    label: str, config: CompositeConfig, data: Dataset, validation: Holdout | None, progress: bool
) -> Recommender:
    member = model_class(model_of(label))(config.of(label))
    member._data = data
    began = time.perf_counter()
    member._fit(data, validation, progress)
    member.facts["fit_seconds"] = round(time.perf_counter() - began, 2)
    return member
