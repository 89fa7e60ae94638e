"""Measure what the time of a request tells: the time-blind track beside the time-aware one.

    python -m evaluation.tracks --data ml100k

A system that answers knows when it is asked, so a model may read how long the person has waited since the last event.
It is told nothing else of what is watched then. The LSTM is fitted with the settings of its published row (but for
teachers and linear part), without and with that input (`--width`), and judged on the test part: the first with request
times hidden, the second with times told, and hidden. Differences are to the first, on the same users (paired
bootstrap, 95 %).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.protocol import Rules
from evaluation.variants import compare_variants, gains, judge_variant, means, parser_of
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split

BLIND, AWARE, UNTOLD = "time-blind", "time-aware", "time-aware, times hidden"


def measure(
    data: Dataset,
    split: Split,
    settings: Mapping[str, Any],
    flags: Sequence[str] = (),
    *,
    width: int,
    seeds: Sequence[int],
) -> list[dict[str, Any]]:
    """Fit and judge both; returns one row a track, metrics averaged over users and seeds.

    `flags` are `name=value` settings on top of the mapping, `width` that of the embedding of the wait.

    Raises InputError where the data has no times, before anything is fitted.
    """
    told = Rules(request_times="told")
    told.targets_of(split.test)
    values = judge_variant(data, split, settings, [*flags, "wait_dim=0"], {BLIND: Rules()}, seeds)
    reading = {AWARE: told, UNTOLD: Rules()}
    values |= judge_variant(data, split, settings, [*flags, f"wait_dim={width}"], reading, seeds)
    rows = []
    for name, found in values.items():
        row: dict[str, Any] = {"track": name, "users": len(found), **means(found)}
        if name != BLIND:
            row["gain"] = gains(found, values[BLIND])
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement; returns the exit code."""
    parser = parser_of(__doc__, folder="tracks", data="ml100k")
    parser.add_argument("--width", type=int, default=16, help="width of the embedding of the wait")
    options = parser.parse_args(arguments)

    def measured(data: Dataset, split: Split, settings: Mapping[str, Any], seeds: tuple[int, ...]) -> dict[str, Any]:
        return {"tracks": measure(data, split, settings, options.set, width=options.width, seeds=seeds)}

    return compare_variants(options, measured, ["python", "-m", "evaluation.tracks", "--width", str(options.width)])


if __name__ == "__main__":
    sys.exit(main())
