"""Random quantized ONNX graphs: Q/DQ and QOperator by hand, with parameters of every kind, and ONNX Runtime's own.

A chain is built operator by operator. Each is run in float once, on random values of the grid before it, so that the
grid after it covers what comes out: a difference of one step is then a small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness import ort

OPSET = 17
SAMPLES = 4  # arrays in which a chain's values are followed
CONTRIB = "com.microsoft"
# Operators that take quantized values as they are.
DIRECT = ("MaxPool", "Resize", "Transpose", "Flatten")
QOPERATORS = {
    name: f"QLinear{name}"
    for name in ("Add", "Mul", "Sigmoid", "LeakyRelu", "Softmax", "AveragePool", "GlobalAveragePool", "Concat")
}


@dataclass(frozen=True)
class Quantized:
    """A quantized tensor of the model: its grid, and the real values that it takes for random inputs."""

    name: str
    scale: np.float32
    zero: np.ndarray  # of its type
    values: np.ndarray  # [SAMPLES, ...]

    @property
    def parameters(self) -> list[str]:
        return [f"{self.name}_scale", f"{self.name}_zero"]


def on_grid(values: np.ndarray, scale: np.ndarray, zero: np.ndarray) -> np.ndarray:
    """Real numbers as the integers of a grid; one grid, or one for each index of the first axis."""
    limits = np.iinfo(zero.dtype)
    shape = (-1,) + (1,) * (values.ndim - 1) if zero.ndim else ()
    steps = np.rint(values / scale.reshape(shape)) + zero.astype(np.int64).reshape(shape)
    return np.clip(steps, limits.min, limits.max).astype(zero.dtype)


class Chain:
    """One model while it is made."""

    def __init__(self, rng: np.random.Generator, form: str) -> None:
        self.rng, self.form = rng, form
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.activation = self.pick([np.uint8, np.int8])
        self.count = 0

    def pick(self, values: Sequence[Any]) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def constant(self, stem: str, value: Any) -> str:
        name = self.name(stem)
        self.constants[name] = np.asarray(value)
        return name

    def emit(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))

    # Grids

    def zero_point(self, kind: type) -> int:
        """Any, the ends and the middle more often than the others."""
        limits = np.iinfo(kind)
        common = [limits.min, limits.max, (int(limits.min) + int(limits.max) + 1) // 2]
        return int(self.pick([*common, *self.rng.integers(limits.min, int(limits.max) + 1, 5)]))

    def grid(self, values: np.ndarray, kind: type) -> tuple[np.float32, np.ndarray]:
        """A grid for these values: an end that it does not reach is cut off."""
        limits, zero = np.iinfo(kind), self.zero_point(kind)
        low, high = float(min(values.min(), 0)), float(max(values.max(), 0))
        # Most of the values must stay.
        if -low > 2 * high:
            zero = max(zero, (int(limits.min) + int(limits.max)) // 2)
        elif high > 2 * -low:
            zero = min(zero, (int(limits.min) + int(limits.max)) // 2)
        above, below = int(limits.max) - zero, zero - int(limits.min)
        scale = max(high / above if above > 40 else 0, -low / below if below > 40 else 0)
        return np.float32(max(scale, 1e-4) * self.rng.uniform(0.9, 1.2)), np.array(zero, kind)

    def quantized(self, name: str, values: np.ndarray, like: Quantized | None = None) -> Quantized:
        scale, zero = (like.scale, like.zero) if like else self.grid(values, self.activation)
        limits = np.iinfo(zero.dtype)
        steps = np.clip(np.rint(values / scale) + zero.astype(np.int64), limits.min, limits.max)
        result = Quantized(name, scale, zero, ((steps - zero.astype(np.int64)) * scale).astype(np.float32))
        for key, value in zip(result.parameters, (scale, zero), strict=True):
            self.constants[key] = np.asarray(value)
        return result

    def given(self, values: np.ndarray) -> Quantized:
        """A constant operand, [1, ...]."""
        repeated = np.repeat(values.astype(np.float32), SAMPLES, 0)
        if self.form == "float":
            return Quantized(self.constant("k", values.astype(np.float32)), np.float32(1), np.array(0), repeated)
        made = self.quantized(self.name("k"), repeated)
        self.constants[made.name] = on_grid(values, np.asarray(made.scale), made.zero)
        return made

    def start(self, shape: Sequence[int]) -> Quantized:
        low, high = self.pick([-1, -3, 0]), self.pick([1, 2.5])
        self.inputs = self.rng.uniform(low, high, (SAMPLES, *shape)).astype(np.float32)
        if self.form == "float":
            return Quantized("x", np.float32(1), np.array(0), self.inputs)
        result = self.quantized("x_q", self.inputs)
        self.emit("QuantizeLinear", ["x", *result.parameters], result.name)
        return result

    def finish(self, value: Quantized) -> onnx.ModelProto:
        if self.form == "float":
            self.nodes[-1].output[0] = "y"
        else:
            self.emit("DequantizeLinear", [value.name, *value.parameters], "y")
        return model(self.nodes, self.constants, [1, *self.inputs.shape[1:]])

    # Operators

    def real(self, value: Quantized) -> str:
        if self.form == "float":
            return value.name
        name = self.name("d")
        self.emit("DequantizeLinear", [value.name, *value.parameters], name)
        return name

    def run(self, kind: str, inputs: list[np.ndarray], constants: list[np.ndarray], attributes: dict) -> np.ndarray:
        """The operator in float, on each of the samples."""
        names = [f"i{number}" for number in range(len(inputs))]
        extra = {f"c{number}": value for number, value in enumerate(constants)}
        order = [*names, *(key if value.size else "" for key, value in extra.items())]
        node = helper.make_node(kind, order, ["y"], **attributes)
        shapes = [[1, *value.shape[1:]] for value in inputs]
        session = ort.session(model([node], extra, *shapes, names=names).SerializeToString(), optimized=False)
        feeds = ({n: v[[row]] for n, v in zip(names, inputs, strict=True)} for row in range(SAMPLES))
        return np.concatenate([session.run(None, feed)[0] for feed in feeds])

    def apply(
        self, kind: str, inputs: list[Quantized], constants: Sequence[np.ndarray] = (), **attributes: Any
    ) -> Quantized:
        """An operator without weights."""
        extra = list(constants)
        result = self.run(kind, [value.values for value in inputs], extra, attributes)
        names = [self.constant("c", value) if value.size else "" for value in extra]
        output = self.name("t")
        by_operator = self.form == "qoperator"
        if self.form == "float":
            self.emit(kind, [value.name for value in inputs] + names, output, **attributes)
            return Quantized(output, np.float32(1), np.array(0), result)
        if kind in DIRECT and by_operator:
            self.emit(kind, [value.name for value in inputs] + names, output, **attributes)
            return self.quantized(output, result, like=inputs[0])
        made = self.quantized(output, result, like=inputs[0] if kind in DIRECT and self.rng.random() < 0.7 else None)
        if kind not in QOPERATORS or not by_operator:
            float_name = self.name("f")
            self.emit(kind, [self.real(value) for value in inputs] + names, float_name, **attributes)
            self.emit("QuantizeLinear", [float_name, *made.parameters], output)
            return made
        each = [[value.name, *value.parameters] for value in inputs]
        if kind == "Concat":
            operands = made.parameters + sum(each, [])
        else:
            operands = sum(each, []) + made.parameters
        if kind == "Softmax":
            attributes = {**attributes, "opset": OPSET}
        self.emit(QOPERATORS[kind], operands, output, CONTRIB, **attributes)
        return made

    def weights(self, value: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights on a grid, one for all or one for each index of `axis`: integers, scales, zero points."""
        kind = self.pick([np.int8, np.uint8])
        if self.activation == np.int8 and self.form == "qoperator":
            kind = np.int8  # ONNX Runtime has no kernel for the other
        first = np.moveaxis(value, axis, 0)
        rows = first if self.rng.random() < 0.7 else first.reshape(1, -1)
        style = self.pick(["symmetric", "any", "fitting"])
        limits, scales, zeros = np.iinfo(kind), [], []
        for row in rows:
            low, high = min(float(row.min()), 0.0), max(float(row.max()), 0.0)
            if style == "fitting":  # as asymmetric quantizers do: the whole range is used
                scale = max(high - low, 1e-3) / 255
                zero = int(np.clip(np.rint(limits.min - low / scale), limits.min, limits.max))
            else:
                middle = (int(limits.min) + int(limits.max) + 1) // 2
                zero = middle if style == "symmetric" else self.zero_point(kind)
                span = max(int(limits.max) - zero, zero - int(limits.min))
                scale = max(abs(low), high, 1e-3) / min(span, 127)
            scales.append(scale)
            zeros.append(zero)
        scale, zero = np.array(scales, np.float32), np.array(zeros, kind)
        integers = on_grid(rows, scale, zero).reshape(first.shape)
        if len(scales) == 1:
            scale, zero = scale[0], zero[0]
        return np.moveaxis(integers, 0, axis), np.asarray(scale), np.asarray(zero)

    def layer(self, kind: str, source: Quantized, value: np.ndarray, axis: int, **attributes: Any) -> Quantized:
        """An operator with weights whose output channels lie along `axis`."""
        channels = value.shape[axis]
        if self.form == "float":
            return self.float_layer(kind, source, value, channels, attributes)
        integers, scale, zero = self.weights(value, axis)
        shape = [-1 if place == axis else 1 for place in range(value.ndim)] if scale.ndim else []
        real = (integers.astype(np.int64) - zero.astype(np.int64).reshape(shape)) * scale.reshape(shape)
        bias_scale = (scale * source.scale).astype(np.float32)
        spread = float(np.abs(source.values).max()) * float(np.abs(real).mean()) * np.sqrt(real.size / channels)
        bias = np.rint(self.rng.normal(0, spread, channels) / bias_scale).astype(np.int32)
        has_bias = kind != "MatMul" and self.rng.random() < 0.7
        extra = [real.astype(np.float32)] + ([(bias * bias_scale).astype(np.float32)] if has_bias else [])
        result = self.run(kind, [source.values], extra, attributes)
        output = self.name("t")
        made = self.quantized(output, result)
        w, ws, wz = self.constant("w", integers), self.constant("ws", scale), self.constant("wz", zero)
        if self.form == "qoperator" and kind != "ConvTranspose":
            b = [self.constant("b", bias)] if has_bias else []
            operands = [source.name, *source.parameters, w, ws, wz]
            if kind == "Gemm":
                operands += (b or [""]) + made.parameters
                self.emit("QGemm", operands, output, CONTRIB, **attributes)
            else:
                self.emit(f"QLinear{kind}", operands + made.parameters + b, output, **attributes)
            return made
        weights = self.name("wd")
        self.emit("DequantizeLinear", [w, ws, wz], weights, axis=axis)
        operands = [self.real(source), weights]
        if has_bias and self.rng.random() < 0.7:
            zeros = self.constant("bz", np.zeros_like(scale, np.int32))
            b = self.name("bd")
            self.emit("DequantizeLinear", [self.constant("b", bias), self.constant("bs", bias_scale), zeros], b, axis=0)
            operands.append(b)
        elif has_bias:
            operands.append(self.constant("b", extra[1]))
        float_name = self.name("f")
        self.emit(kind, operands, float_name, **attributes)
        if self.rng.random() < 0.3:
            float_name = self.clamped(float_name)
        self.emit("QuantizeLinear", [float_name, *made.parameters], output)
        return made

    def float_layer(
        self, kind: str, source: Quantized, value: np.ndarray, channels: int, attributes: dict
    ) -> Quantized:
        extra = [value.astype(np.float32)]
        if kind != "MatMul" and self.rng.random() < 0.7:
            extra.append(self.rng.normal(0, 0.3, channels).astype(np.float32))
        result, output = self.run(kind, [source.values], extra, attributes), self.name("t")
        self.emit(kind, [source.name, *(self.constant("w", each) for each in extra)], output, **attributes)
        return Quantized(output, np.float32(1), np.array(0), result)

    def clamped(self, name: str) -> str:
        result = self.name("f")
        if self.rng.random() < 0.5:
            self.emit("Relu", [name], result)
        else:
            bounds = [self.constant("lo", np.float32(self.pick([0, -1]))), self.constant("hi", np.float32(6))]
            self.emit("Clip", [name, *bounds], result)
        return result


def model(
    nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], *shapes: Sequence[int], names: Sequence[str] = ("x",)
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(names, shapes, strict=True)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(value, order="C"), key) for key, value in constants.items() if value.size],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
