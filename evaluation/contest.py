"""Judge several models on one split: fit those given by name, take fitted ones as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean

from evaluation.certainty import Spread, seed_spread
from evaluation.judge import Evaluation, evaluate, mean_over_seeds, part_of, time_serving
from evaluation.plots import recall_figure, save_figure
from evaluation.protocol import Rules, refuse_leak
from evaluation.result_files import file_stem, make_result, ranks_frame, read_result, result_path, write_result
from evaluation.run import has_seed, settings_of
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split
from recsys.errors import InputError
from recsys.models import load_model, make_model
from recsys.models.base import Recommender

Entrants = Mapping[str, Sequence[Recommender]]
"""The models of a contest under their labels: of each, one a seed."""


@dataclass(frozen=True, eq=False)
class Entry:
    """Hold what became of one label: for each seed the model and its evaluation, and how fast it serves.

    `serve_seconds` is what the top 10 of all judged users took, the mean over seeds; `seed` is the intervals'.
    """

    models: Sequence[Recommender]
    evaluations: Sequence[Evaluation]
    serve_seconds: float
    seed: int = 0

    @cached_property
    def evaluation(self) -> Evaluation:
        """Average the seeds, user by user."""
        return mean_over_seeds(self.evaluations, seed=self.seed)

    @property
    def seeds(self) -> list[int]:
        """Name the models' seeds; 0 for a model without one."""
        return [int(getattr(model.config, "seed", 0)) for model in self.models]

    def spread(self, metric: str) -> Spread:
        """Say how far the seeds are apart."""
        return seed_spread([one.metrics[metric].value for one in self.evaluations])


def contest(
    data: Dataset,
    split: Split,
    entrants: Entrants,
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
    for label, models in entrants.items():
        evaluations, serve_seconds = [], []
        for place, model in enumerate(models, start=1):
            if not is_fitted(model):
                if progress:
                    print(f"Fitting {label}" + (f", {place} of {len(models)}" * (len(models) > 1)), file=sys.stderr)
                model.fit(data, split, progress=progress)
            found = evaluate(
                model, split, chosen, cutoffs=cutoffs, part=part, rules=rules, seed=seed, progress=progress
            )
            evaluations.append(replace(found, model=label))
            serve_seconds.append(time_serving(model, (rules or Rules()).targets_of(part_of(split, part)).inputs))
        yield Entry(models, evaluations, mean(serve_seconds), seed)


def enter(
    data: Dataset,
    split: Split,
    names: Sequence[str],
    saved: Sequence[Path] = (),
    *,
    flags: Mapping[str, Sequence[str]] | None = None,
    seeds: Sequence[int] = (0,),
    part: str = "test",
) -> dict[str, list[Recommender]]:
    """Make the entrants of a contest: unfitted models by name, and saved ones, each under a label of its own.

    A model that has a seed enters once for each of `seeds`, any other once. Raises what is wrong with any of them
    before the first is fitted: an unknown name or setting, a folder that is no model, a saved model of other titles or
    one that has seen the answers of the `part`.
    """
    entrants = {
        name: [
            make_model(name, settings_of(name, (flags or {}).get(name, []), seed))
            for seed in (seeds if has_seed(name) else seeds[:1])
        ]
        for name in names
    }
    for folder in saved:
        model = load_model(folder)
        if model.data.items != data.items:
            raise InputError(f"{folder} was fitted on other titles than {data.name} has.", "Give its own data folder.")
        refuse_leak(model, split, part)
        label = model.name if model.name not in entrants else folder.resolve().name
        if label in entrants:
            raise InputError(f"Two models would be called '{label}'.", "Rename one of the folders.")
        entrants[label] = [model]
    if not entrants:
        raise InputError("At least one model is needed, got none.", "For example: --model popularity --model lstm.")
    return entrants


def refuse_other_results(
    out: Path, data: Dataset, split: Split, labels: Iterable[str], *, part: str, rules: Rules
) -> None:
    """Refuse a folder whose results of these models were judged differently: nobody means to replace them.

    Raises InputError that names the first of them.
    """
    ours = {"split": split.protocol, "part": part, **rules.named()}
    for label in labels:
        path = result_path({"data": data.name, "model": label}, out)
        if not path.is_file():
            continue
        try:
            there = read_result(path)
        except InputError as error:
            raise InputError(
                error.message, "Choose another folder (--out), or pass --overwrite to replace it."
            ) from None
        theirs = Rules().named() | there["protocol"]  # an older file may not name all of them
        other = [name for name, value in ours.items() if theirs[name] != value]
        if other or there["split_sha256"] != split.sha256:
            raise InputError(
                f"{path} was judged otherwise ({', '.join(other) or 'on another test set'}).",
                "Choose another folder (--out), or pass --overwrite to replace it.",
            )


def write_entry(entry: Entry, *, data: Dataset, seed: int, command: str, out: Path) -> Path:
    """Write the result file of one label and return its path; the seed is that of the intervals."""
    first, *_ = entry.models
    seconds = [model.facts["fit_seconds"] for model in entry.models if "fit_seconds" in model.facts]
    result = make_result(
        entry.evaluations,
        data=data.name,
        config=first.config.to_mapping(),
        seeds=entry.seeds,
        command=command,
        train_seconds=mean(seconds) if seconds else None,
        peak_memory_mb=None,  # several models share the process; evaluation.run gives each one of its own
        serve_seconds=entry.serve_seconds,
        training=getattr(first, "epochs", []),
        data_title=shown_name(data),
        seed=seed,
    )
    return write_result(result, out, ranks=ranks_frame(entry.evaluations, entry.seeds))


def draw_entries(entries: Sequence[Entry], *, data: Dataset, seed: int, out: Path) -> Path:
    """Draw recall@k of all labels and return the picture's path; the seed is that of the bands."""
    figure = recall_figure([entry.evaluation for entry in entries], data=shown_name(data), seed=seed)
    return save_figure(figure, out / f"{file_stem(data.name)}--recall.png")


def shown_name(data: Dataset) -> str:
    """Name a data set where people read it; invented watchers are always called so."""
    return f"{data.name} (synthetic data)" if data.card.get("synthetic") else data.name


def is_fitted(model: Recommender) -> bool:
    """Say whether a model has learned already."""
    return bool(model.facts)
