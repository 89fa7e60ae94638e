"""`recsys models`: which models there are."""

from __future__ import annotations


def models() -> None:
    """List the models that `recsys fit` knows."""
    from rich.table import Table

    from recsys.cli.screen import console
    from recsys.models import REGISTRY, model_class

    table = Table(box=None, show_header=False, pad_edge=False)
    for name in REGISTRY:
        cls = model_class(name)
        table.add_row(name, (cls.__doc__ or "").strip().splitlines()[0])
    screen = console()
    screen.print(table)
    screen.print("\nSettings of one of them: recsys settings NAME")
