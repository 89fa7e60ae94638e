"""Fixtures that several test folders use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

from recsys.backend import load_keras
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.vocabulary import FIRST, Vocabulary

settings.register_profile("recsys", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("recsys")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Give the folder of real data, or skip."""
    folder = os.environ.get("RECSYS_REALDATA")
    if not folder:
        pytest.skip("RECSYS_REALDATA is not set: the real data sets are not here")
    return Path(folder)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the optimizers of the training steps that are traced; a step that runs traced adds nothing."""
    optimizers = load_keras().optimizers
    found: list[str] = []
    for kind in (optimizers.Adam, optimizers.Muon):

        def apply(self: Any, *given: Any, original: Callable[..., Any] = kind.apply, **named: Any) -> Any:
            found.append(type(self).__name__)
            return original(self, *given, **named)

        monkeypatch.setattr(kind, "apply", apply)
    return found


@pytest.fixture(scope="session")
def small() -> Dataset:
    """Give six people in two camps: the first three watch titles 10-14, the others 20-24; rated and timed.

    Genres tell the camps apart (Action, Romance), title 24 is of genre Hentai, title 30 was watched by nobody.
    """
    ids = [10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 30]
    genres = [["Action", "Sci-Fi"]] * 5 + [["Romance"]] * 4 + [["Hentai"]] + [["Action"]]
    frame = pl.DataFrame(
        {
            "anime_id": ids,
            "title": [
                "Cowboy Bebop",
                "Trigun",
                "Outlaw Star",
                "Planetes",
                "Gintama",
                "Toradora!",
                "Clannad",
                "Nana",
                "Kanon",
                "Midnight",
                "Brand New",
            ],
            "genres": genres,
            "tags": [["space"], [], ["space"], [], [], ["school"], ["school"], [], [], [], ["space"]],
            "type": ["TV"] * 9 + ["OVA", "Movie"],
        }
    )
    rows = [
        [10, 11, 12, 13],
        [11, 12, 13, 14],
        [10, 12, 14, 13, 11],
        [20, 21, 22, 23],
        [21, 22, 24, 23],
        [20, 22, 23, 24, 21],
    ]
    items = Vocabulary(ids)
    base = Histories.from_lists([items.encode(row).tolist() for row in rows], users=list(range(FIRST, FIRST + 6)))
    n = base.n_events
    histories = Histories(
        base.offsets,
        base.items,
        ratings=np.where(np.arange(n) % 5 == 0, np.nan, 5 + np.arange(n) % 6),
        times=1_600_000_000 + 86_400 * np.arange(n),
        users=base.users,
    )
    return Dataset("small", histories, Vocabulary([101, 102, 103, 104, 105, 106]), items, Catalogue(frame), Order.TIME)
