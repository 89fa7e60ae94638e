"""Measure what judging costs beside the scoring that it needs.

    python -m evaluation.benchmarks.judge [--users 73516] [--titles 12294] [--rounds 3]

The scorer is matrix factorisation at its quickest: known factors of people times those of titles, 64 wide. In turn,
in one process: scoring alone; scoring, ranks and every accuracy metric at five cut-offs; scoring, ranks, top-20 lists
and every metric of lists at 10. The median of the rounds counts. The bar is 2: judging within twice the scoring.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.benchmarks.export import make_dataset
from evaluation.benchmarks.generate import MEAN_LENGTH, N_TITLES, N_USERS, history_lengths
from evaluation.benchmarks.measure import RESULTS, write_benchmark
from evaluation.lists import Lists
from evaluation.metrics import CATALOGUE_METRICS, RANK_METRICS, USER_LIST_METRICS, available, compute, metrics_at
from evaluation.ranks import BATCH, rank_holdout
from evaluation.run import peak_memory_mb
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST

CUTOFFS = (1, 5, 10, 20, 50)
WIDTH = 64
DEPTH, LISTS_AT = 20, 10


class Factors:
    """Score by the product of a person's factors with every title's, as an ALS model does for people it knows."""

    def __init__(self, n_users: int, n_codes: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.users = rng.standard_normal((n_users, WIDTH), dtype=np.float32)
        self.items = rng.standard_normal((n_codes, WIDTH), dtype=np.float32)

    def scores(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return (n_users, n_codes)."""
        product: npt.NDArray[np.float32] = self.users[histories.users - FIRST] @ self.items.T
        return product


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write `results/benchmarks/judge.json`; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--users", type=int, default=N_USERS, help="how many people are judged, one target each")
    parser.add_argument("--titles", type=int, default=N_TITLES, help="how many titles are ranked for each")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs; the median counts")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    options = parser.parse_args(arguments)
    n_events = options.users * min(
        MEAN_LENGTH, options.titles // 8
    )  # no history is longer than a quarter of the titles
    lengths = history_lengths(options.users, options.titles, n_events, np.random.default_rng(0))
    data = make_dataset(lengths, options.titles)
    seconds = measure(data, last_out(data.histories), options.rounds)
    measures: dict[str, Any] = {
        **{name: round(taken, 3) for name, taken in seconds.items()},
        "peak_memory_mb": round(peak_memory_mb(), 1),
        "users": options.users,
        "titles": options.titles,
        "cutoffs": list(CUTOFFS),
    }
    ratios = {f"{name} / scoring": round(taken / seconds["scoring"], 2) for name, taken in seconds.items()}
    del ratios["scoring / scoring"]
    command = (
        f"python -m evaluation.benchmarks.judge --users {options.users} --titles {options.titles} "
        f"--rounds {options.rounds}"
    )
    path = write_benchmark("judge", command, measures, ratios, options.out)
    print(measures, ratios, f"→ {path}", sep="\n")
    return 0


def last_out(histories: Histories) -> Holdout:
    """Take each user's last event as the target, and every other event of another title as what the model is shown."""
    targets = histories.last(1)
    return Holdout(histories.keep_events(histories.items != targets.items[histories.rows]), targets)


def measure(data: Dataset, holdout: Holdout, rounds: int) -> dict[str, float]:
    """Return the median seconds of scoring, of judging accuracy, and of judging lists as well."""
    model = Factors(holdout.n_users, data.n_codes)

    def score() -> None:
        for batch in holdout.inputs.batches(BATCH):
            model.scores(batch)

    def judge_accuracy() -> None:
        ranks = rank_holdout(model, holdout).ranks
        for metric in metrics_at(RANK_METRICS, CUTOFFS):
            compute(metric, ranks)

    def judge_lists() -> None:
        ranked = rank_holdout(model, holdout, depth=DEPTH)
        lists = Lists.of(
            ranked.lists, holdout, n_titles=ranked.n_titles, train=holdout.inputs, catalogue=data.catalogue
        )
        for name in available(data.catalogue):
            (USER_LIST_METRICS.get(name) or CATALOGUE_METRICS[name])(lists, LISTS_AT)

    tasks: dict[str, Callable[[], None]] = {"scoring": score, "accuracy": judge_accuracy, "lists": judge_lists}
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            taken[name].append(time.perf_counter() - began)
    return {name: median(times) for name, times in taken.items()}


if __name__ == "__main__":
    sys.exit(main())
