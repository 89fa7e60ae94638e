"""Say which text classifiers differ, on the same texts, and how sure that is.

    python -m evaluation.text.compare imdb--imdb-best imdb--tfidf-logistic

The first result is compared with each of the others.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.certainty import TOLERANCE
from evaluation.contenders import find_results
from evaluation.result_files import FOLDER
from evaluation.text.results import read_predictions
from evaluation.text.sampling import bounds, draw_sums, sum_by_unit, units_of
from recsys.errors import InputError, RecsysError, refuse

UNCLEAR = "no clear difference"


class AccuracyGap(NamedTuple):
    """Hold by how much one result's accuracy is above another's on the same texts.

    The bounds are of the 95 % interval of the difference; `wins` and `losses` count the texts that the first one, seeds
    averaged, does better and worse.
    """

    one: str
    other: str
    accuracy: float
    other_accuracy: float
    value: float
    low: float
    high: float
    wins: int
    losses: int

    @property
    def verdict(self) -> str:
        """Name the better one where the interval leaves out zero; else neither."""
        if self.low <= TOLERANCE and self.high >= -TOLERANCE:
            return UNCLEAR
        return f"{self.one if self.low > 0 else self.other} is better"


@dataclass(frozen=True, eq=False)
class Judged:
    """Hold one result and which test texts it got right, seeds averaged, (n_texts,)."""

    label: str
    result: dict[str, Any]
    correct: npt.NDArray[np.float64]
    groups: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.correct)


def read_judged(path: str | Path) -> Judged:
    """Read a result with its predictions."""
    result, frame = read_predictions(path)
    right = (pl.col("truth") == pl.col("predicted")).cast(pl.Float64).mean().alias("right")
    kept = [pl.col("group").first()] if "group" in frame.columns else []
    by_text = frame.group_by("row").agg(right, *kept).sort("row")
    groups = by_text["group"].to_numpy() if kept else None
    return Judged(str(result["model"]), result, by_text["right"].to_numpy(), groups)


def accuracy_gap(one: Judged, other: Judged, *, seed: int = 0) -> AccuracyGap:
    """Compare two results text by text: the paired bootstrap, in which texts of one group are drawn together.

    What makes a text easy or hard for both cancels out. Raises InputError where they were judged on different texts.
    """
    if one.result["split_sha256"] != other.result["split_sha256"]:
        raise InputError(
            f"{one.label} and {other.label} were judged on different texts ({one.result['split_sha256'][:12]}… and "
            f"{other.result['split_sha256'][:12]}…).",
            "Run the older one again.",
        )
    difference = one.correct - other.correct
    units, n_units = units_of(one)
    columns = np.stack([difference, np.ones(len(one))], axis=1)
    sums = draw_sums(sum_by_unit(columns, units, n_units), seed=seed)
    return AccuracyGap(
        one.label,
        other.label,
        float(one.correct.mean()),
        float(other.correct.mean()),
        float(difference.mean()),
        *bounds(sums[:, 0] / sums[:, 1]),
        int((difference > TOLERANCE).sum()),
        int((difference < -TOLERANCE).sum()),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.text.compare", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("result", nargs="+", help="result files, or their names in the folder: imdb--imdb-lstm")
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of results (default: evaluation/results)")
    options = parser.parse_args(arguments)
    try:
        if len(options.result) < 2:
            raise InputError("At least 2 results are needed, got 1.", "Name another one.")
        first, *others = [read_judged(path) for path in find_results(options.result, options.results)]
        gaps = [accuracy_gap(first, other) for other in others]
    except RecsysError as error:
        return refuse(error)
    for gap in gaps:
        print(
            f"{gap.one} {gap.accuracy:.4f}, {gap.other} {gap.other_accuracy:.4f}: {gap.value:+.4f} "
            f"(95 % {gap.low:+.4f} to {gap.high:+.4f}), better on {gap.wins:,} texts, worse on {gap.losses:,}: "
            f"{gap.verdict}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
