"""Chains of operators, where folding, fusing, aliasing and planning can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..builder import ModelBuilder, Quant
from ..case import ACTIVATIONS, SAME, VALID, Case, Draw, output_length
from .convolution import VARIANTS, bias, output_quant, weights
from .elementwise import OPTIONS, broadcast


class Net:
    """Adds operators one after another and remembers every tensor's shape and quantization."""

    def __init__(self, draw: Draw, builder: ModelBuilder, granularity: str) -> None:
        self.draw, self.builder, self.granularity = draw, builder, granularity
        self.shape: dict[int, tuple[int, ...]] = {}
        self.quant: dict[int, Quant] = {}
        self.version = 2 if draw.dtype == "int8" else 1

    def input(self, *shape: int) -> int:
        return self._note(self.builder.input(shape, self.draw.dtype, quant := self.draw.quant()), shape, quant)

    def _note(self, tensor: int, shape: tuple[int, ...], quant: Quant) -> int:
        self.shape[tensor], self.quant[tensor] = tuple(shape), quant
        return tensor

    def make(self, shape: tuple[int, ...], quant: Quant) -> int:
        return self._note(self.builder.tensor(shape, self.draw.dtype, quant), shape, quant)

    def conv(self, x: int, channels: int, kernel: int = 3, stride: int = 1, padding: str = "SAME",
             activation: str = "NONE", depthwise: bool = False) -> int:
        n, h, w, c = self.shape[x]
        mode = SAME if padding == "SAME" else VALID
        shape = (1, kernel, kernel, channels) if depthwise else (channels, kernel, kernel, c)
        k = weights(self.draw, self.builder, shape, 3 if depthwise else 0, self.granularity)
        b = bias(self.draw, self.builder, self.quant[x], k)
        out = (n, output_length(h, kernel, stride, 1, mode), output_length(w, kernel, stride, 1, mode), channels)
        y = self.make(out, output_quant(self.draw, self.quant[x], k, 1.0, activation))
        values = {"padding": mode, "strideH": stride, "strideW": stride, "fusedActivationFunction": ACTIVATIONS[activation]}
        if depthwise:
            values["depthMultiplier"] = channels // c
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        self.builder.operator(kind, [x, k.tensor, b], [y], 3 if self.version == 2 else 1,
                              "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions", **values)
        return y

    def unary(self, kind: str, x: int, quant: Quant | None = None) -> int:
        """One-to-one operator; without `quant` the scale stays, as converters write a fusable RELU."""
        standard = {"LOGISTIC": Quant(1 / 256, self.draw.low), "TANH": Quant(1 / 128, self.draw.low + 128)}
        y = self.make(self.shape[x], standard.get(kind) or quant or self.quant[x])
        self.builder.operator(kind, [x], [y], 1 if kind in ("HARD_SWISH", "RELU_N1_TO_1") else self.version,
                              "HardSwishOptions" if kind == "HARD_SWISH" else None)
        return y

    def binary(self, kind: str, a: int, b: int, activation: str = "NONE") -> int:
        qa, qb = self.quant[a].scales[0], self.quant[b].scales[0]
        scale = qa * qb * 80 if kind == "MUL" else max(qa, qb) * 1.3
        y = self.make(broadcast(self.shape[a], self.shape[b]), Quant(scale, self.draw.point_for(activation)))
        self.builder.operator(kind, [a, b], [y], self.version, OPTIONS[kind], fusedActivationFunction=ACTIVATIONS[activation])
        return y

    def pad(self, x: int, amount: int, value: int | None = None) -> int:
        """Pads height and width, with the zero point or with `value`."""
        n, h, w, c = self.shape[x]
        pads = self.builder.constant(np.array([[0, 0], [amount, amount], [amount, amount], [0, 0]], np.int32), "int32")
        inputs = [x, pads]
        if value is not None:
            inputs.append(self.builder.constant(np.array([value]), self.draw.dtype, self.quant[x]))
        y = self.make((n, h + 2 * amount, w + 2 * amount, c), self.quant[x])
        self.builder.operator("PAD" if value is None else "PADV2", inputs, [y], self.version,
                              "PadOptions" if value is None else "PadV2Options")
        return y

    def mean(self, x: int, keep: bool) -> int:
        n, _, _, c = self.shape[x]
        axis = self.builder.constant(np.array([1, 2], np.int32), "int32")
        y = self.make((n, 1, 1, c) if keep else (n, c), Quant(self.quant[x].scales[0] * 0.4, self.draw.zero_point()))
        self.builder.operator("MEAN", [x, axis], [y], self.version, "ReducerOptions", keepDims=keep)
        return y

    def pool(self, x: int, kind: str, size: int) -> int:
        n, h, w, c = self.shape[x]
        y = self.make((n, h // size, w // size, c), self.quant[x])
        self.builder.operator(kind, [x], [y], self.version, "Pool2DOptions", padding=VALID, strideH=size, strideW=size,
                              filterHeight=size, filterWidth=size)
        return y

    def reshape(self, x: int, *shape: int) -> int:
        y = self.make(shape, self.quant[x])
        s = self.builder.constant(np.array(shape, np.int32), "int32")
        self.builder.operator("RESHAPE", [x, s], [y], 1, "ReshapeOptions", newShape=list(shape))
        return y

    def dense(self, x: int, units: int) -> int:
        rows, depth = self.shape[x]
        w = weights(self.draw, self.builder, (units, depth), 0, self.granularity)
        b = bias(self.draw, self.builder, self.quant[x], w)
        y = self.make((rows, units), output_quant(self.draw, self.quant[x], w))
        version = 12 if self.granularity == "channel" else 4 if self.version == 2 else 1
        self.builder.operator("FULLY_CONNECTED", [x, w.tensor, b], [y], version, "FullyConnectedOptions")
        return y

    def softmax(self, x: int) -> int:
        y = self.make(self.shape[x], Quant(1 / 256, self.draw.low))
        self.builder.operator("SOFTMAX", [x], [y], self.version, "SoftmaxOptions", beta=1.0)
        return y

    def concat(self, parts: list[int], same: bool) -> int:
        """Along the channels. int8 needs equal scales: parts are requantized to the first one's."""
        quant = self.quant[parts[0]]
        if same:
            parts = [p if self.quant[p] is quant else self.requantize(p, quant) for p in parts]
        shape = (*self.shape[parts[0]][:-1], sum(self.shape[p][-1] for p in parts))
        y = self.make(shape, quant)
        self.builder.operator("CONCATENATION", parts, [y], self.version, "ConcatenationOptions", axis=len(shape) - 1)
        return y

    def requantize(self, x: int, quant: Quant) -> int:
        y = self.make(self.shape[x], quant)
        self.builder.operator("QUANTIZE", [x], [y], 2, "QuantizeOptions")
        return y

    def split(self, x: int, parts: int) -> list[int]:
        shape = (*self.shape[x][:-1], self.shape[x][-1] // parts)
        axis = self.builder.constant(np.array([len(shape) - 1], np.int32), "int32")
        outputs = [self.make(shape, self.quant[x]) for _ in range(parts)]
        self.builder.operator("SPLIT", [axis, x], outputs, self.version, "SplitOptions", numSplits=parts)
        return outputs

    def float_input(self, *shape: int) -> int:
        x = self.builder.input(shape, "float32")
        y = self.make(shape, Quant(1 / 32, self.draw.zero_point()))
        self.builder.operator("QUANTIZE", [x], [y], 1, "QuantizeOptions")
        return y

    def float_output(self, x: int) -> int:
        y = self.builder.tensor(self.shape[x], "float32")
        self.builder.operator("DEQUANTIZE", [x], [y], 2, "DequantizeOptions")
        return y


def _residual(n: Net) -> list[int]:
    x = n.conv(n.input(1, 8, 8, 3), 16, activation="RELU")
    return [n.binary("ADD", x, n.conv(n.conv(x, 16, activation="RELU"), 16), "RELU")]


def _inverted(n: Net) -> list[int]:
    x = n.input(1, 7, 7, 24)
    y = n.conv(n.conv(x, 72, 1, activation="RELU6"), 72, 3, depthwise=True, activation="RELU6")
    return [n.binary("ADD", x, n.conv(y, 24, 1))]


def _excite(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 16)
    s = n.conv(n.conv(n.mean(x, True), 4, 1, activation="RELU"), 16, 1)
    return [n.binary("MUL", x, n.unary("LOGISTIC", s))]


def _excite_dense(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 18)
    s = n.unary("LOGISTIC", n.dense(n.dense(n.mean(x, False), 5), 18))
    return [n.binary("MUL", x, n.reshape(s, 1, 1, 1, 18))]


def _classifier(n: Net) -> list[int]:
    x = n.conv(n.input(1, 12, 12, 3), 8, stride=2, activation="RELU6")
    x = n.pool(n.conv(x, 8, 3, depthwise=True), "AVERAGE_POOL_2D", 6)
    return [n.softmax(n.dense(n.reshape(x, 1, 8), 10))]


def _floats(n: Net) -> list[int]:
    return [n.float_output(n.conv(n.float_input(1, 8, 8, 3), 5, activation="RELU"))]


def _float_twice(n: Net) -> list[int]:
    x = n.float_input(1, 4, 4, 8)
    return [n.float_output(n.conv(x, 4)), n.float_output(n.unary("RELU", x))]


def _mixed_outputs(n: Net) -> list[int]:
    x = n.conv(n.input(1, 4, 4, 8), 12)
    return [n.float_output(x), x]


def _input_is_output_too(n: Net) -> list[int]:
    x = n.input(1, 4, 4, 8)
    return [n.conv(x, 8), n.reshape(x, 1, 128)]


def _middle_output(n: Net) -> list[int]:
    x = n.conv(n.input(1, 6, 6, 4), 8)
    y = n.unary("RELU", x)
    return [n.conv(y, 4), x, y]


def _two_inputs(n: Net) -> list[int]:
    a, b = n.input(1, 5, 5, 8), n.input(1, 5, 5, 8)
    return [n.binary("SUB", n.conv(a, 8), n.conv(b, 8, 1))]


def _diamond(n: Net) -> list[int]:
    x = n.input(1, 8, 8, 8)
    a, b, c = n.conv(x, 8, 1), n.conv(x, 8), n.pool(x, "MAX_POOL_2D", 1)
    return [n.binary("ADD", n.binary("ADD", a, b), n.binary("MUL", c, a))]


def _inception(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 8)
    parts = [n.conv(x, 6, 1, activation="RELU"), n.conv(x, 5, 3), n.conv(n.conv(x, 4, 1), 7, 5)]
    return [n.conv(n.concat(parts, n.draw.dtype == "int8"), 9, 1)]


def _shuffle(n: Net) -> list[int]:
    a, b = n.split(n.input(1, 6, 6, 12), 2)
    return [n.concat([n.conv(b, 6, depthwise=True), a], n.draw.dtype == "int8")]


def _split_unused(n: Net) -> list[int]:
    return [n.conv(n.split(n.input(1, 4, 4, 12), 3)[1], 8)]


def _pad_conv(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 9, 9, 5), 1), 12, stride=2, padding="VALID", activation="RELU")]


def _pad_same_conv(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 7, 7, 5), 2), 9, stride=2, padding="SAME")]


def _pad_value_conv(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 9, 9, 5), 1, value=n.draw.low + 7), 12, stride=2, padding="VALID")]


def _pad_zero_conv(n: Net) -> list[int]:
    x = n.input(1, 9, 9, 5)
    return [n.conv(n.pad(x, 1, value=n.quant[x].zero_points[0]), 12, stride=2, padding="VALID")]


def _pad_depthwise(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 9, 9, 20), 1), 20, stride=2, padding="VALID", depthwise=True)]


def _pad_wide_depthwise(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 5, 5, 8), 4), 8, padding="VALID", depthwise=True)]


def _pad_pool(n: Net) -> list[int]:
    return [n.pool(n.pad(n.input(1, 6, 6, 7), 1), "AVERAGE_POOL_2D", 2)]


def _pad_two_uses(n: Net) -> list[int]:
    x = n.pad(n.input(1, 6, 6, 8), 1)
    return [n.binary("ADD", n.conv(x, 8, padding="VALID"), n.conv(x, 8, padding="VALID", depthwise=True))]


def _conv_relu(kind: str, rescale: bool) -> Callable[[Net], list[int]]:
    def build(n: Net) -> list[int]:
        x = n.conv(n.input(1, 6, 6, 6), 10)
        while abs(n.quant[x].zero_points[0] - n.draw.low - 128) > 80:
            x = n.conv(x, 10)
        return [n.unary(kind, x, Quant(n.quant[x].scales[0] * 0.7, n.draw.point_for(kind)) if rescale else None)]
    return build


def _add_relu(n: Net) -> list[int]:
    return [n.unary("RELU", n.binary("ADD", n.input(1, 4, 4, 9), n.input(1, 4, 4, 9)))]


def _swish(n: Net) -> list[int]:
    x = n.conv(n.input(1, 6, 6, 8), 16, 1)
    y = n.unary("HARD_SWISH", x, Quant(n.quant[x].scales[0] * 0.6, n.draw.zero_point()))
    return [n.binary("MUL", n.conv(y, 16, depthwise=True), n.unary("TANH", y))]


def _double_requantize(n: Net) -> list[int]:
    x = n.input(1, 4, 4, 5)
    y = n.requantize(n.requantize(x, n.draw.quant(0.02, 0.2)), n.draw.quant())
    return [n.conv(y, 6)]


def _reshape_chain(n: Net) -> list[int]:
    x = n.conv(n.input(1, 4, 4, 6), 8)
    y = n.reshape(n.reshape(x, 1, 128), 1, 8, 8, 2)
    return [n.conv(y, 6), n.reshape(x, 16, 8)]


def _unused_branch(n: Net) -> list[int]:
    x = n.input(1, 5, 5, 4)
    n.conv(x, 64)
    return [n.conv(x, 4)]


def _deep(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 4)
    for step in range(12):
        x = n.conv(x, 4 + step, 1 + 2 * (step % 2), activation="RELU" if step % 3 else "NONE")
    return [x]


CHAINS: dict[str, Callable[[Net], list[int]]] = {
    "residual": _residual, "inverted_residual": _inverted, "squeeze_excite": _excite,
    "squeeze_excite_dense": _excite_dense, "classifier": _classifier, "float_edges": _floats,
    "float_two_outputs": _float_twice, "float_and_quantized_output": _mixed_outputs,
    "input_reshaped_to_output": _input_is_output_too, "output_in_the_middle": _middle_output, "two_inputs": _two_inputs,
    "diamond": _diamond, "inception": _inception, "shuffle": _shuffle, "split_unused": _split_unused,
    "pad_conv": _pad_conv, "pad_same_conv": _pad_same_conv, "pad_value_conv": _pad_value_conv,
    "pad_zero_conv": _pad_zero_conv, "pad_depthwise": _pad_depthwise, "pad_wide_depthwise": _pad_wide_depthwise,
    "pad_pool": _pad_pool, "pad_two_uses": _pad_two_uses, "add_relu": _add_relu, "swish": _swish,
    "double_requantize": _double_requantize, "reshape_chain": _reshape_chain, "unused_branch": _unused_branch,
    "deep": _deep,
    **{f"conv_{kind.lower()}{'_rescale' if rescale else ''}": _conv_relu(kind, rescale)
       for kind in ("RELU", "RELU6", "RELU_N1_TO_1") for rescale in (False, True)},
}


def cases() -> Iterator[Case]:
    for name, chain in CHAINS.items():
        for dtype, granularity in VARIANTS:
            def build(draw: Draw, builder: ModelBuilder, chain: Callable[[Net], list[int]] = chain,
                      granularity: str = granularity) -> list[int]:
                return chain(Net(draw, builder, granularity))
            yield Case("CHAIN", {"of": name, "weights": granularity}, build, dtype)
