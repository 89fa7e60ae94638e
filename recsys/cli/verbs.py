"""Verbs that are imported when they are asked for."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from recsys.cli.arguments import gather_values


class Verb(TyperCommand):
    """Parse a verb's arguments; an option that may be repeated also takes several values in a row."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, gather_values(args, self.params))


class LazyVerbs(TyperGroup):
    """Find verbs by name."""

    verbs: ClassVar[dict[str, str]]
    """Where each verb's function, or its group of verbs, is: "module:name"."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast(Any, dict.fromkeys(self.verbs))  # the names only: typer suggests from them

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_verb(cmd_name, self.verbs[cmd_name]) if cmd_name in self.verbs else None


def load_verb(name: str, place: str) -> Any:
    """Import a verb and make it a command; a group of verbs is one already."""
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    single = typer.Typer(add_completion=False)
    single.command(name, cls=Verb)(found)
    return typer.main.get_command(single)
