"""Time cold processes: a recommendation by a saved LSTM, against TensorFlow's import alone; and the help.

    python -m evaluation.benchmarks.cold_start [--model MODEL]

The three commands alternate in one run, after one round that is not counted; medians are compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from evaluation.benchmarks.measure import RESULTS, Measure, run_child, write_benchmark
from recsys.errors import RecsysError, refuse

if TYPE_CHECKING:
    from recsys.dataset.prepared import Dataset

RECSYS = [sys.executable, "-c", "from recsys.cli.app import main; main()"]
"""What the console script `recsys` does, with this very interpreter."""

ML1M_SIZE = (6_040, 3_416, 165)
"""Users, titles and events a user of the data that the model is made for when none is given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--model", type=Path, help="saved LSTM (default: one epoch on synthetic data of ML-1M's size)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command is timed")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = options.model or make_model_folder(Path(folder) / "model", *ML1M_SIZE)
            runs = alternate(commands(model), options.rounds)
    except RecsysError as error:
        return refuse(error)
    measures, ratios = summarise(runs)
    command = "python -m evaluation.benchmarks.cold_start" + (" --model MODEL" if options.model else "")
    path = write_benchmark("cold_start", command, measures, ratios, options.out)
    print(*(f"{name}: {value:.3f}" for name, value in ratios.items()), f"→ {path}", sep="\n")
    return 0


def commands(model: Path) -> dict[str, list[str]]:
    """List the commands to be timed, by name."""
    import polars as pl

    user = pl.read_parquet(model / "users.parquet", n_rows=1)["user_id"][0]
    return {
        "recommend": [*RECSYS, "recommend", str(model), "--user", str(user), "-k", "10"],
        "import tensorflow": [sys.executable, "-c", "import tensorflow"],
        "help": [*RECSYS, "--help"],
    }


def alternate(timed: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Measure]]:
    """Run every command once a round, so that a busy minute of the machine meets all of them."""
    runs: dict[str, list[Measure]] = {name: [] for name in timed}
    for turn in range(rounds + 1):
        for name, argv in timed.items():
            measure = run_child(argv)
            if turn:  # the first round fills the disk cache and writes byte code
                runs[name].append(measure)
    return runs


def summarise(runs: Mapping[str, Sequence[Measure]]) -> tuple[dict[str, Any], dict[str, float]]:
    """Reduce the runs to medians, and the ratio that the bar is set on."""
    measures: dict[str, Any] = {
        name: {
            "seconds": round(median(run.seconds for run in of_one), 4),
            "peak_memory_mb": round(max(run.peak_memory_mb for run in of_one), 1),
            "runs": [round(run.seconds, 4) for run in of_one],
        }
        for name, of_one in runs.items()
    }
    tensorflow = measures["import tensorflow"]["seconds"]
    return measures, {"recommend / import tensorflow": round(measures["recommend"]["seconds"] / tensorflow, 4)}


def make_model_folder(folder: Path, n_users: int, n_titles: int, length: int, settings: Sequence[str] = ()) -> Path:
    """Fit an LSTM for one epoch on synthetic histories and save it: its size matters here, not what it knows."""
    from recsys.models import make_model, model_class

    config = model_class("lstm").Config.from_flags([*settings, "epochs=1"])
    model = make_model("lstm", config.to_mapping())
    return model.fit(_synthetic(n_users, n_titles, length), progress=True).save(folder)


def _synthetic(n_users: int, n_titles: int, length: int) -> Dataset:
    """Build a data set of random histories without repeats."""
    import numpy as np
    import polars as pl

    from recsys.dataset.catalogue import Catalogue
    from recsys.dataset.histories import Histories
    from recsys.dataset.prepared import Dataset, Order
    from recsys.dataset.vocabulary import FIRST, Vocabulary

    rng = np.random.default_rng(0)
    rows = [rng.choice(n_titles, length, replace=False) + FIRST for _ in range(n_users)]
    users, items = Vocabulary(np.arange(1, n_users + 1)), Vocabulary(np.arange(1, n_titles + 1))
    histories = Histories.from_lists([row.tolist() for row in rows], users=list(range(FIRST, users.n_codes)))
    genres = [[f"Genre {number % 18}"] for number in range(n_titles)]
    titles = pl.DataFrame({"anime_id": items.ids, "genres": genres})
    return Dataset("synthetic", histories, users, items, Catalogue(titles), Order.LISTED)


if __name__ == "__main__":
    sys.exit(main())
