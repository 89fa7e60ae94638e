"""Compare the engines that could encode many histories: ONNX Runtime, and the Keras network compiled by TensorFlow.

    python -m evaluation.benchmarks.engines [--users 2048] [--rounds 3]

All run the same default network on the same full windows of 100 events, in turn in one process, and give the same
vectors. What is exported in large batches uses the one that wins here.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmarks.export import WINDOW, make_dataset
from evaluation.benchmarks.generate import N_TITLES
from evaluation.benchmarks.measure import RESULTS, write_benchmark

BATCH = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--users", type=int, default=2048, help="how many people, in batches of 256")
    parser.add_argument("--titles", type=int, default=N_TITLES, help="how many titles")
    parser.add_argument("--rounds", type=int, default=3, help="how often each engine runs; the median counts")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    options = parser.parse_args(arguments)
    engines, reference = make_engines(options.users, options.titles)
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    difference = 0.0
    for round_number in range(options.rounds + 1):  # the first one compiles
        for name, encode in engines.items():
            began = time.perf_counter()
            states = encode()
            if round_number:
                seconds[name].append(time.perf_counter() - began)
            difference = max(difference, float(np.abs(states - reference).max()))
    rates = {name: round(options.users / float(np.median(taken)), 1) for name, taken in seconds.items()}
    measures: dict[str, Any] = {"users_per_second": rates, "largest_difference": difference, "window": WINDOW}
    ratios = {
        f"ONNX Runtime / {name}": round(rates["onnx"] / rate, 3) for name, rate in rates.items() if name != "onnx"
    }
    command = f"python -m evaluation.benchmarks.engines --users {options.users} --rounds {options.rounds}"
    path = write_benchmark("engines", command, measures, ratios, options.out)
    print(measures, ratios, f"→ {path}", sep="\n")
    return 0


def make_engines(n_users: int, n_titles: int) -> tuple[dict[str, Callable[[], Any]], Any]:
    """Build one network, and each engine as a function that returns the state vectors (n_users, dim)."""
    from recsys.backend import load_keras
    from recsys.models.lstm.config import LSTMConfig
    from recsys.models.lstm.encoder import Encoder, to_onnx
    from recsys.models.lstm.inputs import Encoding, Events
    from recsys.models.lstm.network import build

    keras = load_keras()
    import tensorflow as tf

    data = make_dataset(np.full(n_users, WINDOW), n_titles)
    config = LSTMConfig()
    encoding = Encoding.of(data, config)
    tags = encoding.item_tags(data.catalogue)
    network = build(config, encoding, tags)
    onnx = Encoder(to_onnx(network, config, encoding, tags), config, encoding)
    events = Events.of(data.histories, encoding)
    wishes = np.zeros((n_users, WINDOW, config.wish_tokens), dtype=np.int32)
    wishes[..., 0] = 1
    columns = {"items": data.histories.items, "ratings": events.ratings, "gaps": events.gaps}
    feed: dict[str, Any] = {
        name: codes.reshape(n_users, WINDOW) for name, codes in columns.items() if codes is not None
    }
    feed |= {"users": events.users, "wishes": wishes}
    inputs = {tensor.name: tensor for tensor in network.inputs}
    states = keras.Model({name: inputs[name] for name in feed}, network.get_layer("states").output[:, -1])

    def compiled(jit: bool) -> Callable[[], Any]:
        call = tf.function(lambda batch: states(batch, training=False), jit_compile=jit)

        def encode() -> Any:
            parts = [
                {name: values[at : at + BATCH] for name, values in feed.items()} for at in range(0, n_users, BATCH)
            ]
            return np.concatenate([call({name: tf.constant(v) for name, v in part.items()}).numpy() for part in parts])

        return encode

    engines = {
        "onnx": lambda: onnx.encode(data.histories),
        "TensorFlow": compiled(False),
        "TensorFlow, XLA": compiled(True),
    }
    return engines, onnx.encode(data.histories)


if __name__ == "__main__":
    sys.exit(main())
