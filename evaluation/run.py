"""Fit and judge models on the public data sets and write the rows of the published tables.

    python -m evaluation.run --data ml1m --model lstm --model als --set lstm.epochs=3

The settings are those of `evaluation/configs/<data>--<model>.toml`, where that exists, and the model's defaults
elsewhere. Every data set and model has a process of its own, so that seconds and peak memory are its own.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation.joining import join_seeds, read_earlier
from evaluation.judge import Evaluation, evaluate, time_serving
from evaluation.metrics import DEFAULT_METRICS, available, metrics_at
from evaluation.result_files import (
    FOLDER,
    commit,
    file_stem,
    make_result,
    ranks_frame,
    require_writable,
    result_path,
    write_result,
)
from evaluation.rows import Row, find_row
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split
from recsys.errors import ConfigError, InputError, RecsysError, refuse
from recsys.models import load_model, make_model, model_class
from recsys.models.base import Recommender

METRICS = (*DEFAULT_METRICS, "precision@10", "map@10")
"""What every published row has; and at 10, all metrics of lists that the data has the ground for."""


def run_one(
    row: Row,
    *,
    real: Path,
    flags: Sequence[str] = (),
    out: Path = FOLDER,
    save: Path | None = None,
    fitted: Sequence[Path] = (),
    join: bool = False,
) -> Path:
    """Fit a row's model on its data set's training part, once a seed, judge it on the test part, write the result.

    `flags` are settings on top of the row's. `fitted` folders, one a seed, are judged as they are: models that earlier
    runs saved. With `join`, the seeds come to those of the result that is there. Raises InputError where the folders
    are not as many as the seeds or have other settings, and where there is no result of this row to join.
    """
    from evaluation.recipes import RECIPES, load

    known = _load_fitted(row, flags, fitted)
    data, split = load(row.data, real)
    there = result_path({"data": row.data, "model": row.model}, out)
    settings = settings_of(row.model, flags, row.seeds[0], base=row.settings)
    metrics = list(map(str, metrics_at(metrics_of(data))))
    if join:  # what is wrong is said before hours are spent
        read_earlier(there, row, settings, split.sha256, metrics)
    commit()  # of the code that runs, whatever is committed meanwhile
    models, serve_seconds = [], []
    evaluations: dict[int, Evaluation] = {}
    for seed in row.seeds:
        model = known.get(seed) or _fit(row, flags, seed, data, split, save)
        models.append(model)
        evaluations[seed] = evaluate(model, split, metrics, seed=row.seeds[0], progress=True)
        serve_seconds.append(time_serving(model, split.test.inputs))
    model = models[0]
    result = make_result(
        list(evaluations.values()),
        data=row.data,
        config=model.config.to_mapping(),
        seeds=row.seeds,
        command=command_of(row, flags),
        train_seconds=statistics.mean(one.facts["fit_seconds"] for one in models),
        peak_memory_mb=None if fitted else peak_memory_mb(),
        serve_seconds=statistics.mean(serve_seconds),
        training=getattr(model, "epochs", []),
        data_title=RECIPES[row.data].title,
    )
    if join:  # another run may have joined its seeds in the meantime
        earlier = read_earlier(there, row, settings, split.sha256, metrics)
        result, evaluations = join_seeds(earlier, result, evaluations)
        result["command"] = command_of(replace(row, seeds=tuple(evaluations)), flags)
    return write_result(result, out, ranks=ranks_frame(list(evaluations.values()), list(evaluations)))


def metrics_of(data: Dataset) -> list[str]:
    """Name the metrics of a published row."""
    return [*METRICS, *(f"{name}@10" for name in available(data.catalogue) if name not in METRICS)]


def _load_fitted(row: Row, flags: Sequence[str], folders: Sequence[Path]) -> dict[int, Recommender]:
    """Load the saved model of each seed, where there are any."""
    if folders and len(folders) != len(row.seeds):
        raise InputError(
            f"The row has {len(row.seeds)} seeds ({', '.join(map(str, row.seeds))}), --fitted names {len(folders)}.",
            "Name one folder a seed, or fewer --seeds.",
        )
    known = {}
    for seed, folder in zip(row.seeds, folders, strict=False):
        model = load_model(folder)
        refuse_other_model(folder, model, row, flags, seed)
        known[seed] = model
    return known


def refuse_other_model(folder: Path, model: Recommender, row: Row, flags: Sequence[str], seed: int) -> None:
    """Refuse a saved model that is not what a row's settings and seed would give: its command would not give it again.

    Raises InputError that names the folder and the settings that differ.
    """
    if model.name != row.model:
        raise InputError(f"{folder} holds the model {model.name}, not {row.model}.", "Name a folder of that model.")
    usual = settings_of(row.model, flags, seed, base=row.settings)
    other = [name for name, value in model.config.to_mapping().items() if value != usual[name]]
    if other:
        raise InputError(
            f"{folder} was fitted with other settings than seed {seed} of the row ({', '.join(other)}).",
            "Fit it with the row's settings, or name its own with --set and --seeds.",
        )


def _fit(row: Row, flags: Sequence[str], seed: int, data: Dataset, split: Split, save: Path | None) -> Recommender:
    model = make_model(row.model, settings_of(row.model, flags, seed, base=row.settings))
    name = f"{file_stem(row.data)}--{file_stem(row.model)}" + (f"--seed-{seed}" if seed else "")
    if save is not None and hasattr(model, "workdir"):
        model.workdir = save / f"{name}.training"  # its log, checkpoint and curves
    model.fit(data, split, progress=True)
    if save is not None:
        model.save(save / name, overwrite=True)
    return model


def command_of(row: Row, flags: Sequence[str]) -> str:
    """Write the command that gives this row again (where RECSYS_REALDATA names the folder of original files)."""
    words = ["python", "-m", "evaluation.run", "--data", row.data, "--model", row.model]
    if find_row(row.data, row.model).settings and not row.settings:
        words.append("--defaults")
    for setting in flags:
        words += ["--set", f"{row.model}.{setting}"]
    if row.seeds != find_row(row.data, row.model).seeds:
        words += ["--seeds", ",".join(map(str, row.seeds))]
    return shlex.join(words)


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


def settings_of(
    model_name: str, flags: Sequence[str], seed: int, *, base: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a model's settings from `name=value` flags, on top of `base` and of the seed where the model has one."""
    config = model_class(model_name).Config
    seeded: Mapping[str, Any] = {"seed": seed} if has_seed(model_name) else {}
    return config.from_flags(flags, base={**seeded, **(base or {})}).to_mapping()


def has_seed(model_name: str) -> bool:
    """Say whether chance plays a part in a model's training."""
    return model_class(model_name).Config.has("seed")


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
        rows = [_row(data, model, options) for data in options.data for model in options.model]
        for row in rows:  # a wrong setting is said before anything runs
            settings_of(row.model, flags[row.model], 0, base=row.settings)
        real = real_folder(options.real)
        require_writable(Path(options.out))
        if len(rows) == 1:
            [row] = rows
            save, fitted = Path(options.save) if options.save else None, [Path(one) for one in options.fitted]
            out, join = Path(options.out), options.join
            _show(run_one(row, real=real, flags=flags[row.model], out=out, save=save, fitted=fitted, join=join))
            return 0
        if options.fitted:
            raise InputError("A fitted model is one row, and several were asked for.", "Name one --data and --model.")
    except RecsysError as error:
        return refuse(error)
    codes = [_in_child(row, flags[row.model], options) for row in rows]
    return max(map(abs, codes))  # a killed child's code is negative


def _row(data: str, model: str, options: argparse.Namespace) -> Row:
    """Return the committed row, its seeds and settings replaced where the command line says so."""
    row = find_row(data, model)
    if options.defaults:
        row = replace(row, settings={}, tuning={})
    return row if options.seeds is None else replace(row, seeds=parse_seeds(options.seeds))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read seeds such as "0,1,2".

    >>> parse_seeds("0, 1")
    (0, 1)
    """
    words = text.replace(",", " ").split()
    if not words or not all(word.isdecimal() for word in words) or len(set(words)) < len(words):
        raise InputError(f"Seeds must be different whole numbers from 0, got '{text}'.", "For example: --seeds 0,1,2.")
    return tuple(map(int, words))


def _in_child(row: Row, flags: Sequence[str], options: argparse.Namespace) -> int:
    """Run one row by this very command in a process of its own."""
    words = [sys.executable, "-m", "evaluation.run", "--data", row.data, "--model", row.model, "--out", options.out]
    words += [word for flag in flags for word in ("--set", f"{row.model}.{flag}")]
    for name in ("real", "save", "seeds"):
        if getattr(options, name):
            words += [f"--{name}", getattr(options, name)]
    words += [f"--{name}" for name in ("defaults", "join") if getattr(options, name)]
    print(f"== {row.data} · {row.model}", flush=True)
    return subprocess.run(words, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation.run", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", action="extend", nargs="+", required=True, help="data sets: ml1m, annict, kaggle5k …")
    parser.add_argument("--model", action="extend", nargs="+", required=True, help="models, as in `recsys models`")
    parser.add_argument("--set", action="extend", nargs="+", default=[], help="settings, as model.name=value")
    parser.add_argument("--seeds", help="of the model, e.g. 0,1,2: fitted once each (default: the row's, else 0)")
    parser.add_argument("--defaults", action="store_true", help="leave the tuned settings of evaluation/configs aside")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", default=str(FOLDER), help="where result files go (default: evaluation/results)")
    parser.add_argument("--save", help="also keep each fitted model, and the log of its training, in this folder")
    parser.add_argument(
        "--fitted", nargs="+", default=[], help="judge these saved models, one a seed, instead of fitting"
    )
    parser.add_argument("--join", action="store_true", help="join the seeds to those of the result that --out has")
    return parser


def _show(path: Path) -> None:
    import json

    result = json.loads(path.read_text(encoding="utf-8"))
    row = "  ".join(f"{name} {value['value']:.4f}" for name, value in result["metrics"].items())
    print(f"{row}\ntrained in {result['train_seconds']} s, peak {result['peak_memory_mb']} MB → {path}")


if __name__ == "__main__":
    sys.exit(main())
