"""Let an option that may be repeated take several values in a row: `--titles "Cowboy Bebop" "Trigun"`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def gather_values(args: Sequence[str], params: Iterable[Any]) -> list[str]:
    """Repeat the option's name before every further value of a row, as the parser wants it.

    `params` are the command's typer parameters. A row ends at the next option, or at `--`. Where a required argument
    such as MODEL would be left without a value, it gets the last value of the last row: `--titles "Trigun" MODEL`.
    """
    params = list(params)
    options = {name: param for param in params if param.param_type_name == "option" for name in param.opts}
    arguments = [param for param in params if param.param_type_name == "argument"]
    if any(argument.nargs != 1 for argument in arguments):
        return list(args)  # the values could be meant for the argument
    found: list[str] = []
    positionals = 0
    row_ends: list[int] = []  # places in `found` of the last value of each row that can spare one
    index = 0
    while index < len(args):
        text = args[index]
        option = options.get(text)
        index += 1
        if text == "--":
            positionals += len(args) - index
            found += [text, *args[index:]]
            break
        if option is not None and option.multiple:
            row = []
            while index < len(args) and not _is_option(args[index]):
                row.append(args[index])
                index += 1
            for value in row:
                found += [text, value]
            if not row:
                found.append(text)  # the parser says that a value is missing
            elif len(row) > 1:
                row_ends.append(len(found) - 1)
        else:
            found.append(text)
            if option is not None and not option.is_flag and index < len(args):
                found.append(args[index])
                index += 1
            positionals += not _is_option(text)
    needed = sum(argument.required for argument in arguments)
    if positionals < needed and row_ends:
        end = row_ends[-1]
        del found[end - 1]  # the option's name: what remains is a plain argument
    return found


def _is_option(text: str) -> bool:
    return text.startswith("-") and text != "-"
