"""The public data sets of the published tables: how each file is prepared, and how it is split.

The project does not ship the original files; evaluation/README.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split, SplitPlan, split_dataset
from recsys.errors import InputError

SPLIT_SEED = 0
"""Decides the random hold-out of data without an order; fixed, so that all published rows share one test set."""


@dataclass(frozen=True)
class Recipe:
    """Say where a data set's files are in the folder of original files, how `prepare` reads them, and the split."""

    title: str
    question: str
    source: str
    items: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str = "auto"

    def build(self, name: str, folder: Path) -> Dataset:
        """Prepare the data set from its files."""
        for file in filter(None, (self.source, self.items)):
            if not (folder / file).exists():
                raise InputError(
                    f"{folder / file} does not exist.",
                    "Name the folder of the original files by --real or RECSYS_REALDATA; see evaluation/README.md.",
                )
        described: dict[str, Any] = {} if self.items is None else {"items": folder / self.items}
        return prepare(folder / self.source, name=name, **described, **self.options)


NEXT = "the next title"
LATEST = "each user's latest title after a moment that training never sees beyond"
LATE = "time,at=0.8,targets=last"
"""A fifth of the events to test on and a fifth to validate on: later than that, a hundred users are left to judge."""
RECIPES = {
    # the file of the LRURec paper, 5-core, in time order with ties by item id; its protocol is leave-one-out
    "ml1m": Recipe(
        "MovieLens-1M, 5-core",
        NEXT,
        "benchmarks/ml1m_sequences.parquet",
        "benchmarks/ml1m_movies.parquet",
        {"format": "generic", "position_column": "position"},
    ),
    "annict": Recipe(
        "Annict, first-watch order, users with 5 titles or more",
        NEXT,
        "anime/annict/first_watch_in_order.parquet",
        "anime/annict/works.parquet",
        {
            "format": "generic",
            "position_column": "position",
            "rating_column": "rating_state",
            "rating_map": {"bad": 2, "average": 5, "good": 8, "great": 10},
            "min_history": 5,
        },
    ),
    "kaggle5k": Recipe(
        "Kaggle's anime ratings, 5,000 users, no order",
        "a random title of each user",
        "anime/kaggle_5k",
        options={"format": "kaggle"},
    ),
    "ml100k": Recipe("MovieLens-100k", LATEST, "benchmarks/ml100k.csv", options={"format": "generic"}, split=LATE),
    "mlsmall": Recipe(
        "MovieLens latest-small",
        LATEST,
        "benchmarks/ml_latest_small_ratings.csv",
        options={"format": "movielens"},
        split=LATE,
    ),
    # the file of the S3-Rec paper, 5-core, in time order
    "beauty": Recipe(
        "Amazon Beauty, 5-core",
        NEXT,
        "benchmarks/amazon_beauty_sequences.parquet",
        options={"format": "generic", "position_column": "pos"},
    ),
}


def load(name: str, folder: Path) -> tuple[Dataset, Split]:
    """Prepare a data set by its short name and split it as its published rows are."""
    if name not in RECIPES:
        raise InputError(f"There is no data set '{name}'.", f"Known: {', '.join(RECIPES)}.")
    data = RECIPES[name].build(name, folder)
    return data, split_dataset(data, SplitPlan.parse(RECIPES[name].split, seed=SPLIT_SEED))
