"""`recsys text recipes`: which recipes there are, and every setting of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from recsys.text.config import TextConfig
    from recsys.text.recipes import Recipe


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show the settings of this one.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the recipes that `recsys text train` knows, or all settings of one of them.

    A setting is given to `recsys text train` as --set name=value, or in a TOML file (--config).
    """
    from recsys.text.recipes import RECIPES, recipe

    chosen = list(RECIPES.values()) if name is None else [recipe(name)]
    if as_json:
        _print_json(chosen, one=name is not None)
    elif name is None:
        _print_recipes(chosen)
    else:
        _print_settings(chosen[0])


def _print_json(chosen: list[Recipe], one: bool) -> None:
    import json
    import sys
    from dataclasses import asdict

    rows = [
        {
            "name": recipe.name,
            "title": recipe.title,
            "data": recipe.data,
            "classes": list(recipe.classes),
            "network": _network(recipe.settings()),
            "published": recipe.published,
            "columns": {role: name for role, name in asdict(recipe.columns).items() if name is not None},
            "more_texts": list(recipe.more_texts),
            "pretraining": recipe.pretraining,
            "config": recipe.settings().to_mapping(),
        }
        for recipe in chosen
    ]
    sys.stdout.write(json.dumps(rows[0] if one else rows, indent=2, ensure_ascii=False) + "\n")


def _print_recipes(chosen: list[Recipe]) -> None:
    from rich.table import Table

    from recsys.cli.screen import console

    table = Table("recipe", "data", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("network", overflow="fold")
    table.add_column("published", justify="right")
    for recipe in chosen:
        table.add_row(recipe.name, recipe.data, recipe.title, recipe.published)
    screen = console()
    screen.print(table)
    screen.print("\nAll settings of one of them: recsys text recipes NAME")


def _print_settings(recipe: Recipe) -> None:
    from rich.table import Table
    from rich.text import Text

    from recsys.cli.screen import console
    from recsys.config import explain, show

    settings = recipe.settings()
    table = Table("setting", "value", "default", "meaning", box=None, header_style="bold", pad_edge=False)
    for name, default, meaning in explain(type(settings)):
        value = getattr(settings, name)
        changed = value != default
        cells = (Text(show(value), style="bold" if changed else ""), Text("" if not changed else show(default), "dim"))
        table.add_row(name, *cells, Text(meaning))
    screen = console()
    columns = ", ".join(f"{role} {name}" for role, name in recipe.columns_of.items())
    screen.print(Text.assemble((recipe.name, "bold"), f": {recipe.title}"))
    for topic, told in {
        "data": f"{recipe.data} (columns: {columns}; classes: {', '.join(recipe.classes)})",
        "network": _network(settings),
        "published": recipe.published,
        "more texts": ", ".join(recipe.more_texts) and f"word vectors may learn from {' and '.join(recipe.more_texts)}",
        "first": recipe.pretraining and f"its published row learns from {recipe.pretraining} first",
    }.items():
        if told:
            screen.print(Text.assemble((f"{topic:<10}  ", "dim"), told))
    screen.print()
    screen.print(table)


def _network(config: TextConfig) -> str:
    """Say in words what a text passes, first to last."""
    words = [f"{config.n_words:,} words", f"{config.n_tokens:,} tokens"]
    vectors = {"none": "", "train": " from trained vectors"}.get(config.vectors, f" from {config.vectors}")
    words.append(f"embedding {config.dim}{vectors}{', frozen' if config.freeze else ''}")
    if config.conv_filters:
        words += [f"Conv1D {config.conv_filters} x {config.conv_width}", f"max-pool {config.conv_pool}"]
    kind = "bidirectional LSTM" if config.bidirectional else "LSTM"
    words += [f"{kind} {units}" for units in config.units]
    if config.pooling != "last":
        words.append(f"{config.pooling} of all states")
    if config.dense:
        words.append(f"Dense {config.dense}")
    if config.ngrams:
        words.append(f"beside it n-grams up to {config.ngrams}")
    dropouts = {
        "channels": config.embedding_dropout,
        "words": config.word_dropout,
        "between layers": config.dropout,
        "into the cell": config.input_dropout,
        "in the cell": config.recurrent_dropout,
    }
    told = [f"{share:g} {where}" for where, share in dropouts.items() if share]
    return ", ".join([*words, config.output, *([f"dropout {' and '.join(told)}"] if told else [])])
