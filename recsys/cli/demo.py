"""`recsys demo`: the whole road on the embedded sample, from raw files to everybody's lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from evaluation.contest import Entry
    from recsys.dataset.prepared import Dataset
    from recsys.models.base import Recommender

LSTM = {
    "units": (64, 64), "dim": 64, "window": 50, "batch_size": 64, "learning_rate": 3e-3, "epochs": 25, "patience": 4,
}  # fmt: skip
"""Settings of the size of the sample; the defaults are made for real data."""

BASELINES = ("popularity", "als")
N_SHOWN = 3


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Everything is written here.")] = Path("demo"),
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of model and intervals.")] = 0,
) -> None:
    """Prepare the sample, fit the LSTM, judge it beside popularity and ALS, show lists, export everybody's.

    The titles are real, the watchers are synthetic. Takes about two minutes; a later run replaces what it wrote.
    """
    from evaluation.contest import contest, draw_entries, enter, shown_name, write_entry
    from evaluation.screen import results_table
    from recsys.cli.screen import console
    from recsys.dataset.sample import load_sample
    from recsys.dataset.split import split_dataset
    from recsys.export import export
    from recsys.models import make_model

    screen = console()
    step = _steps(screen)

    step("Prepare", "420 real titles, 1,200 synthetic watchers")
    data = load_sample()
    data.save(out / "prepared", overwrite=True)
    _say_counts(screen, data)

    step("Fit", "a stacked LSTM that reads each history and predicts the next anime")
    split = split_dataset(data, seed=seed)
    lstm = make_model("lstm", {**LSTM, "seed": seed}, workdir=out / "training")
    lstm.fit(data, split, progress=True)
    lstm.save(out / "model", overwrite=True)

    step("Evaluate", "everybody's last title is held out; every title is ranked")
    entrants = {"lstm": [lstm], **enter(data, split, BASELINES, seeds=[seed])}
    entries = list(contest(data, split, entrants, cutoffs=(10,), seed=seed, progress=True))
    screen.print(results_table(entries, data=shown_name(data), seed=seed))
    command = f"recsys demo --seed {seed}"
    for entry in entries:
        write_entry(entry, data=data, seed=seed, command=command, out=out / "results")
    picture = draw_entries(entries, data=data, seed=seed, out=out / "results")

    step("Recommend", "three watchers: what they saw last, what comes next")
    _show_lists(screen, data, lstm)

    step("Export", "everybody's 20 best")
    lists = export(lstm, out / "recommendations.parquet", k=20, titles=True, overwrite=True, progress=True)
    _last_screen(screen, entries, out, lists, picture)


def _steps(screen: Console) -> Any:
    numbers = iter(range(1, 10))

    def step(title: str, about: str) -> None:
        screen.print()
        screen.rule(f"[bold]{next(numbers)}  {title}[/bold]  [dim]{about}[/dim]", align="left", style="dim")

    return step


def _say_counts(screen: Console, data: Dataset) -> None:
    histories = data.histories
    screen.print(
        f"{histories.n_users:,} histories, {histories.n_events:,} events, {len(data.items):,} titles, "
        f"{len(data.catalogue.tokens):,} genres and tags. Order: {data.order}."
    )


def _show_lists(screen: Console, data: Dataset, model: Recommender) -> None:
    from recsys.cli.screen import print_table, watched
    from recsys.ranking.frames import with_details

    for user in data.users.ids.gather_every(len(data.users) // N_SHOWN).head(N_SHOWN):
        history = data.histories_of([user])
        rows = with_details(data, model.recommend([user], k=5))
        screen.print()
        print_table(data, rows, [f"User {user} {watched(data, history)}."])


def _last_screen(screen: Console, entries: list[Entry], out: Path, lists: Path, picture: Path) -> None:
    from rich.panel import Panel

    recall = {entry.evaluation.model: entry.evaluation.metrics["recall@10"].value for entry in entries}
    others = ", ".join(f"{name} {value:.3f}" for name, value in recall.items() if name != "lstm")
    screen.print()
    screen.print(f"recall@10 on this [yellow]synthetic[/yellow] sample: lstm {recall['lstm']:.3f} ({others}).")
    screen.print("It shows that everything works, not how good a model is: the watchers are invented.", style="dim")
    screen.print(f"\n  everybody's lists   {lists}\n  recall@k            {picture}")
    screen.print(f"  training curves     {out / 'training' / 'curves.png'}\n  the fitted model    {out / 'model'}\n")
    model = out / "model"
    lines = [
        "[bold]For yourself[/bold]",
        f'  recsys recommend {model} --titles "Cowboy Bebop" "Steins;Gate" --mood "Sci-Fi"',
        f'  recsys similar {model} "Spirited Away"',
        f"  recsys describe {model}",
        "",
        "[bold]With your own data[/bold] (CSV, TSV or parquet: who, what, and if known rating and time)",
        "  recsys prepare ratings.csv --items titles.csv --out prepared",
        "  recsys evaluate prepared --model popularity als lstm",
        "  recsys fit prepared --model lstm --final --out model",
        "  recsys export model --out recommendations.parquet -k 100",
    ]
    screen.print(Panel("\n".join(lines), title="What to try next", title_align="left", border_style="dim"))
