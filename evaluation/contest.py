"""Judge several models on one split: fit those given by name, take fitted ones as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.judge import Evaluation, evaluate, part_of, time_serving
from evaluation.plots import recall_figure, save_figure
from evaluation.protocol import Rules, refuse_leak
from evaluation.result_files import file_stem, make_result, ranks_frame, write_result
from evaluation.run import settings_of
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split
from recsys.errors import InputError
from recsys.models import load_model, make_model
from recsys.models.base import Recommender


@dataclass(frozen=True, eq=False)
class Entry:
    """Hold one model's evaluation, the model, and the seconds that the top 10 of all judged users took."""

    evaluation: Evaluation
    model: Recommender
    serve_seconds: float


def contest(
    data: Dataset,
    split: Split,
    entrants: Mapping[str, Recommender],
    *,
    metrics: Iterable[str] | None = None,
    cutoffs: Sequence[int] = (5, 10, 20),
    part: str = "test",
    rules: Rules | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Iterator[Entry]:
    """Judge the entrants in turn under their labels; one that is not yet fitted learns the split's training part."""
    chosen = None if metrics is None else list(metrics)
    for label, model in entrants.items():
        if not is_fitted(model):
            if progress:
                print(f"Fitting {label}", file=sys.stderr)
            model.fit(data, split, progress=progress)
        found = evaluate(model, split, chosen, cutoffs=cutoffs, part=part, rules=rules, seed=seed, progress=progress)
        serve_seconds = time_serving(model, part_of(split, part).inputs)
        yield Entry(replace(found, model=label), model, serve_seconds)


def enter(
    data: Dataset,
    split: Split,
    names: Sequence[str],
    saved: Sequence[Path] = (),
    *,
    flags: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> dict[str, Recommender]:
    """Make the entrants of a contest: unfitted models by name, and saved ones, each under a label of its own.

    Raises what is wrong with any of them before the first is fitted: an unknown name or setting, a folder that is no
    model, a saved model of other titles or one that has seen the answers.
    """
    entrants = {name: make_model(name, settings_of(name, (flags or {}).get(name, []), seed)) for name in names}
    for folder in saved:
        model = load_model(folder)
        if model.data.items != data.items:
            raise InputError(f"{folder} was fitted on other titles than {data.name} has.", "Give its own data folder.")
        refuse_leak(model, split)
        label = model.name if model.name not in entrants else folder.name
        if label in entrants:
            raise InputError(f"Two models would be called '{label}'.", "Rename one of the folders.")
        entrants[label] = model
    if not entrants:
        raise InputError("At least one model is needed, got none.", "For example: --model popularity --model lstm.")
    return entrants


def write_entries(entries: Sequence[Entry], *, data: Dataset, seed: int, command: str, out: Path) -> list[Path]:
    """Write one result file a model and the picture of recall@k; returns their paths, the picture last."""
    paths = []
    for entry in entries:
        result = make_result(
            [entry.evaluation],
            data=data.name,
            config=entry.model.config.to_mapping(),
            seeds=[seed],
            command=command,
            train_seconds=entry.model.facts.get("fit_seconds"),
            peak_memory_mb=None,  # several models share the process; evaluation.run gives each one of its own
            serve_seconds=entry.serve_seconds,
            training=getattr(entry.model, "epochs", []),
            data_title=shown_name(data),
        )
        paths.append(write_result(result, out, ranks=ranks_frame([entry.evaluation], [seed])))
    figure = recall_figure([entry.evaluation for entry in entries], data=shown_name(data), seed=seed)
    return [*paths, save_figure(figure, out / f"{file_stem(data.name)}--recall.png")]


def shown_name(data: Dataset) -> str:
    """Name a data set where people read it; invented watchers are always called so."""
    return f"{data.name} (synthetic data)" if data.card.get("synthetic") else data.name


def is_fitted(model: Recommender) -> bool:
    """Say whether a model has learned already."""
    return bool(model.facts)
