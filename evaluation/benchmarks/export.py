"""Time the export of everybody's list by a stacked LSTM, in a process of its own, and its peak memory.

    python -m evaluation.benchmarks.export [--users 73516] [--titles 12294] [-k 10]

Two generated data sets: "usual" has the history lengths of the Kaggle table, in "worst" everybody fills the window of
100 events. The LSTM (default settings: 2 layers of 128) has seen one batch of users: its size matters here, not what
it knows. Seconds are those of the whole command, start and loading included.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.benchmarks.generate import GENRES, MEAN_LENGTH, N_TITLES, N_USERS, UNRATED_SHARE, history_lengths
from evaluation.benchmarks.measure import RESULTS, Measure, run_child, write_benchmark
from recsys.errors import RecsysError, refuse

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from recsys.dataset.prepared import Dataset

WINDOW = 100
MIN_USERS_PER_SECOND, MAX_MEMORY_MB = 2500, 1500
"""The bars, for two cores."""

N_TRAINED = 128
"""How many users the model is fitted on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--users", type=int, default=N_USERS, help="how many people")
    parser.add_argument("--titles", type=int, default=N_TITLES, help="how many titles")
    parser.add_argument("-k", type=int, default=10, help="how many titles a person gets")
    parser.add_argument("--format", default="parquet", help="format of the exported file")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    options = parser.parse_args(arguments)
    measures: dict[str, Any] = {}
    try:
        for name, lengths in history_kinds(options.users, options.titles).items():
            with tempfile.TemporaryDirectory() as folder:
                model = save_model(Path(folder) / "model", make_dataset(lengths, options.titles))
                run = run_child(export_command(model, Path(folder) / f"recs.{options.format}", options.k))
            measures[name] = summarise(run, options.users, int(lengths.sum()))
            print(f"{name}: {measures[name]}", flush=True)
    except RecsysError as error:
        return refuse(error)
    usual = measures["usual"]
    ratios = {
        f"users a second / {MIN_USERS_PER_SECOND}": round(usual["users_per_second"] / MIN_USERS_PER_SECOND, 4),
        f"peak memory / {MAX_MEMORY_MB} MB": round(usual["peak_memory_mb"] / MAX_MEMORY_MB, 4),
    }
    command = f"python -m evaluation.benchmarks.export --users {options.users} --titles {options.titles} -k {options.k}"
    path = write_benchmark("export", command, measures, ratios, options.out)
    print(*(f"{name}: {value:.3f}" for name, value in ratios.items()), f"→ {path}", sep="\n")
    return 0


def history_kinds(n_users: int, n_titles: int, seed: int = 0) -> dict[str, npt.NDArray[np.int64]]:
    """Draw the history lengths of the two data sets."""
    import numpy as np

    usual = history_lengths(n_users, n_titles, MEAN_LENGTH * n_users, np.random.default_rng(seed))
    return {"usual": usual, "worst": np.full(n_users, WINDOW)}


def make_dataset(lengths: npt.NDArray[np.int64], n_titles: int, seed: int = 0) -> Dataset:
    """Build a rated data set without order, as the Kaggle table is, of histories of these lengths.

    Titles are drawn by a long-tailed popularity; that a person may have one twice makes no difference to speed.
    """
    import numpy as np
    import polars as pl

    from recsys.dataset.catalogue import Catalogue
    from recsys.dataset.histories import Histories
    from recsys.dataset.prepared import Dataset, Order
    from recsys.dataset.vocabulary import FIRST, Vocabulary

    rng = np.random.default_rng(seed)
    n_events = int(lengths.sum())
    popularity = rng.lognormal(0, 2, n_titles)
    drawn = rng.choice(n_titles, n_events, p=popularity / popularity.sum())
    ratings = rng.integers(1, 11, n_events).astype(np.float32)
    ratings[rng.random(n_events) < UNRATED_SHARE] = np.nan
    users, items = Vocabulary(np.arange(1, len(lengths) + 1)), Vocabulary(np.arange(1, n_titles + 1))
    histories = Histories(
        np.concatenate([[0], np.cumsum(lengths)]),
        (drawn + FIRST).astype(np.int32),
        ratings,
        users=np.arange(FIRST, users.n_codes, dtype=np.int32),
    )
    genres = [rng.choice(GENRES, size, replace=False).tolist() for size in rng.integers(1, 6, n_titles)]
    titles = pl.DataFrame(
        {"anime_id": items.ids, "title": [f"Title {number}" for number in items.ids], "genres": genres}
    )
    return Dataset("generated", histories, users, items, Catalogue(titles), Order.NONE)


def save_model(folder: Path, data: Dataset) -> Path:
    """Fit an LSTM of default size on a few users for one epoch, and save it with everybody's histories."""
    from recsys.dataset.split import Holdout, Split
    from recsys.models import make_model

    train, one = data.histories.select(slice(0, N_TRAINED)), data.histories.select(slice(0, 1))
    few = Split("benchmark", train, Holdout(one.last(2), one.last(1)), Holdout(one, one))
    return make_model("lstm", {"epochs": 1, "window": WINDOW}).fit(data, few).save(folder)


def export_command(model: Path, out: Path, k: int) -> list[str]:
    """Return what is timed: the console script `recsys`, with this very interpreter."""
    return [sys.executable, "-m", "recsys", "export", str(model), "--out", str(out), "-k", str(k)]


def summarise(run: Measure, n_users: int, n_events: int) -> dict[str, Any]:
    """Reduce a run to what is reported."""
    return {
        "users_per_second": round(n_users / run.seconds, 1),
        "peak_memory_mb": round(run.peak_memory_mb, 1),
        "seconds": round(run.seconds, 2),
        "n_users": n_users,
        "n_events": n_events,
    }


if __name__ == "__main__":
    sys.exit(main())
