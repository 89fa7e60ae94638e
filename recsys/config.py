"""Strict settings: frozen dataclasses whose fields carry their help and their limits.

A model's settings are written once, as fields made by `setting`. They are read from mappings, TOML files and
`name=value` flags; an unknown name, a wrong type or a value out of range is a `ConfigError`. What a search for good
settings may try (`recsys tune`) stands beside the field, too.
"""

from __future__ import annotations

import difflib
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from recsys.errors import ConfigError, InputError

HIGHEST_SEED = 2**31 - 1
"""NumPy and Keras take no higher one, and tables of results hold no higher one."""


@dataclass(frozen=True)
class Range:
    """Let a search draw a number between two ends (inclusive), evenly or, with `log`, evenly by its logarithm.

    `when` names another setting and the value that it must have for this one to matter.
    """

    low: float
    high: float
    log: bool = False
    when: tuple[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.low:g} – {self.high:g}{' (log)' if self.log else ''}"


@dataclass(frozen=True, init=False)
class Choice:
    """Let a search draw one of a few values: `Choice("cosine", "tfidf")`."""

    options: tuple[Any, ...]
    when: tuple[str, Any] | None = None

    def __init__(self, *options: Any, when: tuple[str, Any] | None = None) -> None:
        object.__setattr__(self, "options", options)
        object.__setattr__(self, "when", when)

    def __str__(self) -> str:
        return ", ".join(map(show, self.options))


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] = (),
    search: Range | Choice | None = None,
) -> Any:
    """Declare a field of a `Settings` class with its default, its explanation and its limits (inclusive).

    `search` is what `recsys tune` draws its value from; without it, the search leaves the field alone.
    """
    return field(
        default=default, metadata={"help": help, "low": low, "high": high, "choices": choices, "search": search}
    )


@dataclass(frozen=True)
class Settings:
    """Check every field on construction; subclass as a frozen dataclass."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for item in fields(self):
            value = _convert(getattr(self, item.name), hints[item.name], item.name)
            object.__setattr__(self, item.name, value)
            _check_limits(item, value)

    @classmethod
    def has(cls, name: str) -> bool:
        """Say whether there is a setting of this name."""
        return name in {item.name for item in fields(cls)}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Build the settings from names and values; names that do not exist are an error."""
        known = [item.name for item in fields(cls)]
        for name in mapping:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                others = f"Known: {', '.join(known)}." if known else "Leave it out: nothing can be set here."
                remedy = f"Did you mean '{close[0]}'?" if close else others
                raise ConfigError(f"There is no setting '{name}'.", remedy)
        return cls(**mapping)

    @classmethod
    def from_flags(cls, flags: Iterable[str], base: Mapping[str, Any] | None = None) -> Self:
        """Build the settings from `name=value` texts, on top of a mapping (e.g. a TOML file's)."""
        merged = dict(base or {})
        for flag in flags:
            name, equals, value = flag.partition("=")
            if not equals:
                raise ConfigError(f"A setting is given as name=value, got '{flag}'.", "For example: --set epochs=20.")
            merged[name.strip().replace("-", "_")] = value.strip()
        return cls.from_mapping(merged)

    def to_flags(self) -> list[str]:
        """Write what differs from the defaults as `name=value` texts, for `from_flags`."""
        usual = type(self)().to_mapping()
        return [f"{name}={flag_text(value)}" for name, value in self.to_mapping().items() if value != usual[name]]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain names and values, ready for JSON or TOML."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file of settings."""
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.", "Check the path of the settings file.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not a readable TOML file ({error}).", "A line of it: epochs = 20") from None


def _convert(value: Any, kind: Any, name: str) -> Any:
    """Turn a text or number into the field's type without guessing."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None or (isinstance(value, str) and value.lower() in ("none", "null")):
            return None
        return _convert(value, next(option for option in arguments if option is not type(None)), name)
    if origin is tuple:
        parts = value.replace(",", " ").split() if isinstance(value, str) else value
        parts = parts if isinstance(parts, list | tuple) else [parts]
        return tuple(_convert(part, arguments[0], name) for part in parts)
    try:
        if kind is bool:
            texts = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            return value if isinstance(value, bool) else texts[value.lower()]
        if kind is int and not isinstance(value, bool):
            number = float(value)
            if number == int(number):
                return int(number)
        if kind is float and not isinstance(value, bool):
            return float(value)
        if kind is str and isinstance(value, str):
            return value
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        pass
    raise ConfigError(f"'{name}' must be {_noun(kind)}, got {value!r}.", "Change its value.")


def _noun(kind: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(kind, str(kind))


def _check_limits(item: Field[Any], value: Any) -> None:
    low, high = item.metadata.get("low"), item.metadata.get("high")
    choices = item.metadata.get("choices") or ()
    if value == () and low is not None:
        raise ConfigError(f"'{item.name}' must hold at least one number, got none.", "Change its value.")
    for one in value if isinstance(value, tuple) else (value,):
        if choices and one not in choices:
            options = ", ".join(map(str, choices))
            raise ConfigError(f"'{item.name}' must be one of {options}, got {one}.", "Change its value.")
        if one is None or isinstance(one, str | bool):
            continue
        if isinstance(one, float) and not math.isfinite(one):
            raise ConfigError(f"'{item.name}' must be a finite number, got {one}.", "Change its value.")
        if not ((low is None or one >= low) and (high is None or one <= high)):
            span = " and ".join(
                text for text in (low is not None and f"at least {low}", high is not None and f"at most {high}") if text
            )
            raise ConfigError(f"'{item.name}' must be {span}, got {one}.", "Change its value.")


def explain(cls: type[Settings]) -> list[tuple[str, Any, str]]:
    """List each setting's name, default and help, in order."""
    return [
        (item.name, None if item.default is MISSING else item.default, item.metadata.get("help", ""))
        for item in fields(cls)
    ]


def search_space(cls: type[Settings]) -> dict[str, Range | Choice]:
    """List what a search draws each setting from; a setting that is not searched is left out."""
    found = {item.name: item.metadata.get("search") for item in fields(cls)}
    return {name: search for name, search in found.items() if search is not None}


def show(value: Any) -> str:
    """Write a setting's value as `name=value` flags take it.

    >>> show((128, 64)), show(True), show(0.5)
    ('128 64', 'true', '0.5')
    """
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()


def gather_tables(mapping: Mapping[str, Any], into: str, head: str | None = None) -> dict[str, Any]:
    """Move what stands in tables or under dotted names into the list of texts `into`, as HEAD.NAME=VALUE.

    With `head`, only this table is meant.

    >>> gather_tables({"k": 3, "ease": {"discount": 0.5}, "als.factors": 64}, "texts")
    {'k': 3, 'texts': ['ease.discount=0.5', 'als.factors=64']}
    """
    own: dict[str, Any] = {}
    texts: list[str] = []
    for name, value in mapping.items():
        if head is not None and name.partition(".")[0] != head:
            own[name] = value
        elif isinstance(value, Mapping):
            texts += gather_tables({f"{name}.{one}": its for one, its in value.items()}, into).get(into, [])
        elif "." in name:
            texts.append(f"{name}={flag_text(value)}")
        else:
            own[name] = value
    if texts:
        given = own.get(into, ())
        own[into] = [*(given.split() if isinstance(given, str) else given), *texts]
    return own


def given_settings(config: type[Settings], flags: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` texts as the values of those settings that they name, or fill by a dotted name."""
    settings, usual = config.from_flags(flags), config()
    named = {flag.partition("=")[0].strip().replace("-", "_") for flag in flags}
    values = {one.name: getattr(settings, one.name) for one in fields(config)}
    return {name: value for name, value in values.items() if name in named or value != getattr(usual, name)}


def flag_text(value: Any) -> str:
    """Write a setting's value, also as JSON or TOML have it, as `name=value` flags take it.

    >>> flag_text([128, 64]), flag_text("Adam")
    ('128 64', 'Adam')
    """
    if isinstance(value, str):
        return value
    return show(tuple(value) if isinstance(value, list) else value)
