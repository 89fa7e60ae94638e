"""`recsys fit --model auto`: let validation choose the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from recsys.config import HIGHEST_SEED, flag_text, given_settings
from recsys.errors import InputError

if TYPE_CHECKING:
    from recsys.dataset.prepared import Dataset
    from recsys.models.base import Recommender

AUTO = "auto"


def auto_options(
    minutes: float | None,
    candidates: Sequence[str] | None,
    flags: Sequence[str] | None,
    seed: int | None,
    for_one_model: Mapping[str, object],
) -> dict[str, Any]:
    """Check the options of a search for the best model before anything is fitted; return what `choose` takes."""
    from evaluation.auto import MINUTES, ORDERED, PRESETS, UNORDERED, check_candidates, check_minutes
    from evaluation.run import settings_by_model
    from recsys.models import model_class
    from recsys.models.composite.config import model_of

    if not 0 <= (seed or 0) <= HIGHEST_SEED:
        raise InputError(f"A seed must be from 0 to {HIGHEST_SEED}, got {seed}.", "For example: --seed 1.")
    for name, value in for_one_model.items():
        if value:
            raise InputError(
                f"--{name} is for one model, got it with --model auto.",
                "Leave it out, or name the model. Candidates' settings: --set lstm.epochs=20.",
            )
    names = check_candidates(" ".join(candidates or ()).replace(",", " ").split())
    minutes = MINUTES if minutes is None else minutes
    check_minutes(minutes)
    settings = {}
    for name, texts in settings_by_model(flags or (), names or [*dict.fromkeys([*ORDERED, *UNORDERED])]).items():
        preset = [f"{one}={flag_text(value)}" for one, value in PRESETS.get(name, {}).items()]
        settings[name] = given_settings(model_class(model_of(name)).Config, [*preset, *texts])
    return {"candidates": names, "minutes": minutes, "settings": settings, "seed": seed or 0}


def refuse_auto_options(minutes: float | None, candidates: Sequence[str] | None) -> None:
    """Refuse the options of a search where one model is named."""
    for name, value in {"minutes": minutes, "candidates": candidates}.items():
        if value:
            raise InputError(f"--{name} belongs to --model auto.", "Leave it out, or let recsys choose the model.")


def choose(data: Dataset, split: str, final: bool, **options: Any) -> Recommender:
    """Find the best model, show what was tried, and fit it on everything where that is wanted."""
    from evaluation.auto import find_model
    from evaluation.auto_screen import auto_table
    from recsys.cli.screen import console
    from recsys.dataset.split import split_dataset

    found = find_model(data, split_dataset(data, split), progress=True, **options)
    with suppress(BrokenPipeError):  # nobody reads along: no reason to lose what was found
        console().print(auto_table(found))
    model = found.model.refit(progress=True) if final else found.model
    model.facts["contest"] = found.facts()
    return model
