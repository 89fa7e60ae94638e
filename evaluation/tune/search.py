"""The search itself: propose settings, fit on the training part, judge on the validation part, learn, repeat."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from evaluation.judge import evaluate
from evaluation.metrics import RANK_METRICS, WITHOUT_CUTOFF, parse_metric
from evaluation.tune import study as memory
from evaluation.tune.result import Budget, Tuned
from evaluation.tune.screen import TuneLine
from evaluation.tune.study import Tried, load_optuna
from recsys.config import Choice, Range, Settings, given_settings, search_space
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout, Split
from recsys.errors import ConfigError, InputError
from recsys.models import make_model, model_class

METRIC = "ndcg@10"
REPEATS = 25
"""Proposals in a row that were all tried before, after which a search has seen its space."""
HOPELESS = 5
"""First trials that may all fail before a search gives up."""


def tune(
    data: Dataset,
    split: Split,
    model_name: str,
    *,
    trials: int | None = None,
    minutes: float | None = None,
    metric: str = METRIC,
    seed: int = 0,
    fixed: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Search the space that a model's settings declare for the highest mean of a metric on the validation part.

    The first trial is the defaults (with what is `fixed`); the others are drawn by a tree-structured Parzen estimator
    (Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011). No trial begins once `trials` or
    `minutes` are spent. A model that trains in epochs is also stopped at an epoch's end when the time is over, or when
    it does worse than the median of the earlier trials at that epoch; the defaults alone always finish, for there
    would be nothing to compare with. Settings that a model refuses, or that diverge, make a failed trial.

    The trials get neither the test part nor the histories that hold it. With a `folder` the study is kept there in an
    SQLite file; `resume` goes on with it, and what it spent counts, while `overwrite` begins anew. Ctrl-C ends the
    search and keeps what was found.

    Raises InputError for a budget of nothing, a model with nothing to search, and a study of other data.
    """
    budget, chosen = Budget(trials, minutes), accuracy_metric(metric)
    held = held_settings(model_name, fixed or {}, seed)
    defaults = model_class(model_name).Config.from_mapping(held)
    identity = {
        "the split": split.protocol,
        "the number of training events": split.train.n_events,
        "the metric": chosen,
        "the seed": seed,
        "the settings": differences(defaults),
        "the search space": {name: str(search) for name, search in space_of(model_name, held).items()},
    }
    nobody = Histories.from_lists([])
    seen = data.with_histories(split.train)  # what a trial does not get, it cannot look at
    blind = replace(split, test=Holdout(nobody, nobody))
    name = f"{data.name} · {model_name} · test set {split.sha256[:12]}"
    with memory.open_study(folder, name, identity, resume=resume, overwrite=overwrite) as study:
        search = _Search(study, seen, blind, model_name, defaults, chosen, held, seed, budget, clock)
        with TuneLine(chosen, budget.trials, shown=progress) as line:
            interrupted = search.run(line)
        return search.result(interrupted)


def space_of(model_name: str, fixed: Mapping[str, Any]) -> dict[str, Range | Choice]:
    """List what a search draws from; InputError where there is nothing, or nothing that is not fixed."""
    space = search_space(model_class(model_name).Config)
    if not space:
        raise InputError(f"A {model_name} model has nothing to search.", "Fit and judge it as it is.")
    free = {name: search for name, search in space.items() if name not in fixed}
    if not free:
        raise InputError(f"Nothing is left to search: {', '.join(space)} are fixed.", "Leave one of them open.")
    return free


def fixed_settings(model_name: str, flags: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` texts as the values of the model's settings."""
    return given_settings(model_class(model_name).Config, flags)


def held_settings(model_name: str, fixed: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return the settings that a search leaves as they are: those given, and the seed where the model has one."""
    config = model_class(model_name).Config
    seeded = {"seed": seed} if "seed" in {item.name for item in fields(config)} else {}
    settings = config.from_mapping({**seeded, **fixed})
    return {name: getattr(settings, name) for name in {**seeded, **fixed}}


def differences(settings: Settings) -> dict[str, Any]:
    """Return the settings that are not the model's defaults, as a TOML file takes them."""
    usual = type(settings)().to_mapping()
    changed = {name: value for name, value in settings.to_mapping().items() if value != usual[name]}
    return {name: "none" if value is None else value for name, value in changed.items()}  # TOML has no null


def accuracy_metric(text: str) -> str:
    """Check a metric: one that grows with how well the held-out titles are ranked."""
    metric = parse_metric(text)
    if metric.name not in {*RANK_METRICS, *WITHOUT_CUTOFF}:
        raise InputError(f"A search maximises the accuracy of the ranking, got {metric}.", "For example: ndcg@10.")
    return str(metric)


@dataclass(eq=False)
class _Search:
    """Try settings until the budget is spent."""

    study: Any
    data: Dataset
    split: Split
    model_name: str
    defaults: Settings
    metric: str
    fixed: Mapping[str, Any]
    seed: int
    budget: Budget
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self.began = self.clock() - sum(one.seconds for one in memory.finished(self.study))

    @property
    def _seconds(self) -> float:
        """Give the seconds since the search began, without the pause before it was resumed."""
        return self.clock() - self.began

    def run(self, line: TuneLine) -> bool:
        """Carry out trials; returns whether Ctrl-C ended the search early, with something found."""
        memory.try_first(self.study, self.defaults, self.fixed)
        repeats = 0
        try:
            while repeats < REPEATS:
                tried = memory.finished(self.study)
                line.show(tried)
                hopeless = len(tried) >= HOPELESS and all(one.outcome == "failed" for one in tried)
                if hopeless or self.budget.spent(len(tried), self._seconds):
                    break
                repeats = 0 if self._try_one(tried, line) else repeats + 1
        except KeyboardInterrupt:
            if all(one.value is None for one in memory.finished(self.study)):
                raise
            return True
        return False

    def _try_one(self, earlier: Sequence[Tried], line: TuneLine) -> bool:
        """Carry out the next trial; returns whether it was of settings not tried before."""
        trial, began = memory.ask(self.study, self.seed), self.clock()
        outcome, value, note = "complete", None, ""
        changed: dict[str, Any] = dict(trial.params)
        try:
            settings = memory.draw(trial, type(self.defaults), self.fixed)
            changed = differences(settings)
            same = next((one for one in earlier if one.settings == changed), None)
            if same is not None:
                memory.repeat(self.study, trial, same)
                return False
            value = self._judge(trial, settings, line)
        except load_optuna().TrialPruned as pruned:
            outcome, note = "pruned", str(pruned)
        except BaseException as error:
            if not _spoils_this_trial_only(error, first=not earlier):
                memory.abandon(self.study, trial.number)
                raise
            outcome, note = "failed", getattr(error, "message", "") or "the memory did not suffice"
        tried = Tried(len(earlier) + 1, changed, outcome, value, round(self.clock() - began, 3), note)
        memory.finish(self.study, trial, tried)
        return True

    def _judge(self, trial: Any, settings: Settings, line: TuneLine) -> float:
        """Fit a model and return its mean metric on the validation part."""
        spared = settings == self.defaults

        def on_epoch(epoch: int, values: Mapping[str, float]) -> None:
            line.epoch(epoch)
            if self.metric in values:
                trial.report(values[self.metric], epoch)
            if not spared and self.budget.out_of_time(self._seconds):
                raise load_optuna().TrialPruned(f"the time was over after epoch {epoch}")
            if not spared and trial.should_prune():
                raise load_optuna().TrialPruned(f"behind the others after epoch {epoch}")

        in_epochs = model_class(self.model_name).finds_epochs
        model = make_model(self.model_name, settings.to_mapping(), **({"on_epoch": on_epoch} if in_epochs else {}))
        model.fit(self.data, self.split)
        found = evaluate(model, self.split, [self.metric], part="validation")
        if in_epochs:
            del model
            gc.collect()  # a Keras network refers to itself: those of several trials would pile up
        return float(found.metrics[self.metric].value)

    def result(self, interrupted: bool) -> Tuned:
        """Collect what was found; ConfigError when no trial got a value."""
        trials = memory.finished(self.study)
        complete = [one for one in trials if one.value is not None]
        if not complete:
            raise ConfigError(
                f"None of the {len(trials)} trials came to an end; the last one: {trials[-1].note}",
                "Fix what is behind it by --set, or give the search more time.",
            )
        best = max(complete, key=lambda one: one.value or 0.0)  # of equals the first: the defaults, where they are one
        usual = next((one for one in complete if one.settings == differences(self.defaults)), None)
        return Tuned(
            model=self.model_name,
            metric=self.metric,
            budget=self.budget,
            settings=best.settings,
            fixed=differences(self.defaults),
            value=best.value or 0.0,
            default_value=None if usual is None else usual.value,
            trials=tuple(trials),
            seconds=sum(one.seconds for one in trials),
            interrupted=interrupted,
        )


def _spoils_this_trial_only(error: BaseException, *, first: bool) -> bool:
    """Tell settings that do not work from data that does not, which the first trial would show, and from bugs."""
    return isinstance(error, ConfigError | MemoryError) or (isinstance(error, InputError) and not first)
