"""Fit and judge models on the public data sets and write the rows of the published tables.

    python -m evaluation.run --data ml1m --model lstm --model als --set lstm.epochs=3

Every data set and model has a process of its own, so that seconds and peak memory are its own.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from evaluation.judge import Evaluation as Evaluation
from evaluation.judge import evaluate as evaluate
from evaluation.result_files import FOLDER, file_stem, make_result, require_writable, write_result
from recsys.errors import ConfigError, InputError, RecsysError

REFUSED = 2


def run_one(
    data_name: str,
    model_name: str,
    *,
    real: Path,
    settings: Sequence[str] = (),
    seed: int = 0,
    out: Path = FOLDER,
    save: Path | None = None,
) -> Path:
    """Fit one model on one data set's training part, judge it on the test part and write its result file."""
    from evaluation.recipes import load
    from recsys.models import make_model

    data, split = load(data_name, real)
    model = make_model(model_name, settings_of(model_name, settings, seed))
    kept = None if save is None else save / f"{file_stem(data_name)}--{file_stem(model_name)}"
    if kept is not None and hasattr(model, "workdir"):
        model.workdir = kept.with_name(f"{kept.name}.training")  # its log, checkpoint and curves
    start = time.perf_counter()
    model.fit(data, split, progress=True)
    train_seconds = time.perf_counter() - start
    evaluation = evaluate(model, split, seed=seed, progress=True)
    if kept is not None:
        model.save(kept, overwrite=True)
    result = make_result(
        evaluation,
        data=data_name,
        config=model.config.to_mapping(),
        seeds=[seed],
        command=command_of(data_name, model_name, settings, seed),
        train_seconds=train_seconds,
        peak_memory_mb=peak_memory_mb(),
    )
    return write_result(result, out)


def command_of(data_name: str, model_name: str, settings: Sequence[str], seed: int) -> str:
    """Write the command that gives this row again (where RECSYS_REALDATA names the folder of original files)."""
    words = ["python", "-m", "evaluation.run", "--data", data_name, "--model", model_name]
    for setting in settings:
        words += ["--set", f"{model_name}.{setting}"]
    return shlex.join([*words, *(["--seed", str(seed)] if seed else [])])


def settings_by_model(flags: Sequence[str], models: Sequence[str]) -> dict[str, list[str]]:
    """Sort flags such as "lstm.epochs=3" by the model that they are for.

    >>> settings_by_model(["lstm.epochs=3"], ["als", "lstm"])
    {'als': [], 'lstm': ['epochs=3']}
    """
    found: dict[str, list[str]] = {model: [] for model in models}
    for flag in flags:
        model, dot, setting = flag.partition(".")
        if not dot or "=" not in setting:
            raise ConfigError(f"A setting is given as model.name=value, got '{flag}'.", "For example: lstm.epochs=3.")
        if model not in found:
            raise ConfigError(f"'{flag}' sets a model that is not evaluated.", f"Evaluated: {', '.join(models)}.")
        found[model].append(setting)
    return found


def settings_of(model_name: str, flags: Sequence[str], seed: int) -> dict[str, Any]:
    """Return a model's settings from `name=value` flags; the seed is one of them where the model has one."""
    from recsys.models import model_class

    config = model_class(model_name).Config
    seeded: Mapping[str, Any] = {"seed": seed} if "seed" in {item.name for item in fields(config)} else {}
    return config.from_flags(flags, base=seeded).to_mapping()


def peak_memory_mb() -> float:
    """Return this process's own peak resident memory so far in MB (10^6 bytes).

    Linux tells it as VmHWM. `ru_maxrss`, used elsewhere, may hold the peak of the process that started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def real_folder(given: str | None) -> Path:
    """Return the folder of original files: the one given, or the one that RECSYS_REALDATA names."""
    folder = given or os.environ.get("RECSYS_REALDATA")
    if not folder:
        raise InputError(
            "The original data files are not in the project, and no folder was named.",
            "Pass --real FOLDER or set RECSYS_REALDATA; evaluation/README.md lists the files.",
        )
    return Path(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        flags = settings_by_model(options.set, options.model)
        for model in options.model:
            settings_of(model, flags[model], options.seed)  # a wrong setting is said before anything runs
        pairs = [(data, model) for data in options.data for model in options.model]
        real = real_folder(options.real)
        require_writable(Path(options.out))
        if len(pairs) == 1:
            [(data, model)] = pairs
            save = Path(options.save) if options.save else None
            path = run_one(
                data, model, real=real, settings=flags[model], seed=options.seed, out=Path(options.out), save=save
            )
            _show(path)
            return 0
    except RecsysError as error:
        print(f"Error: {error.message}\n{error.hint}".rstrip(), file=sys.stderr)
        return REFUSED
    codes = [_in_child(data, model, flags[model], options) for data, model in pairs]
    return max(map(abs, codes))  # a killed child's code is negative


def _in_child(data: str, model: str, flags: Sequence[str], options: argparse.Namespace) -> int:
    """Run one pair by this very command in a process of its own."""
    words = [sys.executable, "-m", "evaluation.run", "--data", data, "--model", model, "--seed", str(options.seed)]
    words += ["--out", options.out] + [word for flag in flags for word in ("--set", f"{model}.{flag}")]
    words += [
        word for name in ("real", "save") if getattr(options, name) for word in (f"--{name}", getattr(options, name))
    ]
    print(f"== {data} · {model}", flush=True)
    return subprocess.run(words, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation.run", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", action="extend", nargs="+", required=True, help="data sets: ml1m, annict, kaggle5k …")
    parser.add_argument("--model", action="extend", nargs="+", required=True, help="models, as in `recsys models`")
    parser.add_argument("--set", action="extend", nargs="+", default=[], help="settings, as model.name=value")
    parser.add_argument("--seed", type=int, default=0, help="of the model and the intervals (default 0)")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", default=str(FOLDER), help="where result files go (default: evaluation/results)")
    parser.add_argument("--save", help="also keep each fitted model, and the log of its training, in this folder")
    return parser


def _show(path: Path) -> None:
    import json

    result = json.loads(path.read_text(encoding="utf-8"))
    row = "  ".join(f"{name} {value['value']:.4f}" for name, value in result["metrics"].items())
    print(f"{row}\ntrained in {result['train_seconds']} s, peak {result['peak_memory_mb']} MB → {path}")


if __name__ == "__main__":
    sys.exit(main())
