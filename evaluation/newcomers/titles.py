"""New titles: recall of targets by the number of people who watched them in training, from the published ranks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.contenders import read_contenders
from evaluation.newcomers.recall import REFERENCE, hits, summary
from evaluation.ranks import NEVER
from evaluation.result_files import commit, ranks_path, read_ranks, read_result
from recsys.errors import InputError


class Bin(NamedTuple):
    """Name a range of training events, both ends included; None has no end."""

    name: str
    low: int
    high: int | None

    def holds(self, watchers: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Mark the titles with so many watchers."""
        inside: npt.NDArray[np.bool_] = watchers >= self.low
        return inside if self.high is None else inside & (watchers <= self.high)


NEW = Bin("0–4", 0, 4)
"""Titles with fewer than five training events, of which `BINS` has two parts."""
BINS = (Bin("0", 0, 0), Bin("1–4", 1, 4), Bin("5–19", 5, 19), Bin("20+", 20, None))
"""Every target lies in one of these."""


def titles_result(path: str | Path, reference: str | Path, *, command: str) -> dict[str, Any]:
    """Cut a published row's recall into `BINS` and `NEW`, beside that of popularity on the same targets.

    `path` and `reference` are result files with their ranks beside them. The fields are those of the row, but for
    `metrics` (by bin), `command`, `commit`, and `row`: where the ranks come from, with their hash.

    Raises InputError for results without ranks, of different test sets, and with several targets a user.
    """
    path, reference = Path(path), Path(reference)
    watchers, ranks = _ranks(path)
    beside = None
    if path.resolve() != reference.resolve():
        read_contenders([path, reference])  # refuses what cannot be compared
        beside = hits(_ranks(reference)[1])
    found = hits(ranks)
    metrics = {}
    for one in (NEW, *BINS):
        inside = one.holds(watchers)
        metrics[one.name] = summary(found[inside], None if beside is None else beside[inside])
    result = read_result(path)
    row = {name: result[name] for name in ("command", "commit")}
    return result | {
        "command": command,
        "commit": commit(),
        "metrics": metrics,
        "seed_values": {},
        "training": [],
        "row": {**row, "reference": REFERENCE, "ranks_sha256": ranks_sha256(path)},
    }


def is_current(result: Mapping[str, Any], path: str | Path) -> bool:
    """Say whether the ranks that a result was cut from are still those of the published row at `path`."""
    return ranks_path(path).is_file() and ranks_sha256(path) == result["row"]["ranks_sha256"]


def ranks_sha256(path: str | Path) -> str:
    """Return the hash of the ranks that belong to a result file."""
    return hashlib.sha256(ranks_path(path).read_bytes()).hexdigest()


def _ranks(path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Read each user's target: its watchers (users,) and its rank under every seed (seeds, users)."""
    frame = read_ranks(path).sort("seed", "user")
    n_seeds = frame["seed"].n_unique()
    users = frame["user"].to_numpy().reshape(n_seeds, -1) if frame.height % max(n_seeds, 1) == 0 else None
    if users is None or (np.diff(users, axis=1) == 0).any() or frame["watchers"].null_count():
        raise InputError(
            f"{path} does not say how many people watched each target.",
            "Only results with one target a user do: judge the model on such a split.",
        )
    ranks = frame["rank"].cast(int).fill_null(NEVER).to_numpy().reshape(n_seeds, -1)
    return frame["watchers"].to_numpy()[: users.shape[1]].astype(np.int64), ranks
