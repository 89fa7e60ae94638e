"""Search the settings of the published tables' rows on the validation parts of the public data sets.

    python -m evaluation.tune --data ml100k --model als ease --trials 12 --minutes 10

Every data set and model has a process of its own; what was found becomes the row's TOML in `evaluation/configs/`.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from evaluation.recipes import RECIPES, load
from evaluation.result_files import require_writable
from evaluation.rows import CONFIGS, find_row, row_path, write_row
from evaluation.run import real_folder, settings_by_model
from evaluation.screen import PLAIN_WIDTH
from evaluation.tune.result import Budget
from evaluation.tune.screen import tuned_table
from evaluation.tune.search import METRIC, accuracy_metric, fixed_settings, space_of, tune
from evaluation.tune.study import FILE, load_optuna
from recsys.config import search_space
from recsys.errors import InputError, RecsysError, refuse
from recsys.models import model_class


def run_one(
    data_name: str,
    model_name: str,
    *,
    real: Path,
    trials: int | None,
    minutes: float | None,
    metric: str = METRIC,
    seed: int = 0,
    flags: Sequence[str] = (),
    workdir: Path | None = None,
    resume: bool = False,
    out: Path = CONFIGS,
) -> Path:
    """Search one model's settings for one public data set and write the row's TOML; its seeds stay."""
    row = find_row(data_name, model_name, out)
    if not search_space(model_class(model_name).Config):
        if row.settings:
            raise InputError(
                f"There is nothing to search in {model_name}, and its row has settings made by hand.",
                f"Leave {row_path(data_name, model_name, out)} as it is.",
            )
        return write_row(replace(row, settings={}, tuning={"budget": "none: there is nothing to search"}), out)
    data, split = load(data_name, real)
    folder = None if workdir is None else workdir / row_path(data_name, model_name).stem
    fixed = fixed_settings(model_name, flags)
    found = tune(
        data,
        split,
        model_name,
        trials=trials,
        minutes=minutes,
        metric=metric,
        seed=seed,
        fixed=fixed,
        folder=folder,
        resume=resume and folder is not None and (folder / FILE).exists(),
        progress=True,
    )
    Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False).print(tuned_table(found))
    settings = {name: value for name, value in found.settings.items() if name != "seed"}
    asked = {"trials": trials, "minutes": minutes, "metric": metric, "seed": seed}
    tuning = {**found.facts(), "command": command_of(data_name, model_name, asked, flags)}
    return write_row(replace(row, settings=settings, tuning=tuning), out)


def command_of(data_name: str, model_name: str, asked: Mapping[str, Any], flags: Sequence[str]) -> str:
    """Write the command of a search, without what is usual.

    >>> command_of("ml1m", "als", {"trials": 12, "minutes": None, "metric": "ndcg@10", "seed": 0}, ["factors=64"])
    'python -m evaluation.tune --data ml1m --model als --trials 12 --set als.factors=64'
    """
    usual = {"trials": None, "minutes": None, "metric": METRIC, "seed": 0}
    words = ["python", "-m", "evaluation.tune", "--data", data_name, "--model", model_name]
    for name, value in asked.items():
        if value != usual[name]:
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, *(word for flag in flags for word in ("--set", f"{model_name}.{flag}"))])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    pairs = [(data, model) for data in options.data for model in options.model]
    try:
        Budget(options.trials, options.minutes)
        if options.resume and options.workdir is None:
            raise InputError("--resume needs the folder that the studies are kept in.", "Pass --workdir, too.")
        accuracy_metric(options.metric)
        flags = settings_by_model(options.set, options.model)
        for data in options.data:  # what is wrong is said before anything runs
            if data not in RECIPES:
                raise InputError(f"There is no data set '{data}'.", f"Known: {', '.join(RECIPES)}.")
        for model in options.model:
            fixed = fixed_settings(model, flags[model])
            if search_space(model_class(model).Config):
                space_of(model, fixed)
        load_optuna()
        real = real_folder(options.real)
        require_writable(Path(options.out))
        if len(pairs) == 1:
            [(data, model)] = pairs
            path = run_one(
                data,
                model,
                real=real,
                trials=options.trials,
                minutes=options.minutes,
                metric=options.metric,
                seed=options.seed,
                flags=flags[model],
                workdir=None if options.workdir is None else Path(options.workdir),
                resume=options.resume,
                out=Path(options.out),
            )
            print(f"Wrote {path}")
            return 0
    except RecsysError as error:
        return refuse(error)
    codes = [_in_child(data, model, options) for data, model in pairs]
    return max(map(abs, codes))  # a killed child's code is negative


def _in_child(data: str, model: str, options: argparse.Namespace) -> int:
    """Run one pair by this very command in a process of its own; whatever comes of it, the next one begins."""
    words = [sys.executable, "-m", "evaluation.tune", "--data", data, "--model", model]
    for name in ("trials", "minutes", "metric", "seed", "real", "workdir", "out"):
        if getattr(options, name) is not None:
            words += [f"--{name}", str(getattr(options, name))]
    mine = [flag for flag in options.set if flag.startswith(f"{model}.")]
    words += ["--set", *mine] if mine else []
    words += ["--resume"] if options.resume else []
    print(f"== {data} · {model}", flush=True)
    return subprocess.run(words, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation.tune", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", action="extend", nargs="+", required=True, help="data sets: ml1m, annict, kaggle5k …")
    parser.add_argument("--model", action="extend", nargs="+", required=True, help="models, as in `recsys models`")
    parser.add_argument("--trials", type=int, help="trials for each pair")
    parser.add_argument("--minutes", type=float, help="minutes for each pair; what is spent first ends the search")
    parser.add_argument("--metric", default=METRIC, help=f"what validation maximises (default {METRIC})")
    parser.add_argument("--set", action="extend", nargs="+", default=[], help="fixed settings, as model.name=value")
    parser.add_argument("--seed", type=int, default=0, help="of the search and the models (default 0)")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", default=str(CONFIGS), help="where the TOML files go (default: evaluation/configs)")
    parser.add_argument("--workdir", help="keep each study here, to go on with it later (default: not kept)")
    parser.add_argument("--resume", action="store_true", help="go on with the studies in --workdir")
    return parser


if __name__ == "__main__":
    sys.exit(main())
