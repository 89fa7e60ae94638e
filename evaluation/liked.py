"""Measure what `disliked_weight` does: whether the recommended titles are liked.

    python -m evaluation.liked --data ml100k --liked 4

The LSTM is fitted once a weight and a seed, with the settings of its published row, and judged twice on the test part:
on all held-out titles, and on those alone that were rated `--liked` or more. Differences are to the first
weight, on the same users (paired bootstrap, 95 %).
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.certainty import paired_differences
from evaluation.judge import evaluate
from evaluation.protocol import Rules
from evaluation.recipes import load
from evaluation.result_files import FOLDER, commit, file_stem, replace_file, require_writable, versions
from evaluation.rows import find_row
from evaluation.run import REFUSED, parse_seeds, real_folder, settings_of
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split
from recsys.errors import RecsysError
from recsys.models import make_model

METRICS = ("recall@10", "ndcg@10")


def measure(
    data: Dataset,
    split: Split,
    settings: Mapping[str, Any],
    flags: Sequence[str] = (),
    *,
    liked: float,
    weights: Sequence[float],
    seeds: Sequence[int],
) -> list[dict[str, Any]]:
    """Fit and judge each weight; returns one row a weight, metrics averaged over users and seeds.

    `flags` are `name=value` settings on top of the mapping.

    Raises InputError where the data has no ratings, or no held-out one so high, before anything is fitted.
    """
    judged = {"all": Rules(), "liked": Rules(liked=liked)}
    judged["liked"].targets_of(split.test)
    rows: list[dict[str, Any]] = []
    first: dict[str, npt.NDArray[np.float64]] = {}
    for weight in weights:
        weighed = [*flags, f"liked_from={liked}", f"disliked_weight={weight}"]
        values: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in judged}
        for seed in seeds:
            model = make_model("lstm", settings_of("lstm", weighed, seed, base=settings)).fit(data, split)
            for name, rules in judged.items():
                found = evaluate(model, split, METRICS, rules=rules)
                values[name].append(np.stack([found.per_user[metric] for metric in METRICS], axis=1))
        row: dict[str, Any] = {"disliked_weight": weight}
        for name, by_seed in values.items():
            mean = np.mean(by_seed, axis=0)  # (users, metrics)
            row[f"{name}_users"] = len(mean)
            row[name] = dict(zip(METRICS, mean.mean(axis=0).tolist(), strict=True))
            if rows:
                differences = paired_differences(mean, first[name])
                row[f"{name}_gain"] = {
                    metric: {"value": one.value, "low": one.low, "high": one.high}
                    for metric, one in zip(METRICS, differences, strict=True)
                }
            else:
                first[name] = mean
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", default="ml100k", help="short name of a public data set with ratings")
    parser.add_argument("--liked", type=float, default=4.0, help="rating from which a title counts as liked")
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0, 0.5, 0.0], help="of titles rated lower")
    parser.add_argument("--seeds", default="0,1,2", help="for example 0,1,2")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the LSTM")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", type=Path, default=FOLDER / "liked", help="where the result file goes")
    options = parser.parse_args(arguments)
    try:
        require_writable(options.out)
        row = find_row(options.data, "lstm")
        seeds = parse_seeds(options.seeds)
        data, split = load(options.data, real_folder(options.real))
        given = {"liked": options.liked, "weights": options.weights, "seeds": seeds}
        rows = measure(data, split, row.settings, options.set, **given)
    except RecsysError as error:
        print(f"Error: {error.message}\n{error.hint}".rstrip(), file=sys.stderr)
        return REFUSED
    words = ["python", "-m", "evaluation.liked", "--data", options.data, "--liked", f"{options.liked:g}"]
    words += ["--weights", *(f"{weight:g}" for weight in options.weights), "--seeds", options.seeds]
    for setting in options.set:
        words += ["--set", setting]
    result = {
        "data": options.data,
        "liked_from": options.liked,
        "seeds": list(seeds),
        "command": shlex.join(words),
        "commit": commit(),
        "versions": versions(),
        "weights": rows,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{file_stem(options.data)}.json"
    replace_file(path, (json.dumps(result, indent=2) + "\n").encode())
    print(f"→ {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
