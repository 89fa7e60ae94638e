"""Measure `recsys prepare` on a table of 7.8 million rows against polars reading and sorting the same file.

    python -m evaluation.benchmarks.prepare

Both run as processes of their own, in turn, several times; the median of the seconds and the largest peak count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from evaluation.benchmarks.generate import generate
from evaluation.benchmarks.measure import Measure, run_child, write_benchmark

SORT = "import sys, polars; polars.read_csv(sys.argv[1]).sort('user_id')"
PREPARE = "from recsys.cli.app import main; main()"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write `results/benchmarks/prepare.json`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, help="folder with rating.csv and anime.csv; generated when not there")
    parser.add_argument("--runs", type=int, default=5, help="how often each command runs")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch) / "data"
        if not (data / "rating.csv").is_file():
            print(f"Generating {data / 'rating.csv'} …")
            generate(data)
        sorting, preparing = measure(data, Path(scratch), options.runs)
    ratios = {"prepare_to_sort_seconds": round(_seconds(preparing) / _seconds(sorting), 2)}
    measures = {"polars_read_and_sort": _facts(sorting), "recsys_prepare": _facts(preparing)}
    path = write_benchmark("prepare", "python -m evaluation.benchmarks.prepare", measures, ratios)
    for name, facts in measures.items():
        print(f"{name}: {facts['seconds']} s, {facts['peak_memory_mb']} MB")
    print(f"ratio: {ratios['prepare_to_sort_seconds']}, written to {path}")


def measure(data: Path, scratch: Path, runs: int) -> tuple[list[Measure], list[Measure]]:
    """Run both commands in turn, so that whatever else the machine does falls on both."""
    sorting, preparing = [], []
    for run in range(runs):
        sorting.append(run_child([sys.executable, "-c", SORT, str(data / "rating.csv")]))
        out = str(scratch / f"prepared-{run}")
        preparing.append(run_child([sys.executable, "-c", PREPARE, "prepare", str(data), "--out", out]))
    return sorting, preparing


def _seconds(runs: Sequence[Measure]) -> float:
    return median(run.seconds for run in runs)


def _facts(runs: Sequence[Measure]) -> dict[str, Any]:
    return {
        "seconds": round(_seconds(runs), 3),
        "all_seconds": [round(run.seconds, 3) for run in runs],
        "peak_memory_mb": round(max(run.peak_memory_mb for run in runs), 1),
    }


if __name__ == "__main__":
    main()
