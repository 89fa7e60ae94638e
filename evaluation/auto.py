"""Find the best model for some data within a time budget: fit candidates, judge them, try what is made of the best."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.certainty import Difference, paired_differences
from evaluation.judge import evaluate
from evaluation.protocol import Rules
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Split
from recsys.errors import ConfigError, InputError, RecsysError
from recsys.models import COMPOSITE, make_model, model_class
from recsys.models.base import OnEpoch, Recommender
from recsys.models.composite.config import as_flag, check_label, model_of
from recsys.models.composite.recommender import CompositeRecommender

METRICS = ("ndcg@10", "recall@10")
MINUTES = 30.0
TAUGHT = "lstm@taught"
ORDERED = ("popularity", "markov", "item-knn", "slim", "als", "lstm", TAUGHT)
UNORDERED = ("popularity", "item-knn", "ease", "slim", "als", "lstm")
"""What is tried, cheapest first; where the order means nothing, a model of what follows what cannot learn."""
PRESETS: Mapping[str, Mapping[str, Any]] = {
    TAUGHT: {"teachers": 2, "teacher_share": 0.8, "teacher_markov": 1.0, "teacher_slim": 1.0}
}
"""Settings of candidates with a label, on top of those of their model: what small data gained from (LOG.md)."""
FEW = 4
"""The best candidates that are kept, and blended."""
LEAST_EPOCHS = 3
"""A model that trains in epochs is left out where there is not even time for so many."""


@dataclass(frozen=True)
class Tried:
    """Hold what became of a candidate: values on the validation part, or a note that says why there are none."""

    model: str
    ndcg: float | None
    recall: float | None
    seconds: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """Hold the contest: the chosen model and every candidate's row.

    `kept` is the chosen one's name among the rows. `gain` is by how much `composite`, made of several models, beats the
    best single one: the better of the two that are tried, but one that is better beyond doubt before one that is not.
    """

    model: Recommender
    kept: str
    rows: tuple[Tried, ...]
    gain: Difference | None
    composite: str
    seconds: float

    def facts(self) -> dict[str, Any]:
        """Return the contest as plain values, for the model's folder."""
        gain = None if self.gain is None else self.gain._asdict()
        made = {"kept": self.kept, "composite": self.composite, "gain_of_composite": gain}
        return {"rows": [asdict(row) for row in self.rows], **made, "seconds": round(self.seconds, 1)}


def find_model(
    data: Dataset,
    split: Split,
    *,
    candidates: Sequence[str] = (),
    minutes: float = MINUTES,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    progress: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Fit the candidates in their order, judge each on the validation part, combine the best few, return the best.

    Without `candidates` they are those of the data's order, cheapest first; `settings` are by candidate. One model may
    be several, `lstm lstm@wide`; `lstm@taught` is `lstm` with teachers, tried only where there is time for all of its
    epochs. None begins once the minutes are over, except that one always runs; another model that trains in epochs
    gets as many as fit into the time that is left. What a candidate raises (not enough memory, settings that diverge)
    is noted, and the next one has its turn. The best few are then combined: blended, and, while there is time, put
    before a second stage (`rerank`). What is made of several models is chosen only where it beats the best single one
    by more than noise: the 95 % interval of the paired difference of NDCG over users, learned without the user, lies
    above 0. The test part is not looked at.

    Raises InputError for a budget of nothing and for unknown candidates, and ConfigError where none could be fitted.
    """
    names = check_candidates(candidates or (UNORDERED if data.order is Order.NONE else ORDERED))
    check_minutes(minutes)
    return _Contest(data, split, settings or {}, minutes * 60, seed, progress, clock).run(names)


def check_candidates(names: Sequence[str]) -> tuple[str, ...]:
    """Refuse candidates that do not exist, that are named twice, and models of models, which are tried anyway."""
    for name in names:
        if model_of(name) in COMPOSITE:
            raise InputError(f"{name} is no candidate: the best candidates are combined anyway.", "Leave it out.")
        check_label(name)
    if len({as_flag(name) for name in names}) < len(names):
        raise InputError(f"Candidates must differ, in more than - and _, got {' '.join(names)}.", "Name each once.")
    return tuple(names)


def check_minutes(minutes: float) -> None:
    """Refuse a budget of nothing."""
    if not minutes > 0:
        raise InputError(f"Choosing a model needs more than 0 minutes, got {minutes:g}.", "For example: --minutes 10.")


class _Late(Exception):  # noqa: N818  # no error: it ends a fit that would take too long
    """Say that a fit in epochs will not end in time, and how long an epoch takes."""

    def __init__(self, seconds_an_epoch: float) -> None:
        super().__init__()
        self.seconds_an_epoch = seconds_an_epoch


@dataclass(eq=False)
class _Contest:
    """Try candidates until the time is spent."""

    data: Dataset
    split: Split
    settings: Mapping[str, Mapping[str, Any]]
    budget: float
    seed: int
    progress: bool
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self.began = self.clock()
        self.rows: list[Tried] = []
        self.best: dict[str, Recommender] = {}
        self.ndcg: dict[str, npt.NDArray[np.float64]] = {}

    @property
    def left(self) -> float:
        """Give the seconds that are left of the budget."""
        return self.budget - (self.clock() - self.began)

    def run(self, names: Sequence[str]) -> Found:
        for name in names:
            if self.rows and self.left <= 0:
                self.rows.append(Tried(name, None, None, 0.0, "left out: no time"))
            else:
                self._try(name)
        if not self.best:
            raise ConfigError(
                "None of the candidates could be fitted: " + " ".join(f"{row.model}: {row.note}" for row in self.rows),
                "Choose other candidates, or fit one of them by its name.",
            )
        winner = max(self.best, key=lambda name: float(self.ndcg[name].mean()))
        chosen, kept = self.best[winner], winner
        gain: Difference | None = None
        composite = ""
        if len(self.best) > 1:
            for name in COMPOSITE:
                found = self._combine(name, winner)
                if found is None:
                    continue
                model, its = found
                # one that is better beyond doubt comes before any that is not
                if gain is None or (its.low > 0, its.value) > (gain.low > 0, gain.value):
                    gain, composite = its, name
                    chosen, kept = (model, name) if its.low > 0 else (self.best[winner], winner)
        return Found(chosen, kept, tuple(self.rows), gain, composite, self.clock() - self.began)

    def _try(self, name: str) -> None:
        """Fit and judge one candidate; only the best few stay in memory."""
        self._say(f"Fitting {name} ({max(0.0, self.left) / 60:.1f} minutes are left)")
        began, note = self.clock(), ""
        try:
            model, note = self._fit(name)
            # judged as it is going to be asked, and as the composites judge it
            rules = Rules(request_times="told" if model.reads_request_times else "hidden")
            judged = evaluate(model, self.split, METRICS, part="validation", rules=rules, seed=self.seed)
        except (RecsysError, MemoryError) as error:
            note = getattr(error, "message", "") or "the memory did not suffice"
            self.rows.append(Tried(name, None, None, round(self.clock() - began, 2), note))
            self._say(f"  {note}")
            return
        ndcg, recall = (judged.metrics[metric].value for metric in METRICS)
        self.rows.append(Tried(name, ndcg, recall, round(self.clock() - began, 2), note))
        self._say(f"  {METRICS[0]} {ndcg:.4f}")
        self.best[name], self.ndcg[name] = model, judged.per_user[METRICS[0]]
        if len(self.best) > FEW:
            worst = min(self.best, key=lambda one: float(self.ndcg[one].mean()))
            del self.best[worst]
        gc.collect()  # a Keras network refers to itself

    def _fit(self, name: str) -> tuple[Recommender, str]:
        """Fit a candidate; one that trains in epochs and would be late begins anew, with as many as there is time for.

        The first candidate is not stopped: there would be nothing else.
        """
        cls, settings = model_class(model_of(name)), self._settings(name)
        if not cls.finds_epochs:
            return make_model(model_of(name), settings).fit(self.data, self.split), ""
        config: Any = cls.Config.from_mapping(settings)  # one with epochs
        wanted, in_all = int(config.epochs), _epochs_in_all(config)
        watch = self._watch(in_all) if self.rows else None
        try:
            model = make_model(model_of(name), settings, on_epoch=watch)
            return model.fit(self.data, self.split, progress=self.progress), ""
        except _Late as late:
            shorter = _shorter(config, self.left / late.seconds_an_epoch / in_all)
        epochs = shorter["epochs"]
        if epochs < LEAST_EPOCHS or name in PRESETS:  # cut short, it is no better than its model without
            raise ConfigError(f"left out: time for {max(0, epochs)} of {wanted} epochs only") from None
        self._say(f"  time for {epochs} of {wanted} epochs: beginning anew with a schedule of that length")
        model = make_model(model_of(name), {**settings, **shorter})
        return model.fit(self.data, self.split, progress=self.progress), f"{epochs} of {wanted} epochs for lack of time"

    def _settings(self, name: str) -> dict[str, Any]:
        """Return a candidate's settings, with the seed where it has one."""
        seeded = {"seed": self.seed} if model_class(model_of(name)).Config.has("seed") else {}
        preset = {**self.settings.get(model_of(name), {}), **PRESETS[name]} if name in PRESETS else {}
        return {**seeded, **preset, **self.settings.get(name, {})}

    def _watch(self, wanted: int) -> OnEpoch:
        began = self.clock()

        def on_epoch(epoch: int, values: Mapping[str, float]) -> None:
            each = (self.clock() - began) / epoch
            if epoch == 1 and each * (wanted - 1) > self.left:
                raise _Late(each)

        return on_epoch

    def _combine(self, name: str, winner: str) -> tuple[CompositeRecommender, Difference] | None:
        """Combine the best few, and say by how much that beats the best one on users it has not learned from."""
        if name != COMPOSITE[0] and self.left <= 0:
            self.rows.append(Tried(name, None, None, 0.0, "left out: no time"))
            return None
        self._say(f"Combining {', '.join(self.best)}: {name}")
        began = self.clock()
        try:
            cls = model_class(name)
            model = cls(fitted=self.best, seed=self.seed).fit(self.data, self.split)  # type: ignore[call-arg]
        except (RecsysError, MemoryError) as error:
            self.rows.append(Tried(name, None, None, 0.0, getattr(error, "message", "") or "not enough memory"))
            return None
        assert isinstance(model, CompositeRecommender)
        ndcg, recall = (model.facts["validation"][metric] for metric in METRICS)
        note = model.in_words()
        if model.honest is None:  # too few users to learn from some and judge by others
            self.rows.append(Tried(name, ndcg, recall, round(self.clock() - began, 2), note))
            return None
        [gain] = paired_differences(model.honest[:, None], model.alone[winner][:, None], seed=self.seed)
        note += f"; {gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}) over {winner}, cross-fitted"
        self.rows.append(Tried(name, ndcg, recall, round(self.clock() - began, 2), note))
        return model, gain

    def _say(self, text: str) -> None:
        if self.progress:
            print(text, file=sys.stderr)


def _epochs_in_all(config: Any) -> int:
    """Count the epochs of a fit, those of teachers included."""
    taught = getattr(config, "teachers", 0)
    return int(config.epochs) + (taught * int(config.teacher(0).epochs) if taught else 0)


def _shorter(config: Any, share: float) -> dict[str, Any]:
    """Return the settings that cut each network's epochs, teachers' included, to a share."""
    settings = {"epochs": int(config.epochs * share + 1e-9)}
    if getattr(config, "teachers", 0):
        settings["teacher.epochs"] = max(1, int(config.teacher(0).epochs * share + 1e-9))
    return settings
