"""What models made of other models have in common: which members, and the members' own settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from recsys.config import Settings, gather_tables, setting
from recsys.errors import ConfigError
from recsys.models import COMPOSITE, REGISTRY, model_class

EXAMPLE = "For example: ease.regularization=100."


@dataclass(frozen=True)
class CompositeConfig(Settings):
    """Name the members.

    A member's own settings are given under its name: as a flag `ease.regularization=100`, or in TOML as a table
    `[ease]` with `regularization = 100`. One model may be a member several times, `lstm lstm@2`, each with settings
    of its own (`lstm@2.seed=1`).
    """

    members: tuple[str, ...] = setting(
        ("item-knn", "ease", "slim", "als"), "which models, by name; name@label where one is there several times"
    )
    member_settings: tuple[str, ...] = setting((), "settings of members: MEMBER.NAME=VALUE (or a table [MEMBER])")
    seed: int = setting(0, "seed of what is drawn at random, and of the members that have one", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.members:
            raise ConfigError(
                "A model of models needs at least one member, got none.", f"Known: {', '.join(REGISTRY)}."
            )
        for label in self.members:
            if model_of(label) in COMPOSITE:
                raise ConfigError(
                    f"A {model_of(label)} cannot be a member: it has members itself.", "Name its members instead."
                )
            check_label(label)
        if len({as_flag(label) for label in self.members}) < len(self.members):
            raise ConfigError(
                f"The members must differ, in more than - and _, got {' '.join(self.members)}.",
                "One model several times needs labels: lstm lstm@2.",
            )
        object.__setattr__(self, "member_settings", self._tidy_settings())
        for label in self.members:
            self.of(label)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Build the settings from names and values; members' settings may be tables or dotted names."""
        return super().from_mapping(gather_tables(mapping, "member_settings"))

    def to_flags(self) -> list[str]:
        own = [flag for flag in super().to_flags() if not flag.startswith("member_settings=")]
        return [*own, *self.member_settings]

    def of(self, label: str) -> Settings:
        """Return the settings of one member; ConfigError names the member where they are wrong."""
        config = model_class(model_of(label)).Config
        flags = [one.removeprefix(f"{label}.") for one in self.member_settings if one.startswith(f"{label}.")]
        seeded = {"seed": self.seed} if config.has("seed") else {}
        try:
            return config.from_flags(flags, seeded)
        except ConfigError as error:
            raise ConfigError(f"Member {label}: {error.message}", error.hint) from None

    def _tidy_settings(self) -> tuple[str, ...]:
        """Keep the last value of each setting, under its proper name; refuse what belongs to no member."""
        found: dict[str, str] = {}
        labels = {as_flag(label): label for label in self.members}
        for text in self.member_settings:
            name, equals, value = text.partition("=")
            label, dot, inner = name.strip().partition(".")
            if not (dot and equals):
                raise ConfigError(f"A member's setting is given as MEMBER.NAME=VALUE, got '{text}'.", EXAMPLE)
            label = labels.get(as_flag(label), label)
            if label not in self.members:
                raise ConfigError(f"There is no member '{label}'.", f"Its members: {', '.join(self.members)}.")
            found[f"{label}.{inner.strip().replace('-', '_')}"] = value.strip()
        return tuple(f"{name}={value}" for name, value in found.items())


def model_of(label: str) -> str:
    """Return the model's name of a member such as `lstm` or `lstm@2`."""
    return label.partition("@")[0]


def as_flag(label: str) -> str:
    """Write a label as flags have it, which may say _ for -; labels that differ in nothing else are one."""
    return label.replace("-", "_")


def settings_texts(label: str, settings: Settings) -> list[str]:
    """Write a model's settings, where they are not the defaults, as settings of a member."""
    return [f"{label}.{flag}" for flag in settings.to_flags()]


def check_label(label: str) -> None:
    """Refuse with ConfigError what is neither a model's name nor one with a label, lstm@2."""
    name, at, suffix = label.partition("@")
    if name not in REGISTRY:
        known = ", ".join(one for one in REGISTRY if one not in COMPOSITE)
        raise ConfigError(f"There is no model '{name}'.", f"Known: {known}.")
    if at and not re.fullmatch(r"[A-Za-z0-9_-]+", suffix):
        raise ConfigError(
            f"A model's label must consist of letters, digits, - and _, got '{label}'.", "For example: lstm@2."
        )
