"""The options of reading: which column means what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from recsys.config import Settings, setting
from recsys.errors import ConfigError

ITEM_OPTIONS = ("items", "item_id_column", "title_column", "genres_column", "tags_column", "list_separator")


@dataclass(frozen=True)
class ReadOptions(Settings):
    """Name the columns of a generic file; what is not named is looked for under its usual names."""

    user_column: str | None = setting(None, "Column of the user ids.")
    item_column: str | None = setting(None, "Column of the title ids.")
    rating_column: str | None = setting(None, "Column of the ratings.")
    time_column: str | None = setting(
        None, "Column of the times: epoch seconds or milliseconds, ISO dates, or 20200131."
    )
    position_column: str | None = setting(None, "Column that says the watch order; the data's order is then 'listed'.")
    separator: str | None = setting(None, "Character between the fields of a text file; guessed from its first line.")
    text_ids: bool = setting(False, "Take ids as texts even where they look like numbers.")
    unrated: float | None = setting(None, "Rating that stands for 'watched, not rated', such as -1.")
    rating_map: tuple[str, ...] = setting((), "Numbers for ratings in words, as in bad=2,average=5,good=8.")
    items: str | None = setting(
        None, "File that describes the titles; columns type, episodes, year, age_rating and sequel_of are read, too."
    )
    item_id_column: str | None = setting(None, "Column of the ids in the item file.")
    title_column: str | None = setting(None, "Column of the titles' names in the item file.")
    genres_column: str | None = setting(None, "Column of the genres in the item file.")
    tags_column: tuple[str, ...] = setting((), "Columns of tags in the item file.")
    list_separator: str | None = setting(None, "Text between genres or tags; guessed among | ; and comma.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separator is not None and not (len(self.separator) == 1 and self.separator.isascii()):
            raise ConfigError(
                f"The separator must be one ASCII character, got '{self.separator}'.",
                "For a tab, leave it out or pass $'\\t'.",
            )
        if self.list_separator == "":
            raise ConfigError("The list separator must not be empty.", "Leave it out to have it guessed.")

    @property
    def given(self) -> dict[str, Any]:
        """Give the options that differ from their defaults."""
        usual = {item.name: item.default for item in fields(self)}
        return {name: value for name, value in self.to_mapping().items() if getattr(self, name) != usual[name]}

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ReadOptions:
        """Build the options from what Python or the command line gives; paths and mappings are welcome."""
        plain = dict(options)
        if isinstance(plain.get("rating_map"), Mapping):
            plain["rating_map"] = tuple(f"{word}={number}" for word, number in plain["rating_map"].items())
        for name in ("rating_map", "tags_column"):
            if isinstance(plain.get(name), str):
                plain[name] = (plain[name],)  # a name may hold spaces; commas are taken apart when it is used
        if isinstance(plain.get("items"), os.PathLike):
            plain["items"] = os.fspath(plain["items"])
        if not isinstance(plain.get("items"), str | None):
            kind = type(plain["items"]).__name__
            raise ConfigError(f"'items' must be the path of a file, got a {kind}.", "Write it to a parquet file first.")
        return cls.from_mapping(plain)

    @property
    def rating_numbers(self) -> dict[str, float]:
        """Give the number that stands for each rating word."""
        numbers = {}
        for pair in (pair for part in self.rating_map for pair in part.split(",") if pair.strip()):
            word, _, number = pair.rpartition("=")
            try:
                numbers[word.strip()] = float(number)
            except ValueError:
                raise ConfigError(
                    f"The rating map must be word=number pairs, got '{pair}'.", "For example: bad=2,average=5,good=8."
                ) from None
        return numbers

    @property
    def tag_columns(self) -> list[str]:
        """Give the names of the tag columns."""
        return [name.strip() for part in self.tags_column for name in part.split(",") if name.strip()]
