"""Results that are to be compared: found by path or name, read with their ranks, refused where they do not match."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.metrics import Metric, compute
from evaluation.ranks import NEVER, Ranks
from evaluation.result_files import FOLDER, RANKING, read_ranks, read_result, task_of
from recsys.errors import InputError

AGREES = 1e-6
"""How far a metric that is computed again from the ranks may be from the one in the result file."""


@dataclass(frozen=True, eq=False)
class Contender:
    """Hold one result: what its file says, and the ranks of every user's targets under each seed."""

    label: str
    path: Path
    result: dict[str, Any]
    ranks: dict[int, Ranks]

    @property
    def depth(self) -> int | None:
        """Give the deepest rank where some targets have none: the lists may have ended there; None otherwise."""
        ranks = np.concatenate([one.values for one in self.ranks.values()])
        known = ranks[ranks != NEVER]
        return None if len(known) == len(ranks) else int(known.max(initial=0))

    def values(self, metrics: Sequence[Metric]) -> npt.NDArray[np.float64]:
        """Compute accuracy metrics for each user and seed, shape (n_seeds, n_users, n_metrics)."""
        rows = [[compute(metric, ranks) for metric in metrics] for ranks in self.ranks.values()]
        values = np.array(rows, dtype=np.float64).transpose(0, 2, 1)
        for metric, mean in zip(map(str, metrics), values.mean(axis=(0, 1)), strict=True):
            told = self.result["metrics"].get(metric)
            if told is not None and abs(told["value"] - mean) > AGREES:
                raise InputError(
                    f"{self.path} says {metric} {told['value']:.6f}, but its ranks give {mean:.6f}.",
                    f"The two files are not of one run. {_again(self.result)}",
                )
        return values


def find_results(names: Sequence[str | Path], folder: str | Path = FOLDER) -> list[Path]:
    """Find result files: each name is a path, or that of a file in the folder, such as "ml1m--lstm"."""
    folder = Path(folder)
    found = []
    for name in names:
        places = (Path(name), folder / name, folder / f"{name}.json")
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            known = sorted(one.stem for one in folder.glob("*--*.json"))
            close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
            remedy = f"Did you mean '{close[0]}'?" if close else f"There: {', '.join(known) or 'no result'}."
            raise InputError(f"There is no result '{name}', neither as a path nor in {folder}.", remedy)
        found.append(path)
    return found


def read_contenders(paths: Sequence[str | Path]) -> list[Contender]:
    """Read results with their ranks, and check that they were judged by the same rules on the same test set.

    Raises InputError for fewer than two, the same one twice, different data, rules or test sets, and missing ranks.
    """
    files = [Path(path) for path in paths]
    if len(files) < 2:
        raise InputError(f"At least 2 results are needed, got {len(files)}.", "For example: ml1m--lstm ml1m--als.")
    for place, file in enumerate(files):
        if file.resolve() in [earlier.resolve() for earlier in files[:place]]:
            raise InputError(f"{file} is given twice, and would be compared with itself.", "Leave one of them out.")
    results = [read_result(file) for file in files]
    for file, result in zip(files, results, strict=True):
        if task_of(result) != RANKING:
            raise InputError(
                f"{file} is a result of {task_of(result)}, which ranks no titles.",
                "Compare such results with `python -m evaluation.text.compare`.",
            )
    for file, result in zip(files[1:], results[1:], strict=True):
        _refuse_other_test(files[0], results[0], file, result)
    contenders = [
        Contender(label, file, result, _ranks_by_seed(file, result))
        for label, file, result in zip(_labels(files, results), files, results, strict=True)
    ]
    for other in contenders[1:]:
        _refuse_other_users(contenders[0], other)
    return contenders


def read_contender(path: str | Path, label: str | None = None) -> Contender:
    """Read one result with its ranks; it is called by its model unless a label is given."""
    file = Path(path)
    result = read_result(file)
    return Contender(label or str(result["model"]), file, result, _ranks_by_seed(file, result))


def _refuse_other_test(first: Path, one: dict[str, Any], second: Path, two: dict[str, Any]) -> None:
    """Refuse two results that no difference can be taken between."""
    facts_one = {"data": one["data"], "protocol": one["protocol"], "test set": one["split_sha256"]}
    facts_two = {"data": two["data"], "protocol": two["protocol"], "test set": two["split_sha256"]}
    for path, result in ((first, one), (second, two)):
        if result["split_sha256"] is None:
            raise InputError(
                f"{path} does not say what test set it was judged on.", "Judge the model on a whole split."
            )
    for name, value in facts_one.items():
        other = facts_two[name]
        if value == other:
            continue
        if name == "protocol":
            name = next(key for key in {**value, **other} if value.get(key) != other.get(key))
            value, other = value.get(name), other.get(name)
        raise InputError(
            f"Only results of one test set can be compared, but the {name.replace('_', ' ')} of {first.stem} is "
            f"{_short(value)} and that of {second.stem} is {_short(other)}.",
            "Judge both on the same split by the same rules: run the older one again.",
        )


def _ranks_by_seed(path: Path, result: dict[str, Any]) -> dict[int, Ranks]:
    """Read the ranks of each seed; every seed must have ranked the same targets for the same users."""
    frame = read_ranks(path).with_columns(pl.col("rank").cast(pl.Int64).fill_null(NEVER)).sort("seed", "user", "rank")
    n_users = int(result["protocol"]["n_users"])
    found: dict[int, Ranks] = {}
    for (seed,), rows in frame.partition_by("seed", as_dict=True, maintain_order=True).items():
        users = rows["user"].to_numpy()
        counts = np.bincount(users, minlength=n_users)
        if len(counts) != n_users or not counts.all():
            raise InputError(
                f"The ranks of {path} must be of users 0 to {n_users - 1}, got {len(np.unique(users))} users up to "
                f"{users.max()} (seed {seed}).",
                _again(result),
            )
        found[int(seed)] = Ranks(np.concatenate([[0], np.cumsum(counts)]), rows["rank"].to_numpy())
    if not found:
        raise InputError(f"The ranks of {path} are empty.", _again(result))
    first = next(iter(found.values()))
    for seed, ranks in found.items():
        if not np.array_equal(ranks.offsets, first.offsets):
            raise InputError(f"The ranks of {path} have other targets for seed {seed}.", _again(result))
    return found


def _refuse_other_users(first: Contender, other: Contender) -> None:
    one, two = next(iter(first.ranks.values())), next(iter(other.ranks.values()))
    if not np.array_equal(one.offsets, two.offsets):
        raise InputError(
            f"The ranks of {other.path} have {len(two.values)} targets and those of {first.path} {len(one.values)}, or "
            "another number for some user, though both name the same test set.",
            _again(other.result),
        )


def _labels(files: Sequence[Path], results: Sequence[dict[str, Any]]) -> list[str]:
    """Call each result by its model; results of the same model, from several folders, by their paths."""
    models = [str(result["model"]) for result in results]
    return [
        model if models.count(model) == 1 else file.with_suffix("").as_posix()
        for model, file in zip(models, files, strict=True)
    ]


def _again(result: dict[str, Any]) -> str:
    return f"Run it again: {result['command']}"


def _short(value: object) -> str:
    """Write a value for a message; of a hash its beginning."""
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else f"'{text}'" if isinstance(value, str) else text
