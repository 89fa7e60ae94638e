"""Train recipes of text classification on the public corpora and write the rows of the published table.

    python -m evaluation.text.run --data imdb --recipe imdb-lstm tfidf-logistic --set imdb-lstm.epochs=3

A recipe is trained once a seed on the training part, the validation part chooses its epoch (a baseline's C), and the
test part is judged once. Every corpus and recipe has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from evaluation.result_files import FOLDER, file_stem, require_writable
from evaluation.run import parse_seeds, peak_memory_mb, real_folder, settings_by_model
from evaluation.text.baselines import BASELINES, TfidfClassifier, TfidfConfig
from evaluation.text.data import DATA, count_repeats, find_data
from evaluation.text.judge import judge, load_sklearn
from evaluation.text.results import make_text_result, predictions_frame, write_text_result
from recsys.config import Settings
from recsys.errors import InputError, RecsysError, refuse
from recsys.text.config import TextConfig
from recsys.text.corpus import Corpus, Parts
from recsys.text.recipes import recipe

if TYPE_CHECKING:
    from recsys.text.vectors import WordVectors

SEEDS = (0, 1, 2)
"""Of a recipe, unless others are named; a baseline has no chance in it and is fitted once."""


class Classifier(Protocol):
    """Say what is asked of a fitted classifier."""

    recipe: str
    labels: tuple[str, ...]
    facts: dict[str, Any]
    epochs: list[dict[str, Any]]

    @property
    def config(self) -> Settings: ...

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True)
class Beside:
    """Hold what a recipe learns from beside its own corpus."""

    more_texts: Sequence[str] = ()
    pretraining: Corpus | None = None


@dataclass(frozen=True)
class TextRow:
    """Say how one row of the published table is made; `flags` are settings on top of the recipe's."""

    data: str
    recipe: str
    seeds: tuple[int, ...]
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{file_stem(self.data)}--{file_stem(self.recipe)}"

    def config(self, seed: int) -> Settings:
        """Return the settings under a seed; raises ConfigError for an unknown recipe or setting."""
        if self.recipe in BASELINES:
            return TfidfConfig.from_flags(self.flags, base={**BASELINES[self.recipe], "seed": seed})
        return TextConfig.from_flags(self.flags, base={**recipe(self.recipe).config, "seed": seed})

    @property
    def more_texts(self) -> tuple[str, ...]:
        """Name the corpora whose training texts, without their labels, word vectors are trained on too."""
        config = self.config(self.seeds[0])
        trained = isinstance(config, TextConfig) and config.vectors == "train"
        return recipe(self.recipe).more_texts if trained else ()

    @property
    def pretraining(self) -> str | None:
        """Name the corpus whose training part, with its labels, the network learns from first."""
        return None if self.recipe in BASELINES else recipe(self.recipe).pretraining

    def beside(self, real: Path) -> Beside:
        """Read what the recipe learns from beside its own corpus: training parts only."""
        more = [text for name in self.more_texts for text in find_data(name).load(real).train.texts]
        return Beside(more, find_data(self.pretraining).load(real).train if self.pretraining else None)


def default_seeds(name: str) -> tuple[int, ...]:
    """Return the seeds of a recipe's or baseline's published row."""
    return (0,) if name in BASELINES else SEEDS


def run_row(
    row: TextRow,
    parts: Parts,
    *,
    beside: Beside | None = None,
    out: Path = FOLDER,
    save: Path | None = None,
    fitted: Sequence[Path] = (),
) -> Path:
    """Train a row's recipe once a seed, judge it on the test part, write the result and its predictions.

    Word vectors are trained once, by the first seed, and shared: the seeds differ in the network. `fitted` folders, one
    a seed, are judged as they are: models that an earlier run saved.
    """
    beside = beside or Beside()
    judgements, serve_seconds = [], []
    models: list[Classifier] = []
    for place, seed in enumerate(row.seeds):
        vectors = getattr(models[0], "vectors", None) if models else None
        model = _load(fitted[place], parts) if fitted else _train(row, seed, parts, beside, vectors, save)
        began = time.perf_counter()
        probabilities = model.predict(parts.test.texts)
        serve_seconds.append(time.perf_counter() - began)
        judgements.append(judge(probabilities, parts.test))
        models.append(model)
        print(f"seed {seed}: accuracy {judgements[-1].accuracy.value:.4f}", flush=True)
    data = find_data(row.data)
    result = make_text_result(
        judgements,
        parts.test,
        data=row.data,
        data_title=data.title,
        split=data.split,
        n_repeats=count_repeats(parts),
        model=row.recipe,
        config=models[0].config.to_mapping() | _beside_in_words(row),
        seeds=row.seeds,
        command=command_of(row),
        train_seconds=[float(model.facts["fit_seconds"]) for model in models],
        serve_seconds=serve_seconds,
        peak_memory_mb=None if fitted else peak_memory_mb(),
        training=models[0].epochs,
    )
    return write_text_result(result, predictions_frame(judgements, parts.test, row.seeds), out)


def _beside_in_words(row: TextRow) -> dict[str, Any]:
    more = {"more_texts": list(row.more_texts)} if row.more_texts else {}
    return more | ({"pretraining": row.pretraining} if row.pretraining else {})


def _train(
    row: TextRow, seed: int, parts: Parts, beside: Beside, vectors: WordVectors | None, save: Path | None
) -> Classifier:
    config = row.config(seed)
    if isinstance(config, TfidfConfig):
        return TfidfClassifier(config, recipe=row.recipe).fit(parts.train, parts.validation, progress=True)
    from recsys.text.classifier import TextClassifier

    assert isinstance(config, TextConfig)
    model = TextClassifier(config, recipe=row.recipe)
    model.fit(
        parts.train,
        parts.validation,
        vectors=vectors,
        more_texts=beside.more_texts,
        pretraining=beside.pretraining,
        progress=True,
    )
    if save is not None:
        model.save(save / (row.name + (f"--seed-{seed}" if seed else "")), overwrite=True)
    return model


def _load(folder: Path, parts: Parts) -> Classifier:
    from recsys.text.classifier import TextClassifier

    model = TextClassifier.load(folder)
    if tuple(model.labels) != parts.test.classes:
        raise InputError(
            f"{folder} tells {', '.join(model.labels)} apart, but the corpus has {', '.join(parts.test.classes)}.",
            "Name the corpus that it was trained on.",
        )
    if model.facts["train_sha256"] != parts.train.sha256:
        raise InputError(
            f"{folder} was trained on other texts than the training part; the test part may be among them.",
            "Train it again.",
        )
    return model


def command_of(row: TextRow) -> str:
    """Write the command that gives this row again (where RECSYS_REALDATA names the folder of original files)."""
    words = ["python", "-m", "evaluation.text.run", "--data", row.data, "--recipe", row.recipe]
    words += [word for flag in row.flags for word in ("--set", f"{row.recipe}.{flag}")]
    if row.seeds != default_seeds(row.recipe):
        words += ["--seeds", ",".join(map(str, row.seeds))]
    return shlex.join(words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        load_sklearn()
        flags = settings_by_model(options.set, options.recipe)
        rows = [_row(data, name, flags, options) for data in options.data for name in options.recipe]
        for row in rows:  # what is wrong with any is said before anything runs
            find_data(row.data)
            row.config(row.seeds[0])
        real, out = real_folder(options.real), Path(options.out)
        require_writable(out)
        fitted = [Path(one) for one in options.fitted]
        if fitted and (len(rows) > 1 or len(fitted) != len(rows[0].seeds)):
            raise InputError(
                "Fitted models are one row, a model a seed.", "Name one --data, one --recipe, and as many --seeds."
            )
        if len(rows) == 1:
            save = Path(options.save) if options.save else None
            parts = find_data(rows[0].data).load(real)
            beside = Beside() if fitted else rows[0].beside(real)
            _show(run_row(rows[0], parts, beside=beside, out=out, save=save, fitted=fitted))
            return 0
    except RecsysError as error:
        return refuse(error)
    codes = [_in_child(row, options) for row in rows]
    return max(map(abs, codes))  # a killed child's code is negative


def _row(data: str, name: str, flags: Mapping[str, Sequence[str]], options: argparse.Namespace) -> TextRow:
    seeds = default_seeds(name) if options.seeds is None else parse_seeds(options.seeds)
    return TextRow(data, name, seeds, tuple(flags[name]))


def _in_child(row: TextRow, options: argparse.Namespace) -> int:
    """Run one row by this very command in a process of its own."""
    words = [sys.executable, "-m", "evaluation.text.run", "--data", row.data, "--recipe", row.recipe]
    words += ["--out", options.out, *(word for flag in row.flags for word in ("--set", f"{row.recipe}.{flag}"))]
    for name in ("real", "save", "seeds"):
        if getattr(options, name):
            words += [f"--{name}", getattr(options, name)]
    print(f"== {row.data} · {row.recipe}", flush=True)
    return subprocess.run(words, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation.text.run", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", action="extend", nargs="+", required=True, help=f"corpora: {', '.join(DATA)}")
    parser.add_argument(
        "--recipe",
        action="extend",
        nargs="+",
        required=True,
        help=f"recipes, as in `recsys text recipes`, and baselines: {', '.join(BASELINES)}",
    )
    parser.add_argument("--set", action="extend", nargs="+", default=[], help="settings, as recipe.name=value")
    parser.add_argument("--seeds", help="trained once each (default: 0,1,2; of a baseline 0)")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", default=str(FOLDER), help="where result files go (default: evaluation/results)")
    parser.add_argument("--save", help="also keep each trained model in this folder")
    parser.add_argument("--fitted", nargs="+", default=[], help="judge these saved models, one a seed, untrained")
    return parser


def _show(path: Path) -> None:
    result = json.loads(path.read_text(encoding="utf-8"))
    row = "  ".join(f"{name} {value['value']:.4f}" for name, value in result["metrics"].items())
    print(f"{row}\ntrained in {result['train_seconds']} s, peak {result['peak_memory_mb']} MB → {path}")


if __name__ == "__main__":
    sys.exit(main())
