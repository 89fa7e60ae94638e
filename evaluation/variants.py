"""Variants of the LSTM's published row, fitted and judged beside each other on the same people.

They have no teachers (unless by `--set teachers=2`), which every variant would train anew, and no linear part; of a row
whose teachers differ from the network, they are variants of a teacher.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.certainty import paired_differences
from evaluation.judge import evaluate
from evaluation.protocol import Rules
from evaluation.recipes import load
from evaluation.result_files import FOLDER, commit, file_stem, replace_file, require_writable, versions
from evaluation.rows import find_row, untaught
from evaluation.run import parse_seeds, real_folder, settings_of
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split
from recsys.errors import RecsysError, refuse
from recsys.models import make_model

METRICS = ("recall@10", "ndcg@10")

PerUser = npt.NDArray[np.float64]
"""Values (n_users, metrics), averaged over seeds."""


def judge_variant(
    data: Dataset,
    split: Split,
    settings: Mapping[str, Any],
    flags: Sequence[str],
    judged: Mapping[str, Rules],
    seeds: Sequence[int],
) -> dict[str, PerUser]:
    """Fit the LSTM once a seed and judge it by each of these rules; `flags` are `name=value` on top of the settings."""
    values: dict[str, list[PerUser]] = {name: [] for name in judged}
    for seed in seeds:
        model = make_model("lstm", settings_of("lstm", flags, seed, base=settings)).fit(data, split)
        for name, rules in judged.items():
            found = evaluate(model, split, METRICS, rules=rules)
            values[name].append(np.stack([found.per_user[metric] for metric in METRICS], axis=1))
    return {name: np.mean(by_seed, axis=0) for name, by_seed in values.items()}


def means(values: PerUser) -> dict[str, float]:
    """Average each metric over users."""
    return dict(zip(METRICS, values.mean(axis=0).tolist(), strict=True))


def gains(values: PerUser, over: PerUser) -> dict[str, dict[str, float]]:
    """Return by how much each metric is higher, with the paired bootstrap interval (95 %) over the same users."""
    return {
        metric: {"value": one.value, "low": one.low, "high": one.high}
        for metric, one in zip(METRICS, paired_differences(values, over), strict=True)
    }


def parser_of(description: str | None, *, folder: str, data: str) -> argparse.ArgumentParser:
    """Make a command line with what every comparison of variants asks for."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", default=data, help="short name of a public data set")
    parser.add_argument("--seeds", default="0,1,2", help="for example 0,1,2")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the LSTM")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", type=Path, default=FOLDER / folder, help="where the result file goes")
    return parser


def compare_variants(
    options: argparse.Namespace,
    measure: Callable[[Dataset, Split, Mapping[str, Any], tuple[int, ...]], dict[str, Any]],
    words: Sequence[str],
) -> int:
    """Load the data, measure, and write what came out as one JSON file; returns the exit code.

    `measure` gets data, split, the row's settings without teachers and linear part, and the seeds; `words` are the
    command without what all share.
    """
    try:
        require_writable(options.out)
        row, seeds = find_row(options.data, "lstm"), parse_seeds(options.seeds)
        data, split = load(options.data, real_folder(options.real))
        commit()  # of the code that runs, whatever is committed meanwhile
        measured = measure(data, split, untaught(row), seeds)
    except RecsysError as error:
        return refuse(error)
    command = [*words, "--data", options.data, "--seeds", options.seeds]
    for setting in options.set:
        command += ["--set", setting]
    result = {
        "data": options.data,
        "seeds": list(seeds),
        "command": shlex.join(command),
        "commit": commit(),
        "versions": versions(),
        **measured,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{file_stem(options.data)}.json"
    replace_file(path, (json.dumps(result, indent=2) + "\n").encode())
    print(f"→ {path}")
    return 0
