"""Result files: one JSON a row of a table, with all that is needed to get the same number again."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import recsys
from evaluation.judge import Evaluation
from recsys.errors import InputError

FOLDER = Path(__file__).parent / "results"
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
PACKAGES = ("numpy", "scipy", "polars", "keras", "tensorflow", "onnxruntime", "implicit")


def make_result(
    evaluation: Evaluation,
    *,
    data: str,
    config: Mapping[str, Any],
    seeds: Sequence[int],
    command: str,
    train_seconds: float | None,
    peak_memory_mb: float | None,
) -> dict[str, Any]:
    """Collect a result's fields; the commit and the package versions are those of this process."""
    result = {
        "data": data,
        "protocol": evaluation.protocol_mapping(),
        "split_sha256": evaluation.split_sha256,
        "model": evaluation.model,
        "config": dict(config),
        "seeds": list(seeds),
        "command": command,
        "commit": commit(),
        "versions": versions(),
        "train_seconds": None if train_seconds is None else round(train_seconds, 2),
        "peak_memory_mb": None if peak_memory_mb is None else round(peak_memory_mb, 1),
        "metrics": evaluation.metrics_mapping(),
    }
    assert tuple(result) == FIELDS
    return result


def write_result(result: Mapping[str, Any], folder: str | Path = FOLDER) -> Path:
    """Write `<data>--<model>.json` beside its place and rename it in; an older one stays until then."""
    path = Path(folder) / f"{file_stem(str(result['data']))}--{file_stem(str(result['model']))}.json"
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(path, text.encode())
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it in: it is replaced as a whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(beside).chmod(0o644)
            Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be written: {reason}.", "Check the permissions and the free space.") from error


def require_writable(folder: Path) -> None:
    """Refuse a folder that results cannot be written to, before hours are spent on them."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{folder} cannot be written to.", "Choose another folder (--out) or check its permissions.")


def read_results(folder: str | Path = FOLDER) -> list[dict[str, Any]]:
    """Read every result file of a folder, sorted by data and model; a file that lacks a field is an error."""
    results = []
    for path in sorted(Path(folder).glob("*--*.json")):
        try:
            result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            missing = [name for name in FIELDS if name not in result]
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path} is not a result file ({error}).", "Run its evaluation again.") from error
        if missing:
            raise InputError(f"{path} lacks {', '.join(missing)}.", "Run its evaluation again.")
        results.append(result)
    return results


def file_stem(name: str) -> str:
    """Turn a data set's or model's name into a part of a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"


def versions() -> dict[str, str]:
    """List the versions of Python, of recsys and of the installed packages that a result may depend on."""
    found = {"python": platform.python_version(), "recsys": recsys.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit(folder: Path = FOLDER.parent) -> str:
    """Name the source's git commit, marked "+changes" when code differs from it; "unknown" outside a repository."""
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
