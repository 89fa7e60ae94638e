"""A toy model with one dial to tune, registered as "dial" and, trained in epochs, as "slow-dial"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from recsys.config import Choice, Range, Settings, setting
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST
from recsys.errors import ConfigError
from recsys.models import REGISTRY
from recsys.models.base import OnEpoch, Recommender, Scores

CAMP = 12  # titles of the first camp, as in tests.contract.camps


@dataclass(frozen=True)
class DialConfig(Settings):
    """Have one setting that matters, one that the model may refuse, and one that matters for that one only."""

    dial: float = setting(
        0.3,
        "weight of the camp: the more the better, but from .9 on scores are no numbers",
        low=0.0,
        high=1.0,
        search=Range(0, 1),
    )
    kind: str = setting("plain", "which", choices=("plain", "broken"), search=Choice("plain", "broken"))
    depth: int = setting(3, "of what is broken", low=1, search=Range(1, 9, when=("kind", "broken")))
    epochs: int = setting(4, "how long", low=1)
    seed: int = setting(0, "nothing is random", low=0)


class Clock:
    """Tell the seconds that were put into it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class DialRecommender(Recommender):
    """Score a title by chance and, the further the dial is turned, by whether it is of the history's camp."""

    name = "dial"
    Config = DialConfig
    config: DialConfig
    clock: ClassVar[Clock]
    fits: ClassVar[list[Dataset]]
    """What each fit of a test was given."""
    interrupt_at: ClassVar[int | None]

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        self.fits.append(self.data)
        if len(self.fits) == self.interrupt_at:
            raise KeyboardInterrupt
        if self.config.kind == "broken":
            raise ConfigError("It is broken.", "Take another kind.")
        self.clock.now += 20

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        titles = np.arange(self.data.n_codes) < FIRST + CAMP
        first = np.array([histories.of(row)[0] < FIRST + CAMP for row in range(histories.n_users)])
        if self.config.dial > 0.9:
            return np.full((histories.n_users, self.data.n_codes), np.nan, dtype=np.float32)
        chance = np.random.default_rng(0).random((histories.n_users, self.data.n_codes))
        scores: Scores = (chance + 2 * self.config.dial * (first[:, None] == titles)).astype(np.float32)
        return scores

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        raise NotImplementedError

    def _save(self, folder: Path) -> None:
        raise NotImplementedError

    def _load(self, folder: Path) -> None:
        raise NotImplementedError


class SlowDialRecommender(DialRecommender):
    """Take 20 seconds an epoch, and tell how it goes."""

    name = "slow-dial"
    finds_epochs = True

    def __init__(self, config: DialConfig | None = None, *, on_epoch: OnEpoch | None = None) -> None:
        super().__init__(config)
        self.on_epoch = on_epoch

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        self.fits.append(self.data)
        for epoch in range(1, self.config.epochs + 1):
            self.clock.now += 20
            assert self.on_epoch is not None
            self.on_epoch(epoch, {"ndcg@10": self.config.dial})


@pytest.fixture
def dial(monkeypatch: pytest.MonkeyPatch) -> type[DialRecommender]:
    """Register the toys, with a clock of their own."""
    for cls in (DialRecommender, SlowDialRecommender):
        monkeypatch.setitem(REGISTRY, cls.name, f"{cls.__module__}:{cls.__name__}")
    state: dict[str, Any] = {"clock": Clock(), "fits": [], "interrupt_at": None}
    for name, value in state.items():
        monkeypatch.setattr(DialRecommender, name, value, raising=False)
    return DialRecommender
