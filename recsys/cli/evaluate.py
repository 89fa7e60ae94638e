"""`recsys evaluate`: fit models on the training part and judge them by full ranking."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    prepared: Annotated[
        Path, typer.Argument(metavar="PREPARED", help="Folder that `recsys prepare` wrote.", show_default=False)
    ],
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Model to fit and judge; repeatable.", show_default=False)
    ] = None,
    saved: Annotated[
        list[Path] | None,
        typer.Option(metavar="MODEL", help="Model folder to judge as it is; repeatable.", show_default=False),
    ] = None,
    k: Annotated[str, typer.Option("-k", "--k", metavar="K,K", help="Cutoffs.")] = "5,10,20",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="recall, ndcg, hit_rate, mrr, coverage (these by default) or precision at every cutoff, or with one "
            "of its own: ndcg@7. Repeatable.",
            show_default=False,
        ),
    ] = None,
    part: Annotated[str, typer.Option(metavar="PART", help="Judge on the test or the validation part.")] = "test",
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Seed of the random hold-out, the models and the intervals.")
    ] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="MODEL.NAME=VALUE", help="A model's setting; repeatable.", show_default=False),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Result files and the picture go here.")
    ] = Path("results"),
) -> None:
    """Compare models: each ranks all titles for every held-out user, without those the user has seen.

    Shows a table with 95 % intervals, and writes one JSON file a model and a picture of recall@k.

    recsys evaluate data/prepared --model popularity als lstm --set lstm.epochs=20
    """
    from evaluation.contest import contest, enter, shown_name, write_entries
    from evaluation.judge import part_of
    from evaluation.metrics import DEFAULT_METRICS, metrics_at, parse_cutoffs
    from evaluation.result_files import require_writable
    from evaluation.run import settings_by_model
    from evaluation.screen import results_table
    from recsys.cli.screen import console
    from recsys.dataset.prepared import Dataset
    from recsys.dataset.split import split_dataset

    names = list(model or [])
    metrics = [str(one) for one in metrics_at(metric or DEFAULT_METRICS, parse_cutoffs(k))]
    flags = settings_by_model(set_ or [], names)
    require_writable(out)
    data = Dataset.load(prepared)
    split = split_dataset(data, seed=seed)
    part_of(split, part)  # a wrong part, too, is said before a model is fitted
    entrants = enter(data, split, names, saved or [], flags=flags, seed=seed)
    entries = list(contest(data, split, entrants, metrics=metrics, part=part, seed=seed, progress=True))
    screen = console()
    screen.print(results_table([entry.evaluation for entry in entries], data=shown_name(data), seed=seed))
    values = {"model": names, "saved": saved, "k": [k], "metric": metric, "part": [part], "seed": [seed], "set": set_}
    words = [word for name, given in values.items() for value in given or [] for word in (f"--{name}", str(value))]
    command = shlex.join(["recsys", "evaluate", str(prepared), *words])
    for path in write_entries(entries, data=data, seed=seed, command=command, out=out):
        screen.print(f"Wrote {path}", style="dim")
