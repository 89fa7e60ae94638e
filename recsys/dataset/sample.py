"""The embedded sample: real titles, invented watchers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from recsys.dataset.prepare import prepare
from recsys.dataset.prepared import Dataset
from recsys.errors import InputError


def sample_folder() -> Path:
    """Return where `anime.csv` and `interactions.csv.gz` lie: in the installed package, or in a source checkout."""
    installed = Path(__file__).with_name("sample")
    checkout = Path(__file__).parents[2] / "data" / "sample"
    for folder in (installed, checkout):
        if (folder / "anime.csv").is_file():
            return folder
    raise InputError("The sample is not part of this installation.", "Install recsys again, or use your own data.")


def load_sample() -> Dataset:
    """Prepare the sample, marked as synthetic on its card.

    >>> sample = load_sample()
    >>> sample.order.value, len(sample.users)
    ('time', 1200)
    """
    folder = sample_folder()
    dataset = prepare(
        folder / "interactions.csv.gz", format="generic", items=folder / "anime.csv", keep_unwatched=True, name="sample"
    )
    return replace(dataset, card={**dataset.card, "synthetic": True})
