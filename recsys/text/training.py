"""Training by `Model.fit`: texts of like length share a batch, validation chooses the epoch, the best weights stay."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from recsys.backend import BATCH_THREADS, fit_verbosity
from recsys.errors import ConfigError
from recsys.text.codes import Codes
from recsys.text.config import TextConfig

POOL = 50
"""Batches' worth of texts, drawn at random, that are sorted by length together."""


class Batches(keras.utils.PyDataset):
    """Padded batches of codes (B, T) and targets (B, n_outputs).

    The order changes with the epoch.

    Sorting by length inside random pools leaves the order of batches random and their padding small: on film reviews
    cut at 500 tokens it halves the timesteps of an epoch.
    """

    def __init__(
        self,
        codes: Codes,
        labels: npt.NDArray[Any],
        batch_size: int,
        *,
        seed: int = 0,
        shuffled: bool = False,
    ) -> None:
        super().__init__(workers=BATCH_THREADS)
        self._codes = codes
        self._labels = labels
        self._size = batch_size
        self._shuffled = shuffled
        self._random = np.random.default_rng(seed)
        self._groups: list[npt.NDArray[np.int64]] = []
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
        rows = self._groups[index]
        return self._codes.padded(rows), self._labels[rows]

    def on_epoch_end(self) -> None:
        """Draw the next epoch's batches."""
        lengths = self._codes.lengths
        if not self._shuffled:
            groups = _cut(np.argsort(lengths, kind="stable"), self._size)
        else:
            groups = []
            for pool in _cut(self._random.permutation(len(lengths)), self._size * POOL):
                groups += _cut(pool[np.argsort(lengths[pool], kind="stable")], self._size)
            groups = [groups[place] for place in self._random.permutation(len(groups))]
        # Keras learns from the first two batches which axes vary: let them be the longest and the shortest
        widths = [lengths[rows].max() for rows in groups]
        first = sorted({int(np.argmax(widths)), int(np.argmin(widths))})
        self._groups = [groups[place] for place in first] + [g for i, g in enumerate(groups) if i not in first]


def _cut(rows: npt.NDArray[np.int64], size: int) -> list[npt.NDArray[np.int64]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


class Epochs(keras.callbacks.Callback):
    """Note each epoch's numbers, keep the weights of the best one, stop when none better comes.

    Without validation the last one is kept.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []
        self.best_epoch = 0
        self._patience = patience
        self._best = (-1.0, 0.0)
        self._weights: list[npt.NDArray[Any]] = []
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row = {name: round(float(value), 5) for name, value in (logs or {}).items() if name != "learning_rate"}
        if not np.isfinite(row["loss"]):
            raise ConfigError(
                f"Training diverged: the loss of epoch {epoch + 1} is {row['loss']}.", "Lower learning_rate."
            )
        self.rows.append({"epoch": epoch + 1, **row, "seconds": round(time.perf_counter() - self._began, 2)})
        if "val_accuracy" not in row:
            return
        quality = (row["val_accuracy"], -row["val_loss"])
        if quality > self._best:
            self._best, self.best_epoch = quality, epoch + 1
            self._weights = self.model.get_weights()
        elif epoch + 1 - self.best_epoch >= self._patience:
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._weights:
            self.model.set_weights(self._weights)


def compile_for_training(model: keras.Model, config: TextConfig, steps_per_epoch: int) -> None:
    """Set Adam with its schedule, and cross-entropy."""
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, config.epochs * steps_per_epoch, alpha=0.02)
    binary = config.output == "sigmoid"
    smoothed = config.label_smoothing
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=config.clip_norm)
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.BinaryCrossentropy(label_smoothing=smoothed)
        if binary
        else keras.losses.CategoricalCrossentropy(label_smoothing=smoothed),
        metrics=[keras.metrics.BinaryAccuracy("accuracy") if binary else keras.metrics.CategoricalAccuracy("accuracy")],
        jit_compile=False,  # measured on CPU: XLA gains nothing here, and compiles anew for every length
    )
    optimizer.build(model.trainable_variables)  # variables made inside the first step would have it traced twice


def targets(labels: npt.NDArray[np.int32], config: TextConfig, n_classes: int) -> npt.NDArray[np.float32]:
    """Return what the loss compares with: (n, C) one-hot, or (n, 1) for a sigmoid."""
    if config.output == "sigmoid":
        return labels[:, None].astype(np.float32)
    return np.eye(n_classes, dtype=np.float32)[labels]


@dataclass(frozen=True)
class Texts:
    """Hold what a network is trained or judged on: codes and classes."""

    codes: Codes
    labels: npt.NDArray[np.int32]


def run(
    model: keras.Model,
    train: Texts,
    validation: Texts | None,
    config: TextConfig,
    n_classes: int,
    *,
    until: int | None = None,
    progress: bool,
) -> Epochs:
    """Train and leave the weights of the best epoch in the model.

    Without a validation part these are the last ones; the course of the learning rate is the same when training ends
    `until` an earlier epoch than `config.epochs`.
    """
    epochs = Epochs(config.patience)
    batches = _batches(train, config, n_classes, shuffled=True)
    compile_for_training(model, config, len(batches))
    model.fit(
        batches,
        epochs=until or config.epochs,
        validation_data=None if validation is None else _batches(validation, config, n_classes, shuffled=False),
        shuffle=False,
        callbacks=[epochs],
        verbose=fit_verbosity(progress),
    )
    return epochs


def _batches(texts: Texts, config: TextConfig, n_classes: int, *, shuffled: bool) -> Batches:
    size = config.batch_size if shuffled else 2 * config.batch_size
    return Batches(texts.codes, targets(texts.labels, config, n_classes), size, seed=config.seed, shuffled=shuffled)
