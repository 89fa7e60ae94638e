"""Train an epoch of a recipe's network whenever a line asks for it: the Keras half of `beside_torch`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Answer each line of standard input with a line of JSON."""
    from recsys.backend import BATCH_THREADS, load_keras

    load_keras()
    import keras
    import numpy as np

    from recsys.text.config import TextConfig
    from recsys.text.network import build
    from recsys.text.training import compile_for_training

    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    with np.load(folder / "batches.npz") as arrays:
        rows = [(arrays[f"codes_{place}"], arrays[f"labels_{place}"]) for place in range(task["n_batches"])]

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        """Hand out the batches in their order."""

        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            return rows[index]

    class Turns(keras.callbacks.Callback):  # type: ignore[misc]
        """Wait for a line before each epoch, and answer after it: all of them are of one training, as with a user."""

        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            while (word := sys.stdin.readline().strip()) == "version":
                answer({"version": f"Keras {keras.__version__}, {keras.backend.backend()}"})
            if not word:
                sys.exit()
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            answer({"seconds": time.perf_counter() - self.began, "loss": float((logs or {})["loss"])})

    config = TextConfig.from_mapping(task["config"])
    network = build(config, task["n_codes"], task["n_classes"])
    compile_for_training(network, config, len(rows))
    network.fit(Batches(workers=BATCH_THREADS), epochs=sys.maxsize, shuffle=False, verbose=0, callbacks=[Turns()])


def answer(facts: dict[str, Any]) -> None:
    """Write a line of JSON."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
