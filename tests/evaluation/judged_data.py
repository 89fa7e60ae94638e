"""Make small result files with their ranks, as a run of the judge leaves them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from evaluation.metrics import compute, parse_metric
from evaluation.ranks import NEVER, Ranks

Rows = Sequence[Sequence[int | None]]
"""The ranks of each user's targets; None: never recommended."""


def write_judged(
    folder: Path,
    model: str,
    ranks: Mapping[int, Rows],
    *,
    metrics: Sequence[str] = ("recall@10", "ndcg@10"),
    **changes: Any,
) -> Path:
    """Write the result of a model with the ranks of each seed; `changes` replace fields, those of the protocol too."""
    n_users = len(next(iter(ranks.values())))
    by_seed = [Ranks.from_lists([[NEVER if rank is None else rank for rank in row] for row in ranks[s]]) for s in ranks]
    seed_values = {name: [float(compute(parse_metric(name), one).mean()) for one in by_seed] for name in metrics}
    protocol = {
        "split": "leave-last-1-out",
        "part": "test",
        "n_users": n_users,
        "n_titles": 1000,
        "candidates": "all titles",
        "seen": "excluded",
        "ties": "behind",
    }
    result = {
        "data": "tiny",
        "data_title": "Tiny",
        "protocol": {name: changes.pop(name, value) for name, value in protocol.items()},
        "split_sha256": "ab" * 32,
        "model": model,
        "config": {},
        "seeds": list(ranks),
        "command": f"python -m evaluation.run --data tiny --model {model}",
        "commit": "unknown",
        "versions": {},
        "train_seconds": 1.0,
        "serve_seconds": 0.1,
        "peak_memory_mb": 100.0,
        "metrics": {
            name: {"value": sum(values) / len(values), "low": None, "high": None}
            for name, values in seed_values.items()
        },
        "seed_values": seed_values,
        "training": [],
        **changes,
    }
    path = folder / f"{result['data']}--{model}.json"
    (folder / "ranks").mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result))
    rows = [
        (seed, user, rank, 5, 3)
        for seed, lists in ranks.items()
        for user, targets in enumerate(lists)
        for rank in targets
    ]
    schema = ["seed", "user", "rank", "history", "watchers"]
    frame = pl.DataFrame(rows, schema=schema, orient="row").cast(dict.fromkeys(schema, pl.Int64))
    frame.write_parquet(folder / "ranks" / f"{path.stem}.parquet")
    return path
