"""Training by `Model.fit`: validation by full ranking, early stopping, best weights, checkpoint and resume."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from recsys.backend import fit_verbosity
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout
from recsys.errors import ConfigError, InputError
from recsys.models.base import BATCH, OnEpoch
from recsys.models.lstm.config import BEST, LOG, STATE, LSTMConfig
from recsys.models.lstm.judging import Score, ranking_quality


@keras.saving.register_keras_serializable("recsys")
class GivenLoss(keras.losses.Loss):
    """Take what the network with its loss puts out for the loss, weighted by timestep."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return y_pred


def compile_for_training(model: keras.Model, config: LSTMConfig, steps_per_epoch: int) -> None:
    """Set the optimizer, its learning rate, and the loss averaged over the timesteps that have a next anime.

    Sources: Kingma and Ba, Adam, ICLR 2015; Jordan et al., Muon, 2024, scaled to Adam's step sizes as by Liu et al.,
    Muon is scalable for LLM training, 2025, eq. 4, and without weight decay.
    """
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        after_warm_up = max(1, (config.epochs - 1) * steps_per_epoch)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, after_warm_up, alpha=0.01, warmup_target=rate, warmup_steps=steps_per_epoch
        )
    if config.optimizer == "muon":
        optimizer = keras.optimizers.Muon(
            rate,
            adam_beta_2=config.beta_2,
            adam_weight_decay=None,
            weight_decay=None,
            global_clipnorm=config.clip_norm,
            rms_rate=0.2 * config.muon_ratio,  # 0.2 is about what Adam's steps have
        )
    else:
        optimizer = keras.optimizers.Adam(rate, beta_2=config.beta_2, global_clipnorm=config.clip_norm)
    model.compile(
        optimizer=optimizer,
        loss=GivenLoss(reduction="mean_with_sample_weight"),
        jit_compile=False,  # measured on CPU: XLA makes this step several times slower
    )
    optimizer.build(model.trainable_variables)  # variables made inside the first step would have it traced twice


class RankingValidation(keras.callbacks.Callback):
    """Judge each epoch by full ranking, keep the best weights, stop when they stay the best for `patience` epochs."""

    def __init__(
        self,
        make_score: Callable[[keras.Model], Score],
        validation: Holdout | None,
        config: LSTMConfig,
        state: dict[str, Any],
        on_epoch: OnEpoch | None = None,
        *,
        batch: int = BATCH,
    ) -> None:
        super().__init__()
        self._batch = batch
        self._make_score = make_score
        self._validation = validation
        self._config = config
        self.state = state
        self._on_epoch = on_epoch
        self.best_weights: list[npt.NDArray[Any]] | None = None
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row = {"epoch": epoch + 1, "loss": float((logs or {})["loss"])}
        if not np.isfinite(row["loss"]):
            raise ConfigError(
                f"Training diverged: the loss of epoch {epoch + 1} is {row['loss']}.", "Lower learning_rate."
            )
        judged = {}
        if self._validation is not None:
            judged = ranking_quality(
                self._make_score(self.model), self._validation, self._config.cutoff, batch=self._batch
            )
        row |= {f"val_{name}": value for name, value in judged.items()}
        row["seconds"] = round(time.perf_counter() - self._began, 2)
        if logs is not None:
            logs.update({name: row[name] for name in row if name.startswith("val_")})
        self.state["epochs"].append(row)
        value = judged.get(self._config.monitor, float(epoch))
        if value > self.state["best"]:
            self.state.update(best=value, best_epoch=epoch + 1)
            self.best_weights = self.model.get_weights()
        elif epoch + 1 - self.state["best_epoch"] >= self._config.patience:
            self.model.stop_training = True
        if self._on_epoch is not None:
            self._on_epoch(epoch + 1, judged)


class Checkpoint(keras.callbacks.Callback):
    """Save network, optimizer, progress and log.csv after each epoch, so that an interrupted fit can go on."""

    def __init__(self, folder: Path, judge: RankingValidation, identity: dict[str, Any]) -> None:
        super().__init__()
        self._folder = folder
        self._judge = judge
        self._identity = identity

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._judge.state["best_epoch"] == epoch + 1:
            _replace(self._folder / BEST, self.model.save_weights)
        earlier = list(self._folder.glob("epoch-*.keras"))
        checkpoint = self._folder / f"epoch-{epoch + 1}.keras"
        self.model.save(checkpoint)
        _replace(self._folder / LOG, lambda path: write_log(self._judge.state["epochs"], path))
        state = {"checkpoint": checkpoint.name, "identity": self._identity, **self._judge.state}
        _replace(self._folder / STATE, lambda path: path.write_text(json.dumps(state), encoding="utf-8"))
        for path in earlier:  # only now does nothing point to it any more
            if path != checkpoint:
                path.unlink(missing_ok=True)


def counting_on(on_epoch: OnEpoch | None, done: int) -> OnEpoch | None:
    """Number the epochs of a network from where those before it ended."""
    if on_epoch is None or not done:
        return on_epoch

    def counted(epoch: int, judged: Mapping[str, float]) -> None:
        on_epoch(done + epoch, judged)

    return counted


def write_log(epochs: list[dict[str, Any]], path: Path) -> None:
    """Write one CSV row an epoch."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(epochs[0]))
        writer.writeheader()
        writer.writerows(epochs)


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    beside = path.with_name("new." + path.name)
    write(beside)
    beside.replace(path)


def fingerprint(data: Dataset, tags: npt.NDArray[np.float32]) -> str:
    """Hash all that a network of certain settings learns from."""
    histories = data.histories
    found = hashlib.sha256(f"{data.order} {tags.shape}".encode())
    for values in (histories.offsets, histories.items, histories.users, histories.ratings, histories.times, tags):
        found.update(b"none" if values is None else values.tobytes())
    return found.hexdigest()


def read_checkpoint(folder: Path, identity: dict[str, Any]) -> tuple[keras.Model, dict[str, Any]] | None:
    """Return the network and the progress of an interrupted fit; None when there is none."""
    if not (folder / STATE).is_file():
        return None
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf-8"))
        known, checkpoint = state.pop("identity"), folder / str(state.pop("checkpoint"))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise _unusable(folder, error) from error
    if known != identity:
        raise InputError(
            f"The checkpoint in {folder} was made with other settings or data.", "Remove it, or fit without --resume."
        )
    try:
        return keras.models.load_model(checkpoint), state
    except (OSError, ValueError, KeyError) as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: Exception) -> InputError:
    return InputError(f"The checkpoint in {folder} cannot be read ({error}).", "Remove it, or fit without --resume.")


def run(
    model: keras.Model,
    windows: keras.utils.PyDataset,
    judge: RankingValidation,
    config: LSTMConfig,
    *,
    workdir: Path | None,
    identity: dict[str, Any],
    progress: bool,
    tensorboard: Path | None,
) -> None:
    """Train to the end and leave the best weights in the model."""
    callbacks: list[keras.callbacks.Callback] = [judge]
    if workdir is not None:
        workdir.mkdir(parents=True, exist_ok=True)
        callbacks.append(Checkpoint(workdir, judge, identity))
    if tensorboard is not None:
        callbacks.append(keras.callbacks.TensorBoard(tensorboard))
    done = len(judge.state["epochs"])
    _wind_random_generators(model, done * len(windows))
    stopped = done and done - judge.state["best_epoch"] >= config.patience
    if not stopped:
        model.fit(
            windows,
            epochs=config.epochs,
            initial_epoch=done,
            shuffle=False,
            callbacks=callbacks,
            verbose=fit_verbosity(progress),
        )
    if judge.best_weights is not None:
        model.set_weights(judge.best_weights)
    elif workdir is not None and (workdir / BEST).is_file():
        model.load_weights(workdir / BEST)


def _wind_random_generators(model: keras.Model, n_steps: int) -> None:
    """Set the dropout layers to where they stood after so many steps: a saved Keras model forgets it."""
    for layer in model.layers:
        generator = getattr(layer, "seed_generator", None)
        if isinstance(layer, keras.layers.Dropout) and generator is not None:
            generator.state.assign(np.array([generator.state.numpy()[0], n_steps]))
