"""A search's memory: an Optuna study that proposes settings, learns from their values and outlives a crash."""

from __future__ import annotations

import typing
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from recsys.config import Choice, Range, Settings, search_space, show
from recsys.errors import InputError, RecsysError

FILE = "study.sqlite3"
STARTUP = 6
"""Trials drawn at random, the defaults among them, before the sampler learns from what it has seen."""
IDENTITY, TRIED, REPEATS = "identity", "tried", "repeats"


@dataclass(frozen=True)
class Tried:
    """Hold one trial: its number from 1, its settings where they are not the model's defaults, how it ended.

    `outcome` is "complete", "pruned" (stopped at an epoch's end: hopeless, or out of time) or "failed"; `note` says
    where or why. Only a complete trial has a value.
    """

    number: int
    settings: dict[str, Any]
    outcome: str
    value: float | None
    seconds: float
    note: str = ""


def load_optuna() -> ModuleType:
    """Import Optuna, quietly; without it, raise an error that says how to install it."""
    try:
        import optuna
    except ImportError:
        raise RecsysError("Optuna is not installed.", 'Install it: pip install "recsys[tune]".') from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@contextmanager
def open_study(
    folder: Path | None, name: str, identity: Mapping[str, Any], *, resume: bool = False, overwrite: bool = False
) -> Iterator[Any]:
    """Yield the study of this name, kept in a folder's SQLite file (None: in memory), and close the file in the end.

    `identity` maps what the values depend on; a study that was begun with anything else is not resumed. Trials that a
    killed process left unfinished are marked as such, and their settings wait for another trial.
    """
    optuna = load_optuna()
    storage = None if folder is None else _open_file(optuna, folder, name, resume, overwrite)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=3),
            )
            _refuse_other(study, identity, folder)
            for left in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
                abandon(study, left.number)
            yield study
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _open_file(optuna: ModuleType, folder: Path, name: str, resume: bool, overwrite: bool) -> Any:
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import SQLAlchemyError

    path = folder / FILE
    if overwrite and not resume:
        path.unlink(missing_ok=True)
    if path.exists() and not resume:
        raise InputError(
            f"There is a search in {folder} already.", "Go on with it (--resume), or choose another folder (--workdir)."
        )
    folder.mkdir(parents=True, exist_ok=True)
    unreadable = InputError(f"{path} is not a readable study.", "Remove it, or choose another folder (--workdir).")
    try:
        storage = optuna.storages.RDBStorage(str(URL.create("sqlite", database=path.resolve().as_posix())))
        others = [one.study_name for one in storage.get_all_studies() if one.study_name != name]
    except (SQLAlchemyError, RuntimeError) as error:
        raise unreadable from error
    if others:
        storage.remove_session()
        storage.engine.dispose()
        raise InputError(
            f"The search in {folder} is '{others[0]}', not '{name}'.",
            "Resume it with its own data, split and model, or choose another folder (--workdir).",
        )
    return storage


def _refuse_other(study: Any, identity: Mapping[str, Any], folder: Path | None) -> None:
    known = study.user_attrs.get(IDENTITY)
    if known is None:
        study.set_user_attr(IDENTITY, dict(identity))
        return
    for name, value in identity.items():
        if known.get(name) != value:
            raise InputError(
                f"The search in {folder} was begun with {name} {known.get(name)}, not {value}.",
                "Resume it as it was begun, or choose another folder (--workdir).",
            )


def ask(study: Any, seed: int) -> Any:
    """Begin the next trial.

    Each has a generator of its own, from the seed and its place: a resumed search goes on as if it had never stopped.
    """
    optuna = load_optuna()
    n_done = sum(bool({TRIED, REPEATS} & set(trial.user_attrs)) for trial in study.get_trials(deepcopy=False))
    seeded = int(np.random.SeedSequence([seed, n_done]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seeded, n_startup_trials=STARTUP)
    return study.ask()


def draw(trial: Any, config: type[Settings], fixed: Mapping[str, Any]) -> Settings:
    """Draw every setting that is searched, not fixed, and of consequence given those drawn before it.

    Raises ConfigError for a combination that the model refuses.
    """
    defaults, hints = config.from_mapping(fixed), typing.get_type_hints(config)
    values = dict(fixed)
    for name, search in search_space(config).items():
        if name in fixed:
            continue
        if search.when is not None:
            other, needed = search.when
            if values.get(other, getattr(defaults, other)) != needed:
                continue
        values[name] = _suggest(trial, name, search, hints[name], getattr(defaults, name))
    return config.from_mapping(values)


def _suggest(trial: Any, name: str, search: Range | Choice, kind: Any, default: Any) -> Any:
    if isinstance(search, Choice):  # by their texts: Optuna stores no tuples
        options = {show(option): option for option in search.options}
        return options[trial.suggest_categorical(name, list(options))]
    if int in (kind, *typing.get_args(kind)):
        return trial.suggest_int(name, int(search.low), int(search.high), log=search.log)
    value = trial.suggest_float(name, search.low, search.high, log=search.log)
    return value if value == default else float(f"{value:.3g}")  # nobody reads, or needs, sixteen digits


def try_first(study: Any, settings: Settings, fixed: Mapping[str, Any]) -> None:
    """Let these settings be the next to be tried, unless they were, or wait already."""
    searched = {name: search for name, search in search_space(type(settings)).items() if name not in fixed}
    values = {name: getattr(settings, name) for name in searched}
    texts = {name: show(value) for name, value in values.items() if isinstance(searched[name], Choice)}
    study.enqueue_trial({**values, **texts}, skip_if_exists=True)


def finish(study: Any, trial: Any, tried: Tried) -> None:
    """Record how a trial ended."""
    optuna = load_optuna()
    trial.set_user_attr(TRIED, asdict(tried))
    states = {"pruned": optuna.trial.TrialState.PRUNED, "failed": optuna.trial.TrialState.FAIL}
    study.tell(trial, tried.value, state=states.get(tried.outcome))


def repeat(study: Any, trial: Any, earlier: Tried) -> None:
    """Record that a trial would only repeat an earlier one: it counts for the sampler alone."""
    optuna = load_optuna()
    trial.set_user_attr(REPEATS, earlier.number)
    state = None if earlier.value is not None else optuna.trial.TrialState.FAIL
    study.tell(trial, earlier.value, state=state)


def abandon(study: Any, number: int) -> None:
    """Record that a trial was interrupted, and let its settings be tried again."""
    optuna = load_optuna()
    trial = study.get_trials(deepcopy=False)[number]
    study.tell(number, state=optuna.trial.TrialState.FAIL)
    values = trial.params or trial.system_attrs.get("fixed_params")
    if values:
        study.enqueue_trial(values)


def finished(study: Any) -> list[Tried]:
    """List the trials that ran to an end of their own, in order."""
    return [
        Tried(**trial.user_attrs[TRIED])
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and TRIED in trial.user_attrs
    ]
