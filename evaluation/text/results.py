"""Result files of text classifiers: the recommender's form, and beside each the prediction for every test text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from evaluation.result_files import (
    FOLDER,
    PACKAGES,
    TEXT,
    collect_fields,
    read_result,
    replace_file,
    result_path,
    task_of,
    versions,
    write_result,
)
from evaluation.text.judge import Judgement, mean_over_seeds
from recsys.artifact import as_named
from recsys.errors import InputError

if TYPE_CHECKING:
    from recsys.text.corpus import Corpus

PREDICTIONS = "predictions"
TEXT_PACKAGES = (*(name for name in PACKAGES if name != "implicit"), "scikit-learn", "gensim")
_COLUMNS = ("seed", "row", "truth", "predicted", "confidence")


def make_text_result(
    judgements: Sequence[Judgement],
    test: Corpus,
    *,
    data: str,
    data_title: str,
    split: str,
    n_repeats: int,
    model: str,
    config: Mapping[str, Any],
    seeds: Sequence[int],
    command: str,
    train_seconds: Sequence[float],
    serve_seconds: Sequence[float],
    peak_memory_mb: float | None,
    training: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Collect a result's fields from one judgement a seed; seconds are the mean of the seeds'.

    `split` says in words how the test part came about; its hash is that of the test corpus. `n_repeats` counts the
    test texts that the model was trained on word by word too. `training` holds one row an epoch (of the first seed).
    """
    protocol = {
        "task": TEXT,
        "split": split,
        "part": "test",
        "n_texts": len(test),
        "n_classes": len(test.classes),
        "n_groups": None if test.groups is None else len(np.unique(test.groups)),
        "n_repeats": n_repeats,
    }
    return collect_fields(
        data=data,
        protocol=protocol,
        split_sha256=test.sha256,
        model=model,
        config=config,
        seeds=seeds,
        command=command,
        installed=versions(TEXT_PACKAGES),
        train_seconds=mean(train_seconds),
        peak_memory_mb=peak_memory_mb,
        metrics=mean_over_seeds(judgements),
        values_by_seed=[{name: value.value for name, value in one.metrics.items()} for one in judgements],
        data_title=data_title,
        serve_seconds=mean(serve_seconds),
        training=training,
    )


def predictions_frame(judgements: Sequence[Judgement], test: Corpus, seeds: Sequence[int]) -> pl.DataFrame:
    """Lay out one row a seed and text: `seed, row, truth, predicted, confidence`, and `group, subset` where there are.

    `row` is the text's place in the test part; the confidence is rounded to thousandths, which keeps the files small.
    """
    more: dict[str, Any] = {}
    if test.groups is not None:
        more["group"] = pl.Series(test.groups, dtype=pl.Int64)
    if test.subset is not None:
        more["subset"] = test.subset
    rows = np.arange(len(test), dtype=np.int32)
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "seed": np.full(len(test), seed, dtype=np.int32),
                    "row": rows,
                    "truth": test.labels.astype(np.int16),
                    "predicted": one.predicted.astype(np.int16),
                    "confidence": np.round(one.confidence, 3),
                    **more,
                }
            )
            for seed, one in zip(seeds, judgements, strict=True)
        ]
    )


def write_text_result(result: Mapping[str, Any], predictions: pl.DataFrame, folder: str | Path = FOLDER) -> Path:
    """Write `<data>--<model>.json` and its predictions, each whole or not at all; the predictions first.

    A result therefore never stands beside the predictions of an older one.
    """
    content = io.BytesIO()
    predictions.write_parquet(content, compression="zstd", compression_level=19, statistics=False)
    replace_file(predictions_path(result_path(result, folder)), content.getvalue())
    return write_result(result, folder)


def predictions_path(path: Path) -> Path:
    """Name the file of predictions that belongs to a result file."""
    return path.parent / PREDICTIONS / f"{path.stem}.parquet"


def read_predictions(path: str | Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Read a result file with the predictions beside it.

    Raises InputError where either is missing or not what it should be, and where they are not of one run.
    """
    path = Path(path)
    result = read_result(path)
    again = f"Run it again: {result['command']}"
    if task_of(result) != TEXT:
        raise InputError(f"{path} is a result of {task_of(result)}, not of {TEXT}.", "Name another result.")
    beside = predictions_path(path)
    if not beside.is_file():
        raise InputError(f"{path} has no predictions ({beside} is missing).", again)
    try:
        frame = pl.read_parquet(as_named(beside))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{beside} cannot be read ({error}).", again) from error
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise InputError(f"{beside} lacks {', '.join(missing)}.", again)
    accuracy = float((frame["truth"] == frame["predicted"]).cast(pl.Float64).to_numpy().mean())
    told = float(result["metrics"]["accuracy"]["value"])
    if abs(accuracy - told) > 1e-6 or frame.height != result["protocol"]["n_texts"] * len(result["seeds"]):
        raise InputError(f"{path} says accuracy {told:.6f}, but its predictions give {accuracy:.6f}.", again)
    return result, frame
