"""The files between us and a peer: what it may see of a split goes out, ranked lists and facts come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Split
from recsys.errors import RecsysError

DEPTH = 100
"""How long the lists are that a peer returns."""
FACTS = {"train_seconds": float, "serve_seconds": float, "peak_memory_mb": float, "versions": dict}


def write_task(
    folder: Path, data: Dataset, split: Split, settings: Mapping[str, Any], *, minutes: float, seed: int = 0
) -> None:
    """Write `split.npz` and `task.json`: all that a peer gets to know. The test targets are not among it.

    The arrays are `<part>_users`, `<part>_offsets` and `<part>_items` as in `Histories`, for the parts `train`,
    `validation` (inputs), `targets` (of the validation) and `test` (inputs). Data without an order is shuffled inside
    every user: its file order is often by id, and a sequential model would learn that.
    """
    parts = {
        "train": split.train,
        "validation": split.validation.inputs,
        "targets": split.validation.targets,
        "test": split.test.inputs,
    }
    if shuffled(data):
        rng = np.random.default_rng(seed)
        parts = {name: _shuffle(part, rng) for name, part in parts.items()}
    arrays = {
        f"{name}_{array}": getattr(part, array)
        for name, part in parts.items()
        for array in ("users", "offsets", "items")
    }
    task = {
        "data": data.name,
        "n_codes": data.n_codes,
        "depth": DEPTH,
        "minutes": minutes,
        "seed": seed,
        "settings": dict(settings),
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "split.npz", **arrays)
    (folder / "task.json").write_text(json.dumps(task, indent=2), encoding="utf-8")


def shuffled(data: Dataset) -> bool:
    """Say whether peers see shuffled histories of this data."""
    return data.order is Order.NONE


def read_answer(folder: Path, n_users: int) -> tuple[npt.NDArray[np.int32], dict[str, Any]]:
    """Read a peer's lists (n_users, depth) and its facts.

    Raises RecsysError where a file is missing or its content is not what the road asks for; what the lists say is
    checked by the judge.
    """
    try:
        codes = np.load(folder / "lists.npy", allow_pickle=False)
        facts: dict[str, Any] = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecsysError(
            f"The peer left no readable answer ({error}).", "Run it again and read its output."
        ) from error
    missing = [name for name, kind in FACTS.items() if not isinstance(facts.get(name), kind)]
    if missing:
        raise RecsysError(f"The peer's facts.json lacks {', '.join(missing)}.", "Correct its script.")
    if codes.shape != (n_users, DEPTH) or codes.dtype != np.int32:
        raise RecsysError(
            f"The peer's lists must be int32 of shape {(n_users, DEPTH)}, got {codes.dtype} of {codes.shape}.",
            "Correct its script.",
        )
    return codes, facts


def _shuffle(histories: Histories, rng: np.random.Generator) -> Histories:
    return histories.reorder_events(np.lexsort((rng.random(histories.n_events), histories.rows)))
