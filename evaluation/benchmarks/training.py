"""Measure how long the LSTM learns until it is within 1 % of its best validation, by default NDCG@10.

    python -m evaluation.benchmarks.training [--data ml1m] [--seed 0] [--set epochs=16] [--folder FOLDER]

The settings are those of the data set's published row, without teachers and linear part: one network, trained once
(of a row whose teachers differ from the network, a teacher). The seconds of an
epoch include its validation. With `--folder` the training is kept there; an interrupted one goes on, and what was done
before counts with the seconds it took then.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks.measure import RESULTS, write_benchmark
from evaluation.recipes import load
from evaluation.result_files import require_writable
from evaluation.rows import find_row, untaught
from evaluation.run import real_folder, settings_of
from recsys.errors import RecsysError, refuse
from recsys.models.lstm.recommender import LSTMRecommender

NEAR = 0.99
"""The share of the best validation that is waited for."""
BAR_MINUTES = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, print and write `results/benchmarks/training.json`; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", default="ml1m", help="short name of a public data set")
    parser.add_argument("--seed", type=int, default=0, help="seed of the training")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the LSTM")
    parser.add_argument("--folder", type=Path, help="where the training is kept, to go on after an interruption")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    options = parser.parse_args(arguments)
    try:
        row = find_row(options.data, "lstm")
        settings = settings_of("lstm", options.set, options.seed, base=untaught(row))
        config = LSTMRecommender.Config.from_mapping(settings)
        require_writable(options.out)
        data, split = load(options.data, real_folder(options.real))
        model = LSTMRecommender(config, workdir=options.folder, resume=options.folder is not None)
        model.fit(data, split, progress=True)
    except RecsysError as error:
        return refuse(error)
    measures = {"data": options.data, **cost(model.epochs, config.monitor)}
    ratios = {f"minutes to {NEAR:.0%} of the best / {BAR_MINUTES:.0f}": measures["minutes_to_99_%"] / BAR_MINUTES}
    words = ["python", "-m", "evaluation.benchmarks.training", "--data", options.data, "--seed", str(options.seed)]
    for setting in options.set:
        words += ["--set", setting]
    path = write_benchmark("training", shlex.join(words), measures, ratios, options.out)
    print(measures, ratios, f"→ {path}", sep="\n")
    return 0


def cost(epochs: Sequence[Mapping[str, Any]], monitor: str = "ndcg@10") -> dict[str, Any]:
    """Say after how many epochs and minutes a training came near its best validation, and what all of it took.

    >>> found = cost([{"val_ndcg@10": value, "seconds": 60.0} for value in (0.1, 0.199, 0.2, 0.19)])
    >>> found["epochs_to_99_%"], found["minutes_to_99_%"], found["minutes"], found["best"]
    (2, 2.0, 4.0, 0.2)
    """
    values = [float(epoch[f"val_{monitor}"]) for epoch in epochs]
    best = max(values)
    near = next(number for number, value in enumerate(values, start=1) if value >= NEAR * best)
    return {
        "best": best,
        "epochs": len(epochs),
        "minutes": sum(epoch["seconds"] for epoch in epochs) / 60,
        "epochs_to_99_%": near,
        "minutes_to_99_%": sum(epoch["seconds"] for epoch in epochs[:near]) / 60,
    }


if __name__ == "__main__":
    sys.exit(main())
