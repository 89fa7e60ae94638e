"""`recsys describe`: what a model folder holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.options import ModelFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from rich.table import Table


def describe(
    model: ModelFolder,
    as_json: Annotated[bool, typer.Option("--json", help="Print kind, data, facts and settings as JSON.")] = False,
) -> None:
    """Show a model's kind, settings, data and layers."""
    import json

    from recsys.cli.screen import SYNTHETIC, console
    from recsys.models import load_model

    recommender = load_model(model)
    data = recommender.data
    serves = {
        "name": data.name,
        "people": data.histories.n_users,
        "titles": len(data.items),
        "events": data.histories.n_events,
        "order": str(data.order),
        "ratings": data.histories.ratings is not None,
        "times": data.histories.times is not None,
    }
    if as_json:
        shown = {"model": recommender.name, "serves": serves, "facts": recommender.facts}
        typer.echo(json.dumps({**shown, "settings": recommender.config.to_mapping()}, indent=2, ensure_ascii=False))
        return
    screen = console()
    screen.print(f"{recommender.name} model in {model}", style="bold", markup=False)
    if data.card.get("synthetic"):
        screen.print(SYNTHETIC, style="yellow")
    screen.print(_facts("Serves", {name: _spelled(value) for name, value in serves.items()}))
    fitted = dict(recommender.facts)
    contest = fitted.pop("contest", None)  # what `recsys fit --model auto` tried
    if fitted.get("latest_event") is not None:
        fitted["latest_event"] = datetime.fromtimestamp(fitted["latest_event"], UTC).isoformat(" ")
    screen.print(_facts("Was fitted", fitted))
    if contest is not None:
        screen.print(_frame("Chosen among", _contest(contest)))
    screen.print(_facts("Settings", recommender.config.to_mapping()))
    layers = getattr(recommender, "describe", None)
    if layers is not None:
        screen.print(_frame(getattr(recommender, "described_as", "Layers"), layers()))


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _contest(contest: Mapping[str, Any]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(contest["rows"], infer_schema_length=None).with_columns(pl.selectors.float().round(4))


def _facts(title: str, values: Mapping[str, Any]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "", title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    for name, value in values.items():
        if isinstance(value, dict):
            value = [f"{one}={its:.4g}" if isinstance(its, float) else f"{one}={its}" for one, its in value.items()]
        shown = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        table.add_row(name, Text(shown), style="" if value is not None else "dim")
    if not values:
        table.add_row("nothing", "", style="dim")
    return table


def _frame(title: str, frame: pl.DataFrame) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name, kind in frame.schema.items():
        table.add_column(name.replace("_", " "), justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row))
    if "parameters" in frame.columns:
        place = frame.columns.index("parameters")
        table.add_section()
        total = f"{frame['parameters'].sum():,}"
        table.add_row(*(total if column == place else "total" if column == 0 else "" for column in range(frame.width)))
    return table
