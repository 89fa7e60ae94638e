"""Time an epoch of each IMDB recipe in Keras beside the same network in plain PyTorch.

    python -m evaluation.text.benchmarks.beside_torch --torch PYTHON

PYTHON is an interpreter that has PyTorch and NumPy (default: $RECSYS_TORCH, else this one). Both train on the very same
padded batches with the same number of threads, each in a process of its own; their epochs alternate, so that a busy
minute of the machine meets both, and the first one of each, which compiles and warms up, is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from evaluation.benchmarks.measure import RESULTS, write_benchmark
from recsys.errors import InputError, RecsysError, refuse
from recsys.machine import usable_cores
from recsys.text.config import TextConfig
from recsys.text.recipes import RECIPES, recipe

VARIABLE = "RECSYS_TORCH"
MODULES = {"keras": "evaluation.text.benchmarks.keras_half", "torch": "torch_half"}
MEDIAN_LENGTH, SPREAD, LONGEST = 200, 0.62, 500
"""Tokens of a film review, log-normal, and where the recipes cut it."""


class Half:
    """Talk to the process that trains one of the two networks: an epoch at a time, when it is asked to."""

    def __init__(self, name: str, python: str, folder: Path, threads: int) -> None:
        self.name = name
        env = {key: value for key, value in os.environ.items() if name == "keras" or not key.startswith("PYTHON")}
        counts = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        # PyTorch's threads wait for one another by spinning: as soon as anything else runs, that costs it tenfold
        env |= {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_WAIT_POLICY": "PASSIVE", **dict.fromkeys(counts, str(threads))}
        if name == "torch":
            env["PYTHONPATH"] = str(Path(__file__).parent)  # that file alone: nothing of ours need be installed there
        self._child = subprocess.Popen(
            [python, "-m", MODULES[name], str(folder)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.communicate()

    def ask(self, word: str) -> dict[str, Any]:
        """Send a word and return the answer, a JSON object; raises RecsysError where the process has ended."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(f"{word}\n")
            self._child.stdin.flush()
            for line in self._child.stdout:
                if line.startswith("{"):
                    answer: dict[str, Any] = json.loads(line)
                    return answer
        except BrokenPipeError:
            pass
        told = (self._child.communicate()[1] or "").strip().splitlines()
        remedy = "Give an interpreter with PyTorch and NumPy by --torch." if self.name == "torch" else ""
        raise RecsysError(f"The {self.name} half ended: {told[-1] if told else 'without a word'}.", remedy)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        recipes = chosen_recipes(options.recipe)
        require_torch(options.torch)
        measures: dict[str, Any] = {}
        for name, config in recipes.items():
            with tempfile.TemporaryDirectory() as folder:
                write_task(Path(folder), config, options.texts)
                seconds, facts = alternate(Path(folder), options.torch, options.rounds, options.threads)
            measures[name] = summarise(seconds)
            print(f"{name}: {measures[name]}", flush=True)
    except RecsysError as error:
        return refuse(error)
    ratios = {f"{name}, PyTorch / Keras": one["ratio"] for name, one in measures.items()}
    which = f" --recipe {' '.join(options.recipe)}" if options.recipe else ""
    command = f"python -m evaluation.text.benchmarks.beside_torch --torch PYTHON --texts {options.texts}{which}"
    about = {"texts": options.texts, "threads": options.threads, "torch": facts["torch"], "keras": facts["keras"]}
    path = write_benchmark("text_training", command, {**about, **measures}, ratios, options.out)
    print(*(f"{name}: {value:.3f}" for name, value in ratios.items()), f"→ {path}", sep="\n")
    return 0


def chosen_recipes(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the settings of the IMDB recipes, or of those that are named, without a wide part.

    The wide part's n-grams are fitted before the network and have nothing to do with how fast that is.
    """
    chosen = names or [name for name, one in RECIPES.items() if one.data == "imdb"]
    return {name: TextConfig.from_mapping({**recipe(name).config, "ngrams": 0}).to_mapping() for name in chosen}


def require_torch(python: str) -> None:
    """Refuse an interpreter that is none or has no PyTorch."""
    try:
        done = subprocess.run([python, "-c", "import numpy, torch"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise InputError(f"{python} cannot be started ({error}).", "Give an interpreter by --torch.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended at once"])[-1]
        raise InputError(
            f"{python} cannot import NumPy and PyTorch ({last}).",
            f"Give an interpreter that can by --torch or {VARIABLE}: pip install torch numpy.",
        )


def write_task(folder: Path, config: Mapping[str, Any], n_texts: int, seed: int = 0) -> None:
    """Write the batches of one epoch, as the recipe's own training would cut and pad them, and the settings.

    The words are drawn at random, the lengths are those of film reviews: there is nothing to learn, and learning takes
    as long.
    """
    from recsys.backend import load_keras

    load_keras()
    from recsys.text.codes import Codes
    from recsys.text.tokens import FIRST
    from recsys.text.training import Batches, targets

    settings = TextConfig.from_mapping(config)
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(review_lengths(n_texts, rng))])
    n_codes = settings.n_words + FIRST
    words = rng.integers(FIRST, n_codes, offsets[-1], dtype=np.int32)
    codes = Codes.cut(words, offsets, settings.n_tokens, settings.keep)
    labels = targets(rng.integers(0, 2, n_texts).astype(np.int32), settings, 2)
    batches = Batches(codes, labels, settings.batch_size, seed=seed, shuffled=True)
    arrays: dict[str, Any] = {}
    for place in range(len(batches)):
        arrays[f"codes_{place}"], arrays[f"labels_{place}"] = batches[place]
    np.savez(folder / "batches.npz", **arrays)
    task = {"config": settings.to_mapping(), "n_batches": len(batches), "n_codes": n_codes, "n_classes": 2}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")


def review_lengths(n_texts: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw how many tokens each text has."""
    return np.maximum(rng.lognormal(np.log(MEDIAN_LENGTH), SPREAD, n_texts), 10).astype(np.int64)


def alternate(folder: Path, python: str, rounds: int, threads: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Let both halves train an epoch in turn; return the seconds of each, and the libraries' versions."""
    seconds: dict[str, list[float]] = {"keras": [], "torch": []}
    with ExitStack() as stack:
        interpreters = {"keras": sys.executable, "torch": python}
        halves = [stack.enter_context(Half(name, interpreters[name], folder, threads)) for name in seconds]
        facts = {half.name: half.ask("version")["version"] for half in halves}
        for turn in range(rounds + 1):
            for half in halves:
                took = float(half.ask("epoch")["seconds"])
                if turn:
                    seconds[half.name].append(took)
    return seconds, facts


def summarise(seconds: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Reduce the runs to medians and the ratio, above 1 where Keras is faster, with its spread over the rounds."""
    ratios = [theirs / ours for ours, theirs in zip(seconds["keras"], seconds["torch"], strict=True)]
    return {
        "keras_seconds": round(median(seconds["keras"]), 3),
        "torch_seconds": round(median(seconds["torch"]), 3),
        "ratio": round(median(ratios), 3),
        "least": round(min(ratios), 3),
        "most": round(max(ratios), 3),
        "runs": {name: [round(one, 3) for one in runs] for name, runs in seconds.items()},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--torch", default=os.environ.get(VARIABLE) or sys.executable, help="the other interpreter")
    parser.add_argument("--recipe", nargs="+", default=[], help="recipes (default: all of the film reviews)")
    parser.add_argument(
        "--texts", type=int, default=3200, help="of an epoch (default 3200; IMDB's training part: 22500)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed; the medians count")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="of each library")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
