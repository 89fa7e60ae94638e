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
    from recsys.config import explain
    from recsys.models import model_class

    rows = explain(model_class(model).Config)
    if not rows:
        typer.echo(f"The {model} model has nothing to set.")
        return
    table = Table("setting", "default", "meaning", box=None, header_style="bold", pad_edge=False)
    for name, default, meaning in rows:
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else str(default).lower()
        table.add_row(name, shown, meaning)
    console().print(table)
