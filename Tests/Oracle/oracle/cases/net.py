"""Adds operators to a model one after another, remembering each tensor's shape and quantization."""

from __future__ import annotations

import numpy as np

from ..builder import ModelBuilder, Quant
from ..case import ACTIVATIONS, SAME, VALID, Draw, output_length
from .convolution import bias, output_quant, weights
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

    def conv(
        self,
        x: int,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        padding: str = "SAME",
        activation: str = "NONE",
        depthwise: bool = False,
    ) -> int:
        n, h, w, c = self.shape[x]
        mode = SAME if padding == "SAME" else VALID
        shape = (1, kernel, kernel, channels) if depthwise else (channels, kernel, kernel, c)
        k = weights(self.draw, self.builder, shape, 3 if depthwise else 0, self.granularity)
        b = bias(self.draw, self.builder, self.quant[x], k)
        out = (n, output_length(h, kernel, stride, 1, mode), output_length(w, kernel, stride, 1, mode), channels)
        y = self.make(out, output_quant(self.draw, self.quant[x], k, 1.0, activation))
        values = {
            "padding": mode,
            "strideH": stride,
            "strideW": stride,
            "fusedActivationFunction": ACTIVATIONS[activation],
        }
        if depthwise:
            values["depthMultiplier"] = channels // c
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        self.builder.operator(
            kind,
            [x, k.tensor, b],
            [y],
            3 if self.version == 2 else 1,
            "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
            **values,
        )
        return y

    def unary(self, kind: str, x: int, quant: Quant | None = None) -> int:
        """One-to-one operator; without `quant` the scale stays, as converters write a fusable RELU."""
        standard = {"LOGISTIC": Quant(1 / 256, self.draw.low), "TANH": Quant(1 / 128, self.draw.low + 128)}
        y = self.make(self.shape[x], standard.get(kind) or quant or self.quant[x])
        self.builder.operator(
            kind,
            [x],
            [y],
            1 if kind in ("HARD_SWISH", "RELU_N1_TO_1") else self.version,
            "HardSwishOptions" if kind == "HARD_SWISH" else None,
        )
        return y

    def binary(self, kind: str, a: int, b: int, activation: str = "NONE") -> int:
        qa, qb = self.quant[a].scales[0], self.quant[b].scales[0]
        scale = qa * qb * 80 if kind == "MUL" else max(qa, qb) * 1.3
        y = self.make(broadcast(self.shape[a], self.shape[b]), Quant(scale, self.draw.point_for(activation)))
        self.builder.operator(
            kind, [a, b], [y], self.version, OPTIONS[kind], fusedActivationFunction=ACTIVATIONS[activation]
        )
        return y

    def pad(self, x: int, amount: int, value: int | None = None) -> int:
        """Pads height and width, with the zero point or with `value`."""
        n, h, w, c = self.shape[x]
        pads = self.builder.constant(np.array([[0, 0], [amount, amount], [amount, amount], [0, 0]], np.int32), "int32")
        inputs = [x, pads]
        if value is not None:
            inputs.append(self.builder.constant(np.array([value]), self.draw.dtype, self.quant[x]))
        y = self.make((n, h + 2 * amount, w + 2 * amount, c), self.quant[x])
        self.builder.operator(
            "PAD" if value is None else "PADV2",
            inputs,
            [y],
            self.version,
            "PadOptions" if value is None else "PadV2Options",
        )
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
        self.builder.operator(
            kind,
            [x],
            [y],
            self.version,
            "Pool2DOptions",
            padding=VALID,
            strideH=size,
            strideW=size,
            filterHeight=size,
            filterWidth=size,
        )
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
