"""The prepared data set, in memory and as a folder of parquet files with a JSON card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recsys.artifact import as_named, read_manifest, reading_files, write_folder
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import UnknownIdError

KIND = "recsys-data"

UserIds = Sequence[Any] | str | int | np.integer | None
"""Several users' ids, or one; None means everybody."""


class Order(StrEnum):
    """Declare what the sequence of a user's events means."""

    TIME = "time"
    """Sorted by timestamp, ties in file order."""
    LISTED = "listed"
    """The source says that its file order is the watch order."""
    NONE = "none"
    """The source carries no order; splits hold out at random and training shuffles."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Hold histories with the vocabularies and the catalogue that explain their codes.

    `histories.users` are codes of `users`; row i of the histories is the user with code i + 2 as prepared, but a
    split or selection may hold fewer.
    """

    name: str
    histories: Histories
    users: Vocabulary
    items: Vocabulary
    catalogue: Catalogue
    order: Order
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def n_codes(self) -> int:
        """Count the item codes, padding and unknown included."""
        return self.items.n_codes

    def with_histories(self, histories: Histories) -> Dataset:
        """Return the same data set with other histories, e.g. the training part of a split."""
        return replace(self, histories=histories)

    def histories_of(self, users: UserIds = None) -> Histories:
        """Return the histories of these user ids (or of this one), in this order; None means everybody."""
        if users is None:
            return self.histories
        users = [users] if isinstance(users, str | int | np.integer) else list(users)
        row_of = np.full(self.users.n_codes, -1, dtype=np.int64)  # a selection lacks some people
        row_of[self.histories.users] = np.arange(self.histories.n_users)
        row_of[:FIRST] = -1
        rows = row_of[self.users.encode(users)]
        for user, row in zip(users, rows, strict=True):
            if row < 0:
                raise UnknownIdError(f"There is no user {user} in {self.name}.", unknown_user_remedy(self))
        return self.histories.select(rows)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the folder beside its final place and rename it in; an existing one stays until then."""
        with write_folder(folder, kind=KIND, overwrite=overwrite) as target:
            self.write_files(target)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Dataset:
        """Read a folder that `save` wrote; refuses anything altered, incomplete or newer."""
        read_manifest(folder, kind=KIND)
        with reading_files(folder):
            return cls.read_files(Path(folder))

    def write_files(self, target: Path) -> None:
        """Write events, users, catalogue and card into an open folder (a prepared one, or a model's)."""
        assert self.histories.n_users == len(self.users), "only a whole data set is saved"
        columns: dict[str, Any] = {
            "user": np.repeat(np.arange(self.histories.n_users, dtype=np.int32) + FIRST, self.histories.lengths),
            "item": self.histories.items,
        }
        if self.histories.ratings is not None:
            columns["rating"] = pl.Series(self.histories.ratings, nan_to_null=True)
        if self.histories.times is not None:
            columns["time"] = self.histories.times
        pl.DataFrame(columns).write_parquet(target / "events.parquet")
        users = {"user_id": self.users.ids, "n_events": self.histories.lengths}
        pl.DataFrame(users).write_parquet(target / "users.parquet")
        self.catalogue.frame.write_parquet(target / "catalogue.parquet")
        card = {"name": self.name, "order": str(self.order)} | self.card
        (target / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read_files(cls, folder: Path) -> Dataset:
        """Read what `write_files` wrote, after the folder's manifest was checked."""
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        people = pl.read_parquet(as_named(folder / "users.parquet"))
        users = Vocabulary(people["user_id"])
        catalogue = Catalogue(pl.read_parquet(as_named(folder / "catalogue.parquet")))
        events = folder / "events.parquet"
        has = pl.scan_parquet(as_named(events)).collect_schema()

        def column(name: str) -> pl.Series:  # one by one: all at once would need twice the memory
            return pl.read_parquet(as_named(events), columns=[name]).to_series()

        histories = Histories(
            np.concatenate([[0], people["n_events"].cum_sum().to_numpy()]),
            column("item").to_numpy(),
            column("rating").fill_null(float("nan")).to_numpy() if "rating" in has else None,
            column("time").to_numpy() if "time" in has else None,
            np.arange(FIRST, users.n_codes, dtype=np.int32),
        )
        items = Vocabulary(catalogue.frame["anime_id"])
        codes = histories.items
        if histories.n_events and not (codes.min() >= FIRST and codes.max() < items.n_codes):
            raise ValueError(f"item codes must be {FIRST} to {items.n_codes - 1}, got {codes.min()} to {codes.max()}")
        name, order = card.pop("name"), Order(card.pop("order"))  # the data set's own, which `replace` may change
        return cls(name, histories, users, items, catalogue, order, card)


def unknown_user_remedy(data: Dataset) -> str:
    """Say how to go on with a user that the data does not know."""
    few = ", ".join(map(str, data.users.ids.head(3).to_list()))
    return f"Known ones are e.g. {few}; a person outside the data is served with --titles or --history."
