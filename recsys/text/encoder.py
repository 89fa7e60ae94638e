"""The trained network as an ONNX graph from word codes to probabilities, and its runtime, free of TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recsys.machine import usable_cores
from recsys.text.codes import Codes
from recsys.text.config import TextConfig
from recsys.text.ngrams import distinct_buckets

if TYPE_CHECKING:
    import keras

    from recsys.onnx_graph import Graph

BATCH = 64


class Encoder:
    """Run the ONNX graph: from the codes of texts to the probabilities of the classes."""

    def __init__(self, graph: bytes, config: TextConfig) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1  # a core a batch wastes less than all cores on each batch in turn
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = {item.name for item in self._session.get_inputs()}
        self._n_outputs = self._session.get_outputs()[0].shape[1]
        self._config = config

    def probabilities(self, parts: Iterable[Codes]) -> npt.NDArray[np.float32]:
        """Return (n_texts, n_outputs) for all parts in turn.

        A core works on one batch while another part is being made. Texts of like length share a batch, and the padding
        changes no result.
        """
        found: list[npt.NDArray[np.float32]] = []
        with ThreadPoolExecutor(usable_cores()) as pool:
            waiting = [self._submit(pool, codes) for codes in parts]
            for order, answers in waiting:
                sorted_part = np.concatenate([answer.result() for answer in answers])
                part = np.empty_like(sorted_part)
                part[order] = sorted_part
                found.append(part)
        return np.concatenate(found) if found else np.zeros((0, self._n_outputs), dtype=np.float32)

    def _submit(self, pool: ThreadPoolExecutor, codes: Codes) -> tuple[npt.NDArray[np.int64], list[Future[Any]]]:
        """Hand a part's batches to the pool; return the order of its texts and their answers to come."""
        order = np.argsort(-codes.lengths, kind="stable")  # the longest first: no core is left alone with them
        size = min(BATCH, max(16, -(-len(order) // usable_cores())))
        groups = [order[start : start + size] for start in range(0, len(order), size)]
        return order, [pool.submit(self._run, codes, rows) for rows in groups]

    def _run(self, codes: Codes, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = self._session.run(None, self._feed(codes, rows))[0]
        return found

    def _feed(self, codes: Codes, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
        read = codes.padded(rows)
        pool = self._config.conv_pool if self._config.conv_filters else 1
        lengths = np.maximum(codes.lengths[rows], 1)
        padded = np.pad(read, [(0, 0), (0, -read.shape[1] % pool)]).T  # (T, B)
        steps = np.arange(len(padded))[:, None]
        pooled = (lengths + pool - 1) // pool
        feed = {
            "codes": np.ascontiguousarray(padded),
            "mask": (steps < lengths)[..., None].astype(np.float32),
            "lengths": pooled.astype(np.int32),
            "pooled_mask": (steps[: len(padded) // pool] < pooled)[..., None].astype(np.float32),
            "last": ((pooled - 1) * len(rows) + np.arange(len(rows))).astype(np.int64),
        }
        if self._config.ngrams:
            feed["buckets"] = distinct_buckets(read, self._config)
        return {name: value for name, value in feed.items() if name in self._inputs}


def to_onnx(model: keras.Model, config: TextConfig, n_outputs: int) -> bytes:
    """Write a trained network as an ONNX model.

    Inputs, T timesteps (a multiple of the pooling) and B texts: `codes` (T, B) int32; `lengths` (B,) int32 after
    pooling, at least 1; and, where the network needs them, `mask` (T, B, 1) and `pooled_mask` float32, 1 inside the
    text; `last` (B,) int64, the place of each text's last timestep in (T * B) after pooling; `buckets` (B, M) int32 of
    distinct n-grams, 0 pads. Output: `probabilities` (B, n_outputs).
    """
    from recsys.onnx_graph import Graph

    graph = Graph()
    table = graph.constant(*_weights(model, "word_embedding"))
    x = graph.add("Gather", graph.input("codes", ["T", "B"], "INT32"), table)  # (T, B, dim)
    if config.conv_filters:
        x = _convolution(graph, model, config, x)
    lengths = graph.input("lengths", ["B"], "INT32")
    for number in range(1, len(config.units) + 1):
        x = _reading(graph, model, config, number, x, lengths)
    if config.pooling == "max-mean":
        x = _maximum_and_mean(graph, x, lengths)
    if config.dense:
        x = graph.add("Relu", graph.dense(x, *_weights(model, "dense")))
    x = graph.dense(x, *_weights(model, "logits"))
    if config.ngrams:
        wide = _weights(model, "ngram_weights")[0].copy()
        wide[0] = 0  # padding
        buckets = graph.add("Gather", graph.input("buckets", ["B", "M"], "INT32"), graph.constant(wide))
        x = graph.add("Add", x, graph.add("ReduceSum", buckets, graph.constant(np.array([1])), keepdims=0))
    x = graph.add("Sigmoid", x) if config.output == "sigmoid" else graph.add("Softmax", x, axis=-1)
    return graph.finish(x, "probabilities", ["B", n_outputs], "text_classifier")


def _convolution(graph: Graph, model: keras.Model, config: TextConfig, x: str) -> str:
    """Add the convolution over timesteps and its max-pooling, (T, B, dim) to (T / pool, B, filters)."""
    mask = graph.input("mask", ["T", "B", 1], "FLOAT")
    kernel, bias = _weights(model, "convolution")  # (width, dim, filters)
    before = (config.conv_width - 1) // 2
    channels_first = graph.add("Transpose", graph.add("Mul", x, mask), perm=[1, 2, 0])
    weights = [graph.constant(kernel.transpose(2, 1, 0)), graph.constant(bias)]
    x = graph.add("Conv", channels_first, *weights, pads=[before, config.conv_width - 1 - before])
    x = graph.add("Mul", graph.add("Relu", x), graph.add("Transpose", mask, perm=[1, 2, 0]))
    x = graph.add("MaxPool", x, kernel_shape=[config.conv_pool], strides=[config.conv_pool])
    return graph.add("Transpose", x, perm=[2, 0, 1])


def _reading(graph: Graph, model: keras.Model, config: TextConfig, number: int, x: str, lengths: str) -> str:
    """Add one LSTM layer, both directions where asked for; the last one gives what the pooling needs."""
    only_last = number == len(config.units) and config.pooling == "last"
    names = {f"lstm_{number}": False} | ({f"lstm_{number}_backward": True} if config.bidirectional else {})
    states = [
        graph.lstm(x, lengths, *_weights(model, name), only_last=only_last, reverse=reverse)
        for name, reverse in names.items()
    ]
    return graph.add("Concat", *states, axis=-1) if len(states) > 1 else states[0]


def _maximum_and_mean(graph: Graph, x: str, lengths: str) -> str:
    """Pool states over timesteps; ONNX's LSTM gives zeros for the padding."""
    outside = graph.add(
        "Sub", graph.input("pooled_mask", ["S", "B", 1], "FLOAT"), graph.constant(np.ones(1, dtype=np.float32))
    )
    lowered = graph.add("Add", x, graph.add("Mul", outside, graph.constant(np.full(1, 2, dtype=np.float32))))
    total = graph.add("ReduceSum", x, graph.constant(np.array([0])), keepdims=0)
    count = graph.add("Unsqueeze", graph.add("Cast", lengths, to=1), graph.constant(np.array([1])))
    highest = graph.add("ReduceMax", lowered, axes=[0], keepdims=0)
    return graph.add("Concat", highest, graph.add("Div", total, count), axis=-1)


def _weights(model: keras.Model, layer: str) -> list[npt.NDArray[np.float32]]:
    variables = [v for v in model.get_layer(layer).weights if "seed_generator" not in v.path]
    return [np.asarray(v.numpy(), dtype=np.float32) for v in variables]
