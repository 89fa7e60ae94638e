"""`recsys fit`: train a model on prepared data."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.screen import note

if TYPE_CHECKING:
    from recsys.config import Settings
    from recsys.models.base import Recommender


def fit(
    prepared: Annotated[
        Path, typer.Argument(metavar="PREPARED", help="Folder that `recsys prepare` wrote.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="MODEL", help="Model folder to write.", show_default=False)
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME", help="Which model; `recsys models` lists them. auto: the best of several.")
    ] = "lstm",
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings as a TOML file.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting, on top of the file's (auto: MODEL.NAME=VALUE); repeatable."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Seed of a model that draws; others have none and need none.")
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="PLAN", help="What is held out; as in `recsys evaluate --split`.")
    ] = "auto",
    final: Annotated[
        bool, typer.Option("--final", help="Learn from everything in the end, held-out events included: to ship it.")
    ] = False,
    workdir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="For checkpoint, log and curves of training.", show_default="MODEL-training"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted fit stopped.")] = False,
    tensorboard: Annotated[Path | None, typer.Option(metavar="DIR", help="Write TensorBoard logs.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier model and training.")] = False,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="auto: how long to begin anything new; what has begun ends.", show_default="30"),
    ] = None,
    candidates: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="auto: the models to try, in this order; one may be several: lstm lstm@wide.",
            show_default="by the data's order, cheap first",
        ),
    ] = None,
) -> None:
    """Fit a model on the training part of prepared data, or on all of it (--final), and save it.

    --model auto fits several within a time budget, judges them on validation,
    and keeps the best one, or what is made of several (blend, rerank) where that
    is clearly better. In data with an order it tries lstm@taught, too, an LSTM
    with teachers, where there is time for all of it.

    recsys fit data/prepared --model lstm --out models/lstm --set epochs=20
    recsys fit data/prepared --model auto --minutes 10 --out models/best
    """
    from recsys.artifact import refuse_folder
    from recsys.cli.fit_auto import AUTO, auto_options, choose, refuse_auto_options
    from recsys.dataset.prepared import Dataset
    from recsys.models import model_class
    from recsys.models.base import KIND

    training: dict[str, Any] = {}
    train: Callable[[Dataset, str, bool], Recommender]
    if model == AUTO:
        for_one_model = {"config": config, "workdir": workdir, "resume": resume, "tensorboard": tensorboard}
        train = partial(choose, **auto_options(minutes, candidates, set_, seed, for_one_model))
    else:
        refuse_auto_options(minutes, candidates)
        cls = model_class(model)
        settings = _settings(cls, config, [*(set_ or []), *_seed_flag(cls, seed)])
        training = _training_options(cls, workdir, resume, tensorboard, out)
        if training and not (resume or overwrite):
            _refuse_training(training["workdir"])
        train = partial(_train, cls(settings, **training))
    refuse_folder(out, kind=KIND, overwrite=overwrite)
    data = Dataset.load(prepared)
    began = time.perf_counter()
    try:
        recommender = train(data, split, final)
    except KeyboardInterrupt:
        if training and training["workdir"].exists():
            note(f"\nIts checkpoint is in {training['workdir']}: add --resume to go on from there.")
        raise
    seconds = time.perf_counter() - began
    recommender.save(out, overwrite=overwrite)
    facts = recommender.facts
    typer.echo(f"Fitted {recommender.name} on {facts['n_events']:,} events ({facts['fitted_on']}) in {seconds:,.1f} s.")
    for line in recommender.findings():
        typer.echo(line)
    if training:
        typer.echo(f"Log and curves of the training: {training['workdir']}.")
    typer.echo(f"Saved {out}. Try:")
    judging = ["evaluate", str(prepared), "--saved", str(out), *(["--split", split] if split != "auto" else [])]
    shipping = ["export", str(out), "--out", "recs.parquet"]
    for words in (["recommend", str(out), "--user", str(data.users.ids[0])], shipping if final else judging):
        typer.echo(f"  {shlex.join(['recsys', *words])}")


def _seed_flag(cls: type[Recommender], seed: int | None) -> list[str]:
    return [f"seed={seed}"] if seed is not None and cls.Config.has("seed") else []


def _settings(cls: type[Recommender], config: Path | None, flags: list[str]) -> Settings:
    from recsys.config import read_toml

    return cls.Config.from_flags(flags, None if config is None else read_toml(config))


def _training_options(
    cls: type[Recommender], workdir: Path | None, resume: bool, tensorboard: Path | None, out: Path
) -> dict[str, Any]:
    """Return what a model that trains in epochs takes beside its settings; other models refuse all of it."""
    from recsys.errors import InputError

    if cls.finds_epochs:
        named = out if out.name not in ("", "..") else out.resolve()
        beside = named.parent / f"{named.name}-training"
        return {"workdir": workdir or beside, "resume": resume, "tensorboard": tensorboard}
    for name, value in {"workdir": workdir, "resume": resume, "tensorboard": tensorboard}.items():
        if value:
            raise InputError(f"A {cls.name} model does not train in epochs, got --{name}.", "Leave it out.")
    return {}


def _refuse_training(workdir: Path) -> None:
    """Refuse a folder with a training in it, which a new one would replace epoch by epoch."""
    from recsys.errors import InputError
    from recsys.models.lstm.config import TRAINING

    found = [name for name in TRAINING if (workdir / name).exists()]
    if found:
        raise InputError(
            f"{workdir} holds a training ({', '.join(found)}).",
            "Add --resume to go on with it, --overwrite to begin anew, or choose another --workdir.",
        )


def _train(recommender: Recommender, data: Any, split: str, final: bool) -> Recommender:
    from recsys.dataset.split import split_dataset

    if final and not recommender.needs_validation:
        return recommender.fit(data, progress=True)
    recommender.fit(data, split_dataset(data, split), progress=True)
    return recommender.refit(progress=True) if final else recommender
