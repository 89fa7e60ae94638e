"""The trained network as an ONNX graph that turns histories into state vectors, and its runtime.

The graph is written with ONNX's native LSTM operator: a converter would turn Keras's loop into an ONNX loop, which
ONNX Runtime cannot fuse. What is linear before the stack is folded into one look-up table a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.machine import usable_cores
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import Encoding, Events, gather_windows
from recsys.onnx_graph import Graph

if TYPE_CHECKING:
    import keras

BATCH = 128


class Encoder:
    """Run the ONNX graph: from the last `window` events of each history to a vector (n_users, dim)."""

    def __init__(self, graph: bytes, config: LSTMConfig, encoding: Encoding) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1  # a core a batch wastes less than all cores on each batch in turn
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = {item.name for item in self._session.get_inputs()}
        self._config = config
        self._encoding = encoding

    def encode(self, histories: Histories, wish: Sequence[str] = ()) -> npt.NDArray[np.float32]:
        """Return the state after each history, (n_users, dim); an empty history has state 0.

        Histories of like length share a batch, so short ones cost little; the padding changes no result.
        """
        states = np.zeros((histories.n_users, self._config.dim), dtype=np.float32)
        events = Events.of(histories, self._encoding)
        lengths = np.minimum(histories.lengths, self._config.window)
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        groups = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

        def run(rows: npt.NDArray[np.int64]) -> None:
            states[rows] = self._session.run(None, self._feed(events, rows, lengths[rows], wish))[0]

        if len(groups) <= 1:
            for rows in groups:
                run(rows)
        else:
            with ThreadPoolExecutor(usable_cores()) as pool:
                list(pool.map(run, reversed(groups)))  # the longest first, so that no core is left with them alone
        return states

    def _feed(
        self, events: Events, rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], wish: Sequence[str]
    ) -> dict[str, Any]:
        starts = events.histories.offsets[rows + 1] - lengths
        width, n = int(lengths.max()), len(rows)

        def steps(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
            return np.ascontiguousarray(gather_windows(values, starts, lengths, width).T)  # (T, B)

        feed: dict[str, Any] = {
            "items": steps(events.histories.items),
            "lengths": lengths.astype(np.int32),
            "last": ((lengths - 1) * n + np.arange(n)).astype(np.int64),
        }
        if events.ratings is not None:
            feed["ratings"] = steps(events.ratings)
        if events.gaps is not None:
            feed["gaps"] = steps(events.gaps)
        if events.waits is not None:
            feed["waits"] = steps(events.waits)
        if events.counts is not None:
            feed["counts"] = steps(events.counts)
        feed["users"] = events.users[rows]
        feed["wish"] = self._encoding.wish_weights(wish)
        return {name: value for name, value in feed.items() if name in self._inputs}


def item_vectors(model: keras.Model, item_tags: npt.NDArray[np.float32]) -> tuple[Any, Any]:
    """Return the output vectors (n_codes, dim), anime plus average tag embedding, and the biases (n_codes,)."""
    vectors = _weights(model, "item_embedding")[0]
    if "token_embedding" in _names(model):
        vectors = vectors + item_tags @ _weights(model, "token_embedding")[0]
    if "place_embedding" in _names(model):
        vectors = vectors + _places(model)
    return vectors.astype(np.float32), _weights(model, "item_bias")[0][:, 0].astype(np.float32)


def to_onnx(model: keras.Model, config: LSTMConfig, encoding: Encoding, item_tags: npt.NDArray[np.float32]) -> bytes:
    """Write the encoder of a built network as an ONNX model.

    Inputs, T timesteps and B samples: `items`, `ratings`, `gaps`, `waits`, `counts` (T, B) int32; `lengths` (B,)
    int32; `last` (B,) int64, the place of each sample's last event in (T * B); `users` (B,) int32; `wish` (token
    columns,) float32. Output: `states` (B, dim).
    """
    graph = Graph()
    kernel, bias = _weights(model, "projection")
    blocks = iter(_split_rows(kernel, _feature_widths(config, encoding)))
    vectors = _weights(model, "item_embedding")[0]
    table = vectors @ next(blocks) + bias
    if encoding.tokens:
        tokens = _weights(model, "token_embedding")[0]
        table = table + item_tags @ tokens @ next(blocks)
        wish_table = tokens @ next(blocks)
    if config.place_dim:
        table = table + _places(model) @ next(blocks)
    x = graph.add("Gather", graph.input("items", ["T", "B"], "INT32"), graph.constant(table))
    if encoding.tokens:
        wish = graph.add("MatMul", graph.input("wish", [encoding.n_token_columns], "FLOAT"), graph.constant(wish_table))
    if encoding.rating_levels:
        ratings = graph.constant(_weights(model, "rating_embedding")[0] @ next(blocks))
        x = graph.add("Add", x, graph.add("Gather", graph.input("ratings", ["T", "B"], "INT32"), ratings))
    if encoding.has_times:
        gaps = graph.constant(_weights(model, "gap_embedding")[0] @ next(blocks))
        x = graph.add("Add", x, graph.add("Gather", graph.input("gaps", ["T", "B"], "INT32"), gaps))
    if encoding.has_waits:
        waits = graph.constant(_weights(model, "wait_embedding")[0] @ next(blocks))
        x = graph.add("Add", x, graph.add("Gather", graph.input("waits", ["T", "B"], "INT32"), waits))
    if encoding.has_counts:
        counts = graph.constant(_weights(model, "count_embedding")[0] @ next(blocks))
        x = graph.add("Add", x, graph.add("Gather", graph.input("counts", ["T", "B"], "INT32"), counts))
    if encoding.n_users:
        user = graph.add(
            "Gather", graph.input("users", ["B"], "INT32"), graph.constant(_weights(model, "user_embedding")[0])
        )
        x = graph.add("Add", x, graph.add("MatMul", user, graph.constant(next(blocks))))
    last = graph.input("last", ["B"], "INT64")
    if encoding.tokens:
        x = _wish_at_last_step(graph, x, wish, wish_table[0], last)
    lengths = graph.input("lengths", ["B"], "INT32")
    for number in range(1, len(config.units) + 1):
        x = _block(graph, model, config, number, x, lengths, last)
    if "to_item_space" in _names(model):
        x = graph.dense(x, *_weights(model, "to_item_space"))
    return graph.finish(x, "states", ["B", config.dim], "stacked_lstm_encoder")


def _block(graph: Graph, model: keras.Model, config: LSTMConfig, number: int, x: str, lengths: str, last: str) -> str:
    """Add one layer of the stack; after the last one only the state of the last event goes on."""
    is_top = number == len(config.units)
    kernel, recurrent, bias = _weights(model, f"lstm_{number}")
    y = graph.lstm(x, lengths, kernel, recurrent, bias, only_last=is_top)  # (T, B, units), or (B, units) at the top
    if not config.residual:
        return y
    shortcut = graph.pick_rows(x, last) if is_top else x
    if f"shortcut_{number}" in _names(model):
        shortcut = graph.add("MatMul", shortcut, graph.constant(_weights(model, f"shortcut_{number}")[0]))
    x = graph.layer_norm(graph.add("Add", shortcut, y), *_weights(model, f"lstm_{number}_norm"))
    y = graph.add("Relu", graph.dense(x, *_weights(model, f"feed_forward_{number}_in")))
    y = graph.dense(y, *_weights(model, f"feed_forward_{number}_out"))
    return graph.layer_norm(graph.add("Add", x, y), *_weights(model, f"feed_forward_{number}_norm"))


def _wish_at_last_step(graph: Graph, x: str, wish: str, no_wish: npt.NDArray[np.float32], last: str) -> str:
    """Add "no wish" to every timestep and what is wished for to the last one."""
    x = graph.add("Add", x, graph.constant(no_wish))
    flat = graph.add("Reshape", x, graph.constant(np.array([-1, no_wish.shape[0]])))
    difference = graph.add("Sub", wish, graph.constant(no_wish))
    n_rows = graph.add("Shape", last)
    width = graph.constant(np.array([no_wish.shape[0]]))
    rows = graph.add("Expand", difference, graph.add("Concat", n_rows, width, axis=0))
    index = graph.add("Unsqueeze", last, graph.constant(np.array([1])))
    added = graph.add("ScatterND", flat, index, rows, reduction="add")
    return graph.add("Reshape", added, graph.add("Shape", x))


def _feature_widths(config: LSTMConfig, encoding: Encoding) -> list[int]:
    widths = [config.dim]
    widths += [config.dim, config.dim] if encoding.tokens else []
    widths += [config.dim] if config.place_dim else []
    widths += [config.rating_dim] if encoding.rating_levels else []
    widths += [config.time_dim] if encoding.has_times else []
    widths += [config.wait_dim] if encoding.has_waits else []
    widths += [config.count_dim] if encoding.has_counts else []
    widths += [config.user_dim] if encoding.n_users else []
    return widths


def _split_rows(kernel: npt.NDArray[np.float32], widths: list[int]) -> list[npt.NDArray[np.float32]]:
    assert kernel.shape[0] == sum(widths)
    return np.split(kernel, np.cumsum(widths)[:-1])


def _places(model: keras.Model) -> npt.NDArray[np.float32]:
    """Return what the places in the order of ids add to the vectors of titles, (n_codes, dim)."""
    return _weights(model, "item_places")[0] @ _weights(model, "place_embedding")[0]


def _names(model: keras.Model) -> set[str]:
    return {layer.name for layer in model.layers}


def _weights(model: keras.Model, layer: str) -> list[npt.NDArray[np.float32]]:
    """Return a layer's weights as arrays, without the states of its random generators."""
    variables = [v for v in model.get_layer(layer).weights if "seed_generator" not in v.path]
    return [np.asarray(v.numpy(), dtype=np.float32) for v in variables]
