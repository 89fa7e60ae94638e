"""ONNX graphs written node by node, with ONNX's native LSTM operator.

A converter would turn Keras's loop over timesteps into an ONNX loop, which ONNX Runtime cannot fuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

OPSET = 17
IR_VERSION = 9


class Graph:
    """Collect ONNX nodes and constants; every method returns the name of what it added."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []

    def _name(self) -> str:
        return f"v{len(self._nodes) + len(self._constants)}"

    def input(self, name: str, shape: list[Any], kind: str) -> str:
        from onnx import TensorProto, helper

        self._inputs.append(helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape))
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        dtype = np.int64 if values.dtype.kind == "i" else np.float32
        name = self._name()
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        if operator == "Gather":  # reads (indices, table) here, as look-ups are said
            inputs = (inputs[1], inputs[0])
        name = self._name()
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def dense(self, x: str, kernel: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> str:
        return self.add("Add", self.add("MatMul", x, self.constant(kernel)), self.constant(bias))

    def layer_norm(self, x: str, gamma: npt.NDArray[np.float32], beta: npt.NDArray[np.float32]) -> str:
        return self.add("LayerNormalization", x, self.constant(gamma), self.constant(beta), axis=-1, epsilon=1e-6)

    def pick_rows(self, x: str, rows: str) -> str:
        """Flatten (T, B, n) to (T * B, n) and take rows."""
        shape = self.add("Concat", self.constant(np.array([-1])), self._last_size(x), axis=0)
        return self.add("Gather", rows, self.add("Reshape", x, shape))

    def _last_size(self, x: str) -> str:
        return self.add("Shape", x, start=2)

    def lstm(
        self,
        x: str,
        lengths: str,
        kernel: npt.NDArray[np.float32],
        recurrent: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32],
        *,
        only_last: bool,
        reverse: bool = False,
    ) -> str:
        """Add a Keras LSTM over (T, B, features): (T, B, units), or only the last state (B, units).

        In `reverse` each sample is read from its own end, and the last state is the one at its beginning.
        """
        from onnx import helper

        units = recurrent.shape[0]

        def order(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            i, f, c, o = np.split(matrix, 4, axis=-1)  # Keras's order; ONNX wants i, o, f, c
            return np.concatenate([i, o, f, c], axis=-1).T[None]

        bias = np.concatenate([order(bias[None])[..., 0], np.zeros((1, 4 * units))], axis=1)
        weights = [self.constant(order(kernel)), self.constant(order(recurrent)), self.constant(bias)]
        every, last = self._name(), self._name() + "_last"
        outputs = ["", last] if only_last else [every]
        direction = "reverse" if reverse else "forward"
        node = helper.make_node("LSTM", [x, *weights, lengths], outputs, hidden_size=units, direction=direction)
        self._nodes.append(node)
        axis = self.constant(np.array([0 if only_last else 1]))  # the direction's axis
        return self.add("Squeeze", last if only_last else every, axis)

    def finish(self, output: str, name: str, shape: list[Any], title: str) -> bytes:
        """Name the output and its shape, check the model and return its bytes."""
        from onnx import TensorProto, checker, helper

        self._nodes.append(helper.make_node("Identity", [output], [name]))
        info = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self._nodes, title, self._inputs, [info], self._constants)
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        checker.check_model(model)
        serialized: bytes = model.SerializeToString()
        return serialized
