"""Result files: one JSON a row of a table, with all that is needed to get the same number again.

Beside it, `ranks/` holds a small parquet with the rank of every target, so that two results can be compared user by
user, at any cutoff, without either model.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import recsys
from evaluation.certainty import Interval
from evaluation.judge import Evaluation, mean_over_seeds
from evaluation.protocol import ALL_TARGETS, HIDDEN
from evaluation.ranks import NEVER
from recsys.artifact import as_named, write_file
from recsys.errors import InputError

FOLDER = Path(__file__).parent / "results"
RANKS = "ranks"
FIELDS = (
    "data",
    "protocol",
    "split_sha256",
    "model",
    "config",
    "seeds",
    "command",
    "commit",
    "versions",
    "train_seconds",
    "peak_memory_mb",
    "metrics",
)
LATER: dict[str, Any] = {"data_title": None, "serve_seconds": None, "seed_values": {}, "training": []}
"""Fields that files of version 0.1 lack, with what stands for them."""
PACKAGES = ("numpy", "scipy", "polars", "keras", "tensorflow", "onnxruntime", "implicit", "lightgbm")
RANKING = "ranking"
TEXT = "text classification"
"""The tasks that results are of: told by the protocol, where one that is silent means ranking."""


def make_result(
    evaluations: Sequence[Evaluation],
    *,
    data: str,
    config: Mapping[str, Any],
    seeds: Sequence[int],
    command: str,
    train_seconds: float | None,
    peak_memory_mb: float | None,
    serve_seconds: float | None = None,
    training: Sequence[Mapping[str, Any]] = (),
    data_title: str | None = None,
    installed: Mapping[str, str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Collect a result's fields from one evaluation a seed; seconds are the mean of the seeds'.

    `seed` is that of the intervals where several evaluations are averaged; one alone keeps its own.
    `training` holds one row an epoch (of the first seed). The commit and, unless `installed` gives them, the package
    versions are those of this process.
    """
    evaluation = mean_over_seeds(evaluations, seed=seed)
    return collect_fields(
        data=data,
        protocol=evaluation.protocol.to_mapping(),
        split_sha256=evaluation.split_sha256,
        model=evaluation.model,
        config=config,
        seeds=seeds,
        command=command,
        installed=dict(installed) if installed is not None else versions(),
        train_seconds=train_seconds,
        peak_memory_mb=peak_memory_mb,
        metrics=evaluation.metrics,
        values_by_seed=[{name: one.metrics[name].value for name in evaluation.metrics} for one in evaluations],
        data_title=data_title,
        serve_seconds=serve_seconds,
        training=training,
    )


def collect_fields(
    *,
    data: str,
    protocol: Mapping[str, Any],
    split_sha256: str | None,
    model: str,
    config: Mapping[str, Any],
    seeds: Sequence[int],
    command: str,
    installed: Mapping[str, str],
    train_seconds: float | None,
    peak_memory_mb: float | None,
    metrics: Mapping[str, Interval],
    values_by_seed: Sequence[Mapping[str, float]],
    data_title: str | None,
    serve_seconds: float | None,
    training: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Lay out the fields of a result of any task, in the order of the files; the commit is that of the source."""
    result = {
        "data": data,
        "protocol": dict(protocol),
        "split_sha256": split_sha256,
        "model": model,
        "config": dict(config),
        "seeds": list(seeds),
        "command": command,
        "commit": commit(),
        "versions": dict(installed),
        "train_seconds": None if train_seconds is None else round(train_seconds, 2),
        "peak_memory_mb": None if peak_memory_mb is None else round(peak_memory_mb, 1),
        "metrics": {name: interval._asdict() for name, interval in metrics.items()},
        "data_title": data_title,
        "serve_seconds": None if serve_seconds is None else round(serve_seconds, 3),
        "seed_values": {
            name: [values[name] for values in values_by_seed] for name in (metrics if len(values_by_seed) > 1 else ())
        },
        "training": [dict(row) for row in training],
    }
    assert tuple(result) == (*FIELDS, *LATER)
    return result


def ranks_frame(evaluations: Sequence[Evaluation], seeds: Sequence[int]) -> pl.DataFrame:
    """Lay out one row a target and seed: `seed, user, rank, history, watchers`.

    `user` is the row of the judged part; `rank` is null where the model would never recommend the target; `history`
    counts the events that the model was shown, `watchers` the people in training who watched the target (null where a
    user has several targets, as ranks ascend inside a user and no longer say which target is which).
    """
    frames = []
    for seed, one in zip(seeds, evaluations, strict=True):
        ranks = one.ranks
        known = ranks.values != NEVER
        frames.append(
            pl.DataFrame(
                {
                    "seed": np.full(len(known), seed, dtype=np.int32),
                    "user": ranks.users.astype(np.int32),
                    "rank": pl.Series(np.where(known, ranks.values, 0), dtype=pl.Int32),
                    "history": one.history[ranks.users].astype(np.int32),
                    "watchers": pl.Series(one.watchers, dtype=pl.Int32) if one.watchers is not None else None,
                },
                schema_overrides={"watchers": pl.Int32},
            ).with_columns(pl.when(pl.lit(pl.Series(known))).then("rank"))
        )
    return pl.concat(frames)


def write_result(result: Mapping[str, Any], folder: str | Path = FOLDER, *, ranks: pl.DataFrame | None = None) -> Path:
    """Write `<data>--<model>.json`, and its ranks where they are given, each whole or not at all.

    The ranks are written first: a result never stands beside the ranks of an older one.
    """
    path = result_path(result, folder)
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if ranks is not None:
        content = io.BytesIO()
        ranks.write_parquet(content, compression="zstd", statistics=False)
        replace_file(ranks_path(path), content.getvalue())
    replace_file(path, text.encode())
    return path


def result_path(result: Mapping[str, Any], folder: str | Path = FOLDER) -> Path:
    """Name a result's file."""
    return Path(folder) / f"{file_stem(str(result['data']))}--{file_stem(str(result['model']))}.json"


def ranks_path(path: str | Path) -> Path:
    """Name the file of ranks that belongs to a result file."""
    path = Path(path)
    return path.parent / RANKS / f"{path.stem}.parquet"


def read_ranks(path: str | Path) -> pl.DataFrame:
    """Read the ranks that belong to a result file, as `ranks_frame` lays them out."""
    beside = ranks_path(path)
    if not beside.is_file():
        raise InputError(f"{path} has no ranks ({beside} is missing).", "Run its evaluation again.")
    try:
        frame = pl.read_parquet(as_named(beside))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{beside} cannot be read ({error}).", "Run its evaluation again.") from error
    missing = {"seed", "user", "rank", "history", "watchers"} - set(frame.columns)
    if missing:
        raise InputError(f"{beside} lacks {', '.join(sorted(missing))}.", "Run its evaluation again.")
    return frame


def replace_file(path: Path, content: bytes) -> None:
    """Write a file, and its folder where it is missing; it is replaced as a whole or not at all."""
    with write_file(path, overwrite=True) as beside:
        beside.write_bytes(content)


def require_writable(folder: Path) -> None:
    """Refuse a folder that results cannot be written to, before hours are spent on them."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{folder} cannot be written to.", "Choose another folder (--out) or check its permissions.")


def read_results(folder: str | Path = FOLDER) -> list[dict[str, Any]]:
    """Read every result of ranking in a folder, sorted by data and model; a file that lacks a field is an error."""
    return [result for result, _ in read_folder(folder)]


def read_folder(folder: str | Path = FOLDER, task: str = RANKING) -> list[tuple[dict[str, Any], Path]]:
    """Read the results of a task in a folder, each with its path, sorted by data and model; others are left aside."""
    found = [(read_result(path), path) for path in sorted(Path(folder).glob("*--*.json"))]
    return [(result, path) for result, path in found if task_of(result) == task]


def task_of(result: Mapping[str, Any]) -> str:
    """Say what a result's model was judged on: ranking titles, or classifying texts."""
    return str(result["protocol"].get("task", RANKING))


def read_result(path: str | Path) -> dict[str, Any]:
    """Read one result file; raises InputError where it is none or lacks a field."""
    try:
        result: dict[str, Any] = LATER | json.loads(Path(path).read_text(encoding="utf-8"))
        missing = [name for name in FIELDS if name not in result]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not a result file ({error}).", "Run its evaluation again.") from error
    missing += [name for name in ("protocol", "metrics") if not isinstance(result.get(name, {}), dict)]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}.", "Run its evaluation again.")
    if task_of(result) == RANKING:
        older = {"targets": ALL_TARGETS, "request_times": HIDDEN}  # rules that older files do not know
        result["protocol"] = older | result["protocol"]
    return result


def file_stem(name: str) -> str:
    """Turn a data set's or model's name into a part of a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """List the versions of Python, of recsys and of the installed packages that a result may depend on."""
    found = {"python": platform.python_version(), "recsys": recsys.__version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str:
    """Name this source's git commit as it was at the first call: a process goes on with the code that it began with."""
    return commit_of(FOLDER.parent)


def commit_of(folder: Path) -> str:
    """Name a folder's git commit, marked "+changes" when code differs from it; "unknown" outside a repository."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return "unknown"
    code = (":(top)recsys", ":(top)evaluation", ":(top,exclude)evaluation/results", ":(top,exclude)evaluation/*.md")
    return head + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *code) else "")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
