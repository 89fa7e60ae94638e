"""`recsys tune`: search a model's settings on the validation part."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.screen import console, note

TRIALS = 30
INTERRUPTED = 130


def tune(
    prepared: Annotated[
        Path, typer.Argument(metavar="PREPARED", help="Folder that `recsys prepare` wrote.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="TOML file of settings to write.", show_default=False)
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="Which model; `recsys models` lists them.")] = "lstm",
    trials: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"How many settings to try ({TRIALS} where no --minutes are given)."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="How long to search; what is spent first ends the search.")
    ] = None,
    metric: Annotated[str, typer.Option(metavar="NAME", help="What to maximise on the validation part.")] = "ndcg@10",
    split: Annotated[
        str, typer.Option(metavar="PLAN", help="What is held out; as in `recsys evaluate --split`.")
    ] = "auto",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting to hold fixed; repeatable.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the search and of the models.")] = 0,
    workdir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The search is kept here (default: FILE-search).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the search that is kept there.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file, and its search.")] = False,
) -> None:
    """Search a model's settings on the validation part.

    Writes those that beat the defaults, for `recsys fit --config`. The test part is not looked at. `recsys settings
    NAME` shows what is searched.

    recsys tune data/prepared --model als --trials 30 --minutes 10 --out als.toml
    """
    from evaluation.tune import tune as search
    from evaluation.tune.screen import tuned_table
    from evaluation.tune.search import fixed_settings
    from recsys.artifact import refuse_file, write_file
    from recsys.dataset.prepared import Dataset
    from recsys.dataset.split import split_dataset

    fixed = fixed_settings(model, set_ or [])
    refuse_file(out, overwrite=overwrite)
    folder = workdir or out.with_name(f"{out.stem}-search")
    data = Dataset.load(prepared)
    found = search(
        data,
        split_dataset(data, split),
        model,
        trials=TRIALS if trials is None and minutes is None else trials,
        minutes=minutes,
        metric=metric,
        seed=seed,
        fixed=fixed,
        folder=folder,
        resume=resume,
        overwrite=overwrite,
        progress=True,
    )
    with write_file(out, overwrite=overwrite) as beside:
        beside.write_text(found.to_toml(), encoding="utf-8")
    console().print(tuned_table(found))
    if found.interrupted:
        note(f"Interrupted: what was found is kept. Add --resume --overwrite to go on (the search is in {folder}).")
    typer.echo(f"Wrote {out}. Try:")
    words = ["recsys", "fit", str(prepared), "--model", model, "--config", str(out), "--out", f"models/{model}"]
    typer.echo(f"  {shlex.join([*words, *(['--split', split] if split != 'auto' else [])])}")
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)
