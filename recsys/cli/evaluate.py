"""`recsys evaluate`: fit models on the training part and judge them by full ranking."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    prepared: Annotated[Path, typer.Argument(help="Prepared data folder.", metavar="PREPARED")],
    model: Annotated[list[str] | None, typer.Option(help="Model to fit and judge; repeatable.")] = None,
    saved: Annotated[list[Path] | None, typer.Option(help="Saved model to judge as it is; repeatable.")] = None,
    k: Annotated[str, typer.Option("--k", "-k", help="Cutoffs.")] = "5,10,20",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="recall, ndcg, hit_rate, mrr, coverage (these by default) or precision, at each cutoff; "
            "or with one of its own, e.g. ndcg@7. Repeatable.",
            show_default=False,
        ),
    ] = None,
    part: Annotated[str, typer.Option(help="The part to judge on: test or validation.")] = "test",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random hold-out, the models and the intervals.")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="MODEL.NAME=VALUE", help="A model's setting; repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the result files and the picture.")] = Path("results"),
) -> None:
    """Compare models: each ranks all titles for every held-out user, without those the user has seen.

    Shows a table with 95 % intervals, and writes one JSON file a model and a picture of recall@k.
    """
    from rich.console import Console

    from evaluation.contest import contest, enter, write_entries
    from evaluation.judge import part_of
    from evaluation.metrics import DEFAULT_METRICS, metrics_at, parse_cutoffs
    from evaluation.result_files import require_writable
    from evaluation.run import settings_by_model
    from evaluation.screen import results_table
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
    console = Console()
    entries = []
    for entry in contest(data, split, entrants, metrics=metrics, part=part, seed=seed, progress=console.is_terminal):
        console.print(f"{entry.evaluation.model}: judged", style="dim")
        entries.append(entry)
    console.print(results_table([entry.evaluation for entry in entries], data=data.name, seed=seed))
    values = {"model": names, "saved": saved, "k": [k], "metric": metric, "part": [part], "seed": [seed], "set": set_}
    words = [word for name, given in values.items() for value in given or [] for word in (f"--{name}", str(value))]
    command = shlex.join(["recsys", "evaluate", str(prepared), *words])
    for path in write_entries(entries, data=data.name, seed=seed, command=command, out=out):
        console.print(f"Wrote {path}", style="dim")
