"""Where each peer's library lives: a virtual environment of its own, outside the project."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from recsys.artifact import write_file
from recsys.errors import InputError, RecsysError

REQUIREMENTS = Path(__file__).parent / "requirements"
VARIABLE = "RECSYS_PEERS"
INSTALL = "python -m evaluation.benchmarks.peers.install"
DONE = "installed.txt"
"""Holds the requirements that an environment was made from; an environment without it is unfinished."""


def environment_names() -> list[str]:
    """List the environments that can be installed."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def cache_folder(given: str | Path | None = None) -> Path:
    """Return the folder of environments: the one given, the one that RECSYS_PEERS names, or ~/.cache/recsys-peers."""
    folder = Path(given or os.environ.get(VARIABLE) or Path("~", ".cache", "recsys-peers"))
    return folder.expanduser().absolute()


def requirements_of(name: str) -> str:
    """Return the text of an environment's requirements file."""
    if name not in environment_names():
        raise InputError(f"There is no environment '{name}'.", f"Known: {', '.join(environment_names())}.")
    return (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")


def python_of(name: str, folder: Path) -> Path:
    """Return an installed environment's interpreter; raises InputError, with the command that installs it."""
    wanted = requirements_of(name)
    marker = folder / name / DONE
    if not marker.is_file():
        raise InputError(f"The environment '{name}' is not installed in {folder}.", _remedy(name, folder))
    if marker.read_text(encoding="utf-8") != wanted:
        raise InputError(f"The environment '{name}' in {folder} has other versions than asked.", _remedy(name, folder))
    return interpreter(folder / name)


def interpreter(environment: Path) -> Path:
    """Name the interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(name: str, folder: Path, *, index: str | None = None) -> Path:
    """Make an environment, or bring it up to its requirements; returns its interpreter.

    `index` is a further package index, such as PyTorch's own for a torch without CUDA. Raises RecsysError when pip
    fails; the environment then counts as not installed.
    """
    wanted = requirements_of(name)
    place = folder / name
    (place / DONE).unlink(missing_ok=True)
    if not interpreter(place).exists():
        venv.create(place, with_pip=True)
    words = [str(interpreter(place)), "-m", "pip", "install", "-r", str(REQUIREMENTS / f"{name}.txt")]
    words += ["--extra-index-url", index] if index else []
    if subprocess.run(words, check=False).returncode:
        raise RecsysError(
            f"pip could not install '{name}' under Python {sys.version_info.major}.{sys.version_info.minor}.",
            "Read what it printed; the pinned versions were measured under Python 3.11.",
        )
    with write_file(place / DONE, overwrite=True) as beside:
        beside.write_text(wanted, encoding="utf-8")
    return interpreter(place)


def _remedy(name: str, folder: Path) -> str:
    chosen = "" if folder == cache_folder() else f" --folder {folder}"
    return f"Install it: {INSTALL} {name}{chosen}"
