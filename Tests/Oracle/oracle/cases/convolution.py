"""CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..builder import ModelBuilder, Quant
from ..case import ACTIVATIONS, SAME, VALID, Case, Draw, output_length

VARIANTS = (("int8", "channel"), ("int8", "tensor"), ("uint8", "tensor"))
SPREAD = 74.0  # standard deviation of a uniform byte


@dataclass(frozen=True)
class Weights:
    """A constant weight tensor; `real` is [channels, depth], zero point taken off."""

    tensor: int
    quant: Quant
    real: np.ndarray


def weights(
    draw: Draw, builder: ModelBuilder, shape: tuple[int, ...], axis: int, granularity: str, lowest: bool = False
) -> Weights:
    """Random weights. int8 is symmetric, -128 only where `lowest`; uint8 has a zero point of its own."""
    per_channel = granularity == "channel"
    scale = [draw.uniform(0.002, 0.02) for _ in range(shape[axis])] if per_channel else draw.uniform(0.002, 0.02)
    point = draw.zero_point() if draw.dtype == "uint8" else 0
    quant = Quant(scale, point, axis)
    values = draw.values(shape, draw.low if draw.dtype == "uint8" or lowest else -127)
    real = np.moveaxis(values.astype(np.int64) - point, axis, 0).reshape(shape[axis], -1)
    return Weights(builder.constant(values, draw.dtype, quant), quant, real)


def bias(draw: Draw, builder: ModelBuilder, input_quant: Quant, weight: Weights) -> int:
    """Biases that bring the mean of the accumulators near zero, so that outputs spread over the range."""
    scales = [float(np.float32(input_quant.scales[0]) * np.float32(s)) for s in weight.quant.scales]
    centre = (draw.low + 127.5 - input_quant.zero_points[0]) * weight.real.sum(1)
    values = draw.rng.normal(0, 0.7, len(centre)) * _spread(weight) - centre
    return builder.constant(values.astype(np.int32), "int32", Quant(scales, 0))


def _spread(weight: Weights) -> np.ndarray:
    """Standard deviation of each channel's accumulator for uniform inputs."""
    return SPREAD * np.sqrt((weight.real.astype(np.float64) ** 2).sum(1)) + 1


def output_quant(draw: Draw, input_quant: Quant, weight: Weights, gain: float = 1.0, activation: str = "NONE") -> Quant:
    """A scale that spreads the results over the range and saturates some of them; `gain` makes it finer."""
    mean = float(np.mean(_spread(weight) * np.array(weight.quant.scales)))
    scale = input_quant.scales[0] * mean / 60 * draw.uniform(0.5, 2) / gain
    if activation == "RELU_N1_TO_1":
        scale = min(scale, 1 / 40)
    return Quant(scale, draw.point_for(activation))


def _convolution(p: dict[str, Any], granularity: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        h, w = p["size"]
        kh, kw = p["kernel"]
        sh, sw = p["stride"]
        dh, dw = p["dilation"]
        cin, cout = p["channels"]
        padding = SAME if p["padding"] == "SAME" else VALID
        depth = cin // p.get("groups", 1)
        quant = draw.quant()
        x = builder.input((p["batch"], h, w, cin), draw.dtype, quant)
        k = weights(draw, builder, (cout, kh, kw, depth), 0, granularity, p.get("lowest", False))
        inputs = [x, k.tensor, bias(draw, builder, quant, k)]
        shape = (p["batch"], output_length(h, kh, sh, dh, padding), output_length(w, kw, sw, dw, padding), cout)
        y = builder.tensor(shape, draw.dtype, output_quant(draw, quant, k, p.get("gain", 1.0), p["activation"]))
        builder.operator(
            "CONV_2D",
            inputs,
            [y],
            3 if draw.dtype == "int8" else 1,
            "Conv2DOptions",
            padding=padding,
            strideH=sh,
            strideW=sw,
            dilationHFactor=dh,
            dilationWFactor=dw,
            fusedActivationFunction=ACTIVATIONS[p["activation"]],
        )
        return [y]

    return build


def _depthwise(p: dict[str, Any], granularity: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        h, w = p["size"]
        kh, kw = p["kernel"]
        sh, sw = p["stride"]
        dh, dw = p["dilation"]
        cin, cout = p["channels"], p["channels"] * p["multiplier"]
        padding = SAME if p["padding"] == "SAME" else VALID
        quant = draw.quant()
        x = builder.input((p["batch"], h, w, cin), draw.dtype, quant)
        k = weights(draw, builder, (1, kh, kw, cout), 3, granularity)
        inputs = [x, k.tensor, bias(draw, builder, quant, k)]
        shape = (p["batch"], output_length(h, kh, sh, dh, padding), output_length(w, kw, sw, dw, padding), cout)
        y = builder.tensor(shape, draw.dtype, output_quant(draw, quant, k, 1.0, p["activation"]))
        builder.operator(
            "DEPTHWISE_CONV_2D",
            inputs,
            [y],
            3 if draw.dtype == "int8" else 2,
            "DepthwiseConv2DOptions",
            padding=padding,
            strideH=sh,
            strideW=sw,
            dilationHFactor=dh,
            dilationWFactor=dw,
            depthMultiplier=p["multiplier"],
            fusedActivationFunction=ACTIVATIONS[p["activation"]],
        )
        return [y]

    return build


def _transposed(p: dict[str, Any], granularity: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        h, w = p["size"]
        kh, kw = p["kernel"]
        sh, sw = p["stride"]
        cin, cout = p["channels"]
        padding = SAME if p["padding"] == "SAME" else VALID
        grow = (lambda n, k, s: n * s) if padding == SAME else (lambda n, k, s: n * s + max(k - s, 0))
        quant = draw.quant()
        x = builder.input((p["batch"], h, w, cin), draw.dtype, quant)
        k = weights(draw, builder, (cout, kh, kw, cin), 0, granularity)
        shape = (p["batch"], grow(h, kh, sh), grow(w, kw, sw), cout)
        size = builder.constant(np.array(shape, np.int32), "int32")
        inputs = [size, k.tensor, x]
        if p["bias"]:
            inputs.append(bias(draw, builder, quant, k))
        y = builder.tensor(shape, draw.dtype, output_quant(draw, quant, k))
        builder.operator(
            "TRANSPOSE_CONV",
            inputs,
            [y],
            3 if p["bias"] else 2,
            "TransposeConvOptions",
            padding=padding,
            strideH=sh,
            strideW=sw,
        )
        return [y]

    return build


CHANNELS = (1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 67)
BASE: dict[str, Any] = {
    "batch": 1,
    "size": (8, 8),
    "kernel": (3, 3),
    "stride": (1, 1),
    "dilation": (1, 1),
    "padding": "SAME",
    "channels": (8, 16),
    "activation": "NONE",
}

# What differs from BASE; each is run as int8 per channel, int8 per tensor and uint8.
CONVOLUTIONS: tuple[dict[str, Any], ...] = (
    {"kernel": (1, 1), "channels": (1, 1), "size": (1, 1)},
    {"kernel": (1, 1), "channels": (67, 67)},
    {"kernel": (1, 1), "channels": (16, 24), "stride": (2, 2), "size": (9, 7)},
    {"kernel": (1, 1), "channels": (33, 5), "batch": 3, "activation": "RELU6"},
    {"kernel": (1, 1), "channels": (4, 130), "size": (5, 5)},
    {"channels": (3, 16), "stride": (2, 2), "size": (15, 15)},
    {"channels": (3, 8), "stride": (2, 2), "size": (16, 16), "padding": "VALID"},
    {"channels": (1, 64), "kernel": (10, 4), "stride": (2, 2), "size": (49, 10)},
    {"channels": (17, 33), "size": (1, 1)},
    {"channels": (16, 16), "size": (2, 3), "activation": "RELU"},
    {"kernel": (5, 5), "channels": (7, 19)},
    {"kernel": (5, 5), "channels": (4, 4), "padding": "VALID", "stride": (1, 2)},
    {"kernel": (1, 7), "channels": (12, 20)},
    {"kernel": (7, 1), "channels": (5, 9), "stride": (2, 1)},
    {"kernel": (7, 7), "channels": (3, 10), "stride": (2, 2), "size": (14, 14)},
    {"kernel": (2, 2), "channels": (6, 6), "activation": "RELU_N1_TO_1"},
    {"kernel": (4, 3), "channels": (9, 31), "stride": (3, 2), "size": (11, 13)},
    {"dilation": (2, 2), "channels": (8, 12), "size": (11, 11)},
    {"dilation": (3, 1), "channels": (5, 17), "size": (12, 9), "padding": "VALID"},
    {"dilation": (1, 4), "channels": (3, 3), "size": (7, 15)},
    {"kernel": (8, 8), "channels": (3, 21), "padding": "VALID"},
    {"kernel": (3, 3), "stride": (4, 4), "channels": (8, 8), "size": (13, 13)},
    {"groups": 2, "channels": (8, 12)},
    {"groups": 4, "channels": (20, 68), "kernel": (1, 1)},
    {"groups": 5, "channels": (15, 35), "stride": (2, 2)},
    {"gain": 40.0, "kernel": (1, 1), "channels": (3, 6)},
    {"gain": 0.01, "channels": (8, 8)},
    {"channels": (256, 32), "kernel": (1, 1), "size": (4, 4)},
    {"channels": (1030, 18), "kernel": (1, 1), "size": (2, 2)},
    # Large enough for several units of work and every blocking of rows and columns.
    {"channels": (96, 24), "kernel": (1, 1), "size": (28, 28)},
    {"channels": (24, 144), "kernel": (1, 1), "size": (37, 29), "activation": "RELU6"},
    {"channels": (3, 32), "stride": (2, 2), "size": (97, 65)},
    {"channels": (3, 17), "size": (41, 35)},
    {"channels": (37, 70), "size": (23, 19)},
    {"channels": (320, 161), "kernel": (1, 1), "size": (7, 7)},
    {"channels": (5, 16), "kernel": (5, 5), "size": (40, 33), "stride": (2, 1)},
)
DEPTHWISE: tuple[dict[str, Any], ...] = (
    {"channels": 1, "multiplier": 1, "size": (1, 1)},
    {"channels": 16, "multiplier": 1, "activation": "RELU6"},
    {"channels": 67, "multiplier": 1, "stride": (2, 2), "size": (9, 11)},
    {"channels": 24, "multiplier": 1, "stride": (2, 2), "size": (12, 12), "batch": 2},
    {"channels": 8, "multiplier": 2},
    {"channels": 5, "multiplier": 3, "padding": "VALID"},
    {"channels": 17, "multiplier": 4, "stride": (2, 2)},
    {"channels": 1, "multiplier": 8, "kernel": (10, 8), "stride": (2, 2), "size": (49, 40)},
    {"channels": 32, "multiplier": 1, "kernel": (5, 5)},
    {"channels": 19, "multiplier": 1, "kernel": (5, 5), "stride": (2, 2), "size": (13, 9)},
    {"channels": 33, "multiplier": 1, "kernel": (5, 5), "padding": "VALID", "activation": "RELU"},
    {"channels": 40, "multiplier": 1, "kernel": (1, 7)},
    {"channels": 9, "multiplier": 1, "kernel": (7, 7), "size": (10, 10)},
    {"channels": 64, "multiplier": 1, "kernel": (1, 1)},
    {"channels": 6, "multiplier": 2, "kernel": (2, 4), "stride": (1, 3), "size": (7, 13)},
    {"channels": 16, "multiplier": 1, "dilation": (2, 2), "size": (11, 11)},
    {"channels": 18, "multiplier": 2, "dilation": (3, 2), "size": (10, 10), "padding": "VALID"},
    {"channels": 96, "multiplier": 1, "kernel": (8, 8), "padding": "VALID"},
    {"channels": 48, "multiplier": 1, "size": (2, 2)},
    {"channels": 35, "multiplier": 1, "activation": "RELU_N1_TO_1", "size": (3, 17)},
    {"channels": 67, "multiplier": 1, "size": (41, 37)},
    {"channels": 144, "multiplier": 1, "size": (28, 29), "stride": (2, 2), "activation": "RELU6"},
    {"channels": 50, "multiplier": 1, "kernel": (5, 5), "size": (30, 31)},
    {"channels": 20, "multiplier": 3, "size": (25, 26)},
)
TRANSPOSED: tuple[dict[str, Any], ...] = (
    {"kernel": (2, 2), "stride": (2, 2), "channels": (8, 4)},
    {"kernel": (3, 3), "stride": (2, 2), "channels": (5, 17)},
    {"kernel": (3, 3), "stride": (1, 1), "channels": (16, 16), "padding": "VALID"},
    {"kernel": (4, 4), "stride": (2, 2), "channels": (3, 9), "padding": "VALID"},
    {"kernel": (1, 3), "stride": (1, 2), "channels": (7, 2)},
    {"kernel": (5, 5), "stride": (3, 3), "channels": (4, 33), "size": (3, 4)},
    {"kernel": (2, 2), "stride": (3, 3), "channels": (2, 3), "padding": "VALID"},
    {"kernel": (3, 3), "stride": (2, 1), "channels": (1, 1), "batch": 2},
    {"kernel": (3, 3), "stride": (2, 2), "channels": (24, 40), "size": (17, 15)},
)


def cases() -> Iterator[Case]:
    listed = (
        ("CONV_2D", _convolution, BASE, CONVOLUTIONS),
        ("DEPTHWISE_CONV_2D", _depthwise, {**BASE, "channels": 8, "multiplier": 1}, DEPTHWISE),
        ("TRANSPOSE_CONV", _transposed, {"batch": 1, "size": (4, 5), "padding": "SAME", "bias": True}, TRANSPOSED),
    )
    for operator, make, base, table in listed:
        for dtype, granularity in VARIANTS:
            for row in table:
                values = {**base, **row}
                if operator == "TRANSPOSE_CONV" and dtype == "uint8":
                    values["bias"] = len(row) % 2 == 0
                yield Case(operator, {"weights": granularity, **values}, make(values, granularity), dtype)
    lowest = {**BASE, "lowest": True, "channels": (20, 20)}
    yield Case("CONV_2D", {"weights": "tensor", **lowest}, _convolution(lowest, "tensor"))
    lowest = {**lowest, "kernel": (1, 1), "channels": (36, 18)}
    yield Case("CONV_2D", {"weights": "channel", **lowest}, _convolution(lowest, "channel"))
    yield from _drawn()


def _drawn() -> Iterator[Case]:
    """Random combinations, the same ones each time."""
    rng = np.random.default_rng(zlib.crc32(b"convolutions"))
    pick = lambda values: values[int(rng.integers(0, len(values)))]
    for number in range(60):
        dtype, granularity = VARIANTS[number % 3]
        kernel = pick(((1, 1), (1, 1), (3, 3), (3, 3), (5, 5), (1, 7), (7, 1), (2, 3)))
        dilation = pick(((1, 1), (1, 1), (1, 1), (2, 2), (2, 1)))
        stride = (1, 1) if dilation != (1, 1) else pick(((1, 1), (1, 1), (2, 2), (2, 1), (3, 3)))
        common = {
            "batch": pick((1, 1, 1, 2)),
            "size": (int(rng.integers(8, 15)), int(rng.integers(8, 15))),
            "kernel": kernel,
            "stride": stride,
            "dilation": dilation,
            "padding": pick(("SAME", "VALID")) if (max(kernel) - 1) * max(dilation) < 8 else "SAME",
            "activation": pick(tuple(ACTIVATIONS)),
        }
        if number % 4 == 3:
            values = {**common, "channels": pick(CHANNELS), "multiplier": pick((1, 1, 1, 2, 3, 4))}
            yield Case("DEPTHWISE_CONV_2D", {"weights": granularity, **values}, _depthwise(values, granularity), dtype)
        else:
            values = {**common, "channels": (pick(CHANNELS), pick(CHANNELS))}
            yield Case("CONV_2D", {"weights": granularity, **values}, _convolution(values, granularity), dtype)
