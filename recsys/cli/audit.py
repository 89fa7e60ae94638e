"""`recsys audit`: look at prepared data and a split of it before anyone trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def audit(
    prepared: Annotated[
        Path, typer.Argument(metavar="PREPARED", help="Folder that `recsys prepare` wrote.", show_default=False)
    ],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="PLAN",
            help="Split to look at: leave-last-out, random, time,at=0.9 or unseen-users,share=0.1; by default the one "
            "that `recsys evaluate` makes.",
            show_default=False,
        ),
    ] = None,
    no_lstm: Annotated[
        bool, typer.Option("--no-lstm", help="Leave out the shuffle test with an LSTM, which takes up to a minute.")
    ] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write everything to a JSON file.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with plots.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier files.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the split, the shuffles and the probes.")] = 0,
) -> None:
    """Find out whether the order is real, what is in the data, and what a split leaves in its parts and leaks.

    recsys audit data/prepared --html audit.html

    recsys audit data/prepared --split time,at=0.9,targets=all --no-lstm
    """
    import sys

    from evaluation.audit import audit as look
    from evaluation.audit.screen import audit_table
    from evaluation.audit.webpage import write_page
    from recsys.artifact import refuse_file
    from recsys.cli.screen import SYNTHETIC, console, refuse_one_file
    from recsys.dataset.prepared import Dataset
    from recsys.dataset.split import SplitPlan

    plan = None if split is None else SplitPlan.parse(split, seed=seed)
    refuse_one_file(json=json, html=html)
    for file in (json, html):
        if file is not None:
            refuse_file(file, overwrite=overwrite)  # before the work, not after it
    data = Dataset.load(prepared)
    probes = ("markov",) if no_lstm else ("markov", "lstm")
    found = look(data, plan, probes=probes, seed=seed, progress=sys.stderr.isatty())
    if json is not None:
        typer.echo(f"Wrote {found.write_json(json, overwrite=overwrite)}", err=True)
    if html is not None:
        typer.echo(f"Wrote {write_page(found, html)}", err=True)
    screen = console()
    if data.card.get("synthetic"):
        screen.print(SYNTHETIC, style="yellow")
    screen.print(audit_table(found))
