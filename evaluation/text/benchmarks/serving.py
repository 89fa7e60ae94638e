"""Time a text classifier's answers: how many a second, and how soon the first one comes from a cold process.

    python -m evaluation.text.benchmarks.serving [--model MODEL] [--recipe imdb-lstm]

Every text has 500 tokens, as many as the film-review recipes read; cleaning and tokenizing count. The cold commands
alternate in one run, after one round that is not counted, and `predict` is refused if it imports TensorFlow.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from evaluation.benchmarks.cold_start import RECSYS, alternate
from evaluation.benchmarks.measure import RESULTS, run_child, write_benchmark
from recsys.errors import RecsysError, refuse
from recsys.text.corpus import Corpus
from recsys.text.recipes import recipe

N_TOKENS = 500
MIN_PER_SECOND = 1500
"""The bar, for two cores."""
N_WORDS, N_TRAINED = 5_000, 256
HEAVY = ("tensorflow", "keras", "polars")
TELL = f"""
import sys
from recsys.cli.app import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print([name for name in {HEAVY} if name in sys.modules])
"""
"""What `RECSYS` does, and then which of the heavy packages it has imported."""
TEXT = "Not a minute of it is wasted."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--model", type=Path, help="saved text model (default: the recipe, trained on invented texts)")
    parser.add_argument("--recipe", default="imdb-lstm", help="which network is trained when no model is given")
    parser.add_argument("--texts", type=int, default=6000, help="how many are answered in a round")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed; the medians count")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = options.model or train(Path(folder) / "model", options.recipe)
            rate = per_second(model, options.texts, options.rounds)
            cold = cold_seconds(model, options.rounds)
    except RecsysError as error:
        return refuse(error)
    measures: dict[str, Any] = {"texts_per_second": rate, "tokens": N_TOKENS, **cold}
    ratios = {
        f"texts a second / {MIN_PER_SECOND}": round(rate / MIN_PER_SECOND, 4),
        "predict / import tensorflow": round(cold["predict_seconds"] / cold["import_tensorflow_seconds"], 4),
    }
    which = "--model MODEL" if options.model else f"--recipe {options.recipe}"
    command = f"python -m evaluation.text.benchmarks.serving {which}"
    path = write_benchmark("text_serving", command, measures, ratios, options.out)
    print(measures, *(f"{name}: {value:.3f}" for name, value in ratios.items()), f"→ {path}", sep="\n")
    return 0


def invent(n_texts: int, n_tokens: int, seed: int = 0) -> Corpus:
    """Write texts of so many words, the frequent ones often, that tell nothing of their class."""
    rng = np.random.default_rng(seed)
    ranks = np.minimum(rng.zipf(1.3, (n_texts, n_tokens)), N_WORDS)
    texts = [" ".join(f"word{rank}" for rank in row) for row in ranks.tolist()]
    return Corpus(texts, (np.arange(n_texts) % 2).astype(np.int32), ("neg", "pos"))


def train(folder: Path, name: str) -> Path:
    """Train a recipe for one epoch and save it: its size matters here, not what it knows."""
    from recsys.text.classifier import TextClassifier

    config = recipe(name).settings({"epochs": 1})
    model = TextClassifier(config, recipe=name).fit(invent(N_TRAINED, 100), invent(N_TRAINED // 4, 100, seed=1))
    return model.save(folder)


def per_second(folder: Path, n_texts: int, rounds: int) -> float:
    """Return how many texts a loaded model answers in a second, the median of the rounds."""
    from recsys.text.classifier import TextClassifier

    model, texts = TextClassifier.load(folder), invent(n_texts, N_TOKENS, seed=2).texts
    model.predict(texts[:100])
    rates = []
    for _ in range(rounds):
        began = time.perf_counter()
        model.predict(texts)
        rates.append(n_texts / (time.perf_counter() - began))
    return round(median(rates), 1)


def cold_seconds(folder: Path, rounds: int) -> dict[str, float]:
    """Time `recsys text predict` in a process of its own, beside TensorFlow's import alone.

    Raises RecsysError where it imports TensorFlow or Keras.
    """
    words = ["text", "predict", str(folder), TEXT]
    told = run_child([sys.executable, "-c", TELL, *words]).stdout.strip().splitlines()[-1]
    if "tensorflow" in told or "keras" in told:
        raise RecsysError(f"`recsys text predict` imports {told}.", "Import it where it is needed.")
    commands = {
        "predict": [*RECSYS, *words],
        "import_tensorflow": [sys.executable, "-c", "import tensorflow"],
    }
    runs = alternate(commands, rounds)
    found = {f"{name}_seconds": round(median(run.seconds for run in of_one), 4) for name, of_one in runs.items()}
    return {**found, "predict_peak_memory_mb": round(max(run.peak_memory_mb for run in runs["predict"]), 1)}


if __name__ == "__main__":
    sys.exit(main())
