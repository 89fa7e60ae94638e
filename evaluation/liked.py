"""Measure what `disliked_weight` does: whether the recommended titles are liked.

    python -m evaluation.liked --data ml100k --liked 4

The LSTM is fitted once a weight and a seed, with the settings of its published row (but for teachers and linear part),
and judged twice on the test part: on all held-out titles, and on those alone that were rated `--liked` or more.
Differences are to the first weight, on the same users (paired bootstrap, 95 %).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.protocol import Rules
from evaluation.variants import PerUser, compare_variants, gains, judge_variant, means, parser_of
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split


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
    first: dict[str, PerUser] = {}
    for weight in weights:
        weighed = [*flags, f"liked_from={liked}", f"disliked_weight={weight}"]
        values = judge_variant(data, split, settings, weighed, judged, seeds)
        first = first or values
        row: dict[str, Any] = {"disliked_weight": weight}
        for name in judged:
            row |= {f"{name}_users": len(values[name]), name: means(values[name])}
            if values is not first:
                row[f"{name}_gain"] = gains(values[name], first[name])
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement; returns the exit code."""
    parser = parser_of(__doc__, folder="liked", data="ml100k")
    parser.add_argument("--liked", type=float, default=4.0, help="rating from which a title counts as liked")
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0, 0.5, 0.0], help="of titles rated lower")
    options = parser.parse_args(arguments)

    def measured(data: Dataset, split: Split, settings: Mapping[str, Any], seeds: tuple[int, ...]) -> dict[str, Any]:
        given = {"liked": options.liked, "weights": options.weights, "seeds": seeds}
        return {"liked_from": options.liked, "weights": measure(data, split, settings, options.set, **given)}

    words = ["python", "-m", "evaluation.liked", "--liked", f"{options.liked:g}"]
    words += ["--weights", *(f"{weight:g}" for weight in options.weights)]
    return compare_variants(options, measured, words)


if __name__ == "__main__":
    sys.exit(main())
