"""`recsys settings`: what can be set on a model."""

from __future__ import annotations

from typing import Annotated

import typer


def settings(
    model: Annotated[str, typer.Argument(metavar="NAME", help="A model that `recsys models` lists.")],
) -> None:
    """List a model's settings with their defaults.

    Each is given to `recsys fit` as --set name=value, or in a TOML file (--config).
    """
    from rich.table import Table

    from recsys.cli.screen import console
    from recsys.config import explain, search_space, show
    from recsys.models import model_class

    config = model_class(model).Config
    rows, searched = explain(config), search_space(config)
    if not rows:
        typer.echo(f"The {model} model has nothing to set.")
        return
    table = Table("setting", "default", "meaning", box=None, header_style="bold", pad_edge=False)
    if searched:
        table.add_column("recsys tune draws from", style="dim", overflow="fold")
    for name, default, meaning in rows:
        table.add_row(name, show(default), meaning, *([str(searched.get(name, ""))] if searched else []))
    console().print(table)
