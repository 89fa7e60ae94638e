"""Train an epoch of a recipe's network whenever a line asks for it: the Keras half of `beside_torch`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Answer each line of standard input with a line of JSON."""
    from recsys.backend import load_keras

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

    config = TextConfig.from_mapping(task["config"])
    network = build(config, task["n_codes"], task["n_classes"])
    compile_for_training(network, config, len(rows))
    batches = Batches()
    for line in sys.stdin:
        if line.strip() == "version":
            answer: dict[str, Any] = {"version": f"Keras {keras.__version__}, {keras.backend.backend()}"}
        else:
            began = time.perf_counter()
            found = network.fit(batches, epochs=1, shuffle=False, verbose=0)
            answer = {"seconds": time.perf_counter() - began, "loss": float(found.history["loss"][0])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
