"""How far two correct runtimes may be apart on a quantized ONNX graph: each operator rounds its result by one step.

Real numbers: a difference passes through an operator with its largest slope (for weights the sum of their sizes in one
output channel), and a step of the result's grid is added. Where Martlet has one more rounding, of an average on the
grid of its input or a softmax on 1/256, that is added too.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

SLOPES = {"Sigmoid": 0.25, "Softmax": 0.5}
WEIGHTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


class Tolerance:
    def __init__(self, model: onnx.ModelProto) -> None:
        self.constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.of: dict[str, float] = {"x": 0.0}
        self.largest: dict[str, float] = {}  # of quantized tensors: the largest number that the grid has
        self.scales: dict[str, float] = {}
        self.operators = 0
        for node in model.graph.node:
            self.visit(node)

    def steps(self) -> float:
        """Of the output's grid."""
        return self.of["y"] / self.scales["y"]

    def grid(self, name: str, scale: str, zero: str) -> float:
        """Remembers a grid, and gives its step."""
        step = float(np.max(self.constants[scale]))
        zeros = self.constants.get(zero, np.zeros(1, np.uint8))
        limits = np.iinfo(zeros.dtype)
        self.scales[name] = step
        self.largest[name] = step * max(int(limits.max) - int(zeros.min()), int(zeros.max()) - int(limits.min))
        return step

    def real(self, value: np.ndarray, scale: np.ndarray, zero: np.ndarray, axis: int) -> np.ndarray:
        shape = [-1 if place == axis else 1 for place in range(value.ndim)]
        each = [part.reshape(shape) if part.ndim and part.size > 1 else part.reshape(()) for part in (scale, zero)]
        return (value.astype(np.float64) - each[1].astype(np.float64)) * each[0]

    def slope(self, kind: str, weights: np.ndarray, transposed: bool) -> float:
        """The largest sum of sizes of the weights of one output."""
        axis = 0 if kind == "Conv" or kind == "Gemm" and transposed else 1
        return float(np.abs(weights).sum(axis=tuple(a for a in range(weights.ndim) if a != axis)).max())

    def visit(self, node: onnx.NodeProto) -> None:
        inputs, output = list(node.input), node.output[0]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        kind = node.op_type.removeprefix("QLinear").replace("QGemm", "Gemm")
        by_operator = node.op_type != kind
        if kind in ("QuantizeLinear", "DequantizeLinear"):
            zero = inputs[2] if len(inputs) > 2 else ""
            if inputs[0] in self.constants:
                scale, zeros = self.constants[inputs[1]], self.constants.get(zero, np.array(0))
                axis = attributes.get("axis", 1) % max(self.constants[inputs[0]].ndim, 1)
                value = self.constants[inputs[0]]
                if kind == "DequantizeLinear":
                    self.constants[output] = self.real(value, scale, zeros, axis) if zeros.size else value
                else:
                    shape = [-1 if place == axis and scale.size > 1 else 1 for place in range(value.ndim)]
                    limits = np.iinfo(zeros.dtype)
                    steps = np.rint(value / scale.reshape(shape)) + zeros.astype(np.int64).reshape(shape)
                    self.constants[output] = np.clip(steps, limits.min, limits.max).astype(zeros.dtype)
                return
            step = self.grid(output, inputs[1], zero)
            self.of[output] = self.of[inputs[0]] + (step if kind == "QuantizeLinear" else 0)
            return
        self.operators += 1
        step = 0.0
        if kind in WEIGHTS:
            weights = self.constants[inputs[3 if by_operator else 1]]
            if by_operator:
                axis = 0 if kind == "Conv" or attributes.get("transB") else 1
                weights = self.real(weights, self.constants[inputs[4]], self.constants[inputs[5]], axis)
                place = 7 if kind == "Gemm" else 6
                step = self.grid(output, inputs[place], inputs[place + 1])
            self.of[output] = self.of[inputs[0]] * self.slope(kind, weights, bool(attributes.get("transB"))) + step
            return
        if by_operator:
            if kind == "Concat":
                step, operands = self.grid(output, *inputs[:2]), inputs[2::3]
            else:
                count = 2 if kind in ("Add", "Mul") else 1
                step, operands = self.grid(output, *inputs[3 * count : 3 * count + 2]), inputs[0 : 3 * count : 3]
            for name in operands:
                if name in self.constants:
                    place = inputs.index(name)
                    self.grid(name, *inputs[place + 1 : place + 3])
        elif kind in ("Add", "Mul"):
            operands = inputs
            for name in operands:
                if name in self.constants:
                    self.largest[name] = float(np.abs(self.constants[name]).max())
        else:
            operands = [name for name in inputs if name in self.of]
        found = [self.of.get(name, 0.0) for name in operands]  # nothing for a constant
        if kind == "Add":
            result = sum(found)
        elif kind == "Mul":
            sizes = [self.largest[name] for name in operands]
            result = found[0] * sizes[1] + found[1] * sizes[0] + found[0] * found[1]
        else:
            result = max(found) * SLOPES.get(kind, 1)
        if kind == "AveragePool":
            result += self.scales[operands[0]]
        if kind == "Softmax":
            result += 1.5 / 256
        self.of[output] = result + step
        if not by_operator and operands and operands[0] in self.scales:
            # Moved as it is, or a float between Q and DQ: of the same size or smaller.
            self.scales[output] = self.scales[operands[0]]
            self.largest[output] = max(self.largest[name] for name in operands if name in self.largest)
