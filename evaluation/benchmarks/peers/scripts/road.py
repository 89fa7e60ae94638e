"""What a peer's script sees of the road: the split's files in, ranked lists and facts out. Only numpy is needed."""

from __future__ import annotations

import argparse
import copy
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TOP = 10
"""The length of the lists that are timed; those that are judged are `Task.depth` long."""
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Events:
    """Hold many users' events, one user after the other in watch order, as `recsys.dataset.histories.Histories` does.

    `users (n_users,)`, `offsets (n_users + 1,)`, `items (n_events,)`: item codes from 2.
    """

    users: Ints
    offsets: Ints
    items: Ints

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def lengths(self) -> Ints:
        """Count each user's events, shape (n_users,)."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Ints:
        """Give the row of each event's user, shape (n_events,)."""
        return np.repeat(np.arange(self.n_users), self.lengths)

    @property
    def positions(self) -> Ints:
        """Give each event's place in its user's history, shape (n_events,)."""
        return np.arange(len(self.items)) - np.repeat(self.offsets[:-1], self.lengths)

    def of(self, row: int) -> Ints:
        """Return the item codes of one row."""
        return self.items[self.offsets[row] : self.offsets[row + 1]]

    def select(self, rows: Ints) -> Events:
        """Return these rows, in this order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        events = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Events(self.users[rows], offsets, self.items[events])


@dataclass(frozen=True)
class Task:
    """Hold what a peer is asked to do: it fits on `train`, may stop by the validation part, and ranks for `test`."""

    folder: Path
    train: Events
    validation: Events
    targets: Events
    test: Events
    n_codes: int
    depth: int
    minutes: float
    seed: int
    settings: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Task:
        """Read `task.json` and `split.npz`."""
        task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        with np.load(folder / "split.npz") as arrays:
            parts: dict[str, Any] = {
                name: Events(*(arrays[f"{name}_{array}"] for array in ("users", "offsets", "items")))
                for name in ("train", "validation", "targets", "test")
            }
        return cls(folder=folder, **parts, **{key: task[key] for key in task if key in cls.__annotations__})

    def validation_sample(self, most: int) -> tuple[Events, Events]:
        """Return inputs and targets of at most so many validation users, drawn by the task's seed."""
        n_users = self.validation.n_users
        rows = np.sort(np.random.default_rng(self.seed).permutation(n_users)[:most])
        return self.validation.select(rows), self.targets.select(rows)


def begin(packages: Iterable[str]) -> tuple[Task, dict[str, str]]:
    """Read the task that the command line names; returns it with the versions of these packages."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="where task.json and split.npz are, and where the answer goes")
    task = Task.read(parser.parse_args().folder)
    random.seed(task.seed)
    np.random.seed(task.seed)  # noqa: NPY002 - libraries draw from it
    return task, {"python": platform.python_version(), **{name: version(name) for name in packages}}


def finish(task: Task, codes: Ints, facts: Mapping[str, Any]) -> None:
    """Write the ranked lists (n_test_users, depth), item codes padded with 0, and the facts behind them."""
    written = {**facts, "peak_memory_mb": peak_memory_mb()}
    np.save(task.folder / "lists.npy", codes.astype(np.int32))
    (task.folder / "facts.json").write_text(json.dumps(written, indent=2), encoding="utf-8")


def ndcg(lists: Ints, targets: Events) -> float:
    """Return the mean NDCG of lists (n_users, k) for one target a user (the first, where there are several)."""
    wanted = targets.items[targets.offsets[:-1]]
    gains = 1 / np.log2(np.arange(lists.shape[1]) + 2)
    return float(((lists == wanted[:, None]) * gains).sum(axis=1).mean())


class Training:
    """Decide after each epoch whether training goes on, and keep the weights that validated best.

    It ends when the budget of minutes is used up, when `epochs` are done, or when `patience` epochs brought nothing
    better. `validate` returns what should rise, `weights` a mapping of tensors.
    """

    def __init__(self, task: Task, validate: Callable[[], float], weights: Callable[[], Any]) -> None:
        self.task, self.validate, self.weights = task, validate, weights
        self.start = time.perf_counter()
        self.rows: list[dict[str, Any]] = []
        self.best, self.best_epoch, self.best_weights, self.stopped_by = -1.0, 0, None, ""

    def ends_after(self, loss: float) -> bool:
        """Note one more epoch; returns whether it was the last."""
        value = self.validate()
        number, seconds = len(self.rows) + 1, time.perf_counter() - self.start
        self.rows.append({"epoch": number, "loss": loss, "val_ndcg@10": value, "seconds": round(seconds, 1)})
        print(f"epoch {number}: loss {loss:.4f}, validation ndcg@10 {value:.4f}, {seconds:.0f} s", flush=True)
        if value > self.best:
            self.best, self.best_epoch, self.best_weights = value, number, copy.deepcopy(self.weights())
        if number - self.best_epoch >= self.task.settings["patience"]:
            self.stopped_by = "patience"
        elif seconds >= self.task.minutes * 60:
            self.stopped_by = "minutes"
        elif number >= self.task.settings["epochs"]:
            self.stopped_by = "epochs"
        return bool(self.stopped_by)

    def facts(self) -> dict[str, Any]:
        """Return what is reported of the training; its seconds include validation, as those of our own models do."""
        return {
            "train_seconds": self.rows[-1]["seconds"],
            "epochs": len(self.rows),
            "best_epoch": self.best_epoch,
            "stopped_by": self.stopped_by,
            "training": self.rows,
        }


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call gives and the seconds that it took."""
    start = time.perf_counter()
    value = call()
    return value, time.perf_counter() - start


def peak_memory_mb() -> float:
    """Return this process's peak resident memory in MB (10^6 bytes); on Linux not that of the process before exec."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
