"""AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, SOFTMAX, ARG_MAX and ARG_MIN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builder import ModelBuilder, Quant
from ..case import ACTIVATIONS, KINDS, SAME, VALID, Case, Draw, output_length

POOLS: tuple[tuple[tuple[int, ...], tuple[int, int], tuple[int, int], str, str], ...] = (
    ((1, 8, 8, 16), (2, 2), (2, 2), "VALID", "NONE"),
    ((1, 9, 7, 5), (3, 3), (2, 2), "SAME", "NONE"),
    ((2, 6, 6, 33), (3, 3), (1, 1), "SAME", "RELU"),
    ((1, 7, 7, 67), (7, 7), (7, 7), "VALID", "NONE"),
    ((1, 25, 5, 64), (25, 5), (25, 5), "VALID", "NONE"),
    ((1, 5, 11, 3), (1, 4), (1, 3), "SAME", "RELU6"),
    ((1, 4, 4, 1), (4, 2), (1, 2), "VALID", "RELU_N1_TO_1"),
    ((3, 3, 3, 17), (5, 5), (1, 1), "SAME", "NONE"),
    ((1, 1, 1, 8), (1, 1), (1, 1), "VALID", "NONE"),
)
MEANS: tuple[tuple[tuple[int, ...], tuple[int, ...], bool], ...] = (
    ((1, 7, 7, 64), (1, 2), False),
    ((1, 7, 7, 64), (1, 2), True),
    ((2, 4, 5, 17), (2, 1), False),
    ((1, 8, 8, 3), (1,), True),
    ((1, 8, 6, 5), (2,), False),
    ((2, 3, 4, 50), (3,), False),
    ((2, 3, 4, 9), (-1,), True),
    ((4, 6), (1,), False),
    ((4, 6), (0,), True),
    ((2, 3, 4, 5), (1, 2, 3), False),
    ((2, 3, 4, 5), (0, 1), False),
    ((2, 3, 4, 5), (0, 1, 2, 3), True),
    ((1, 1, 1, 12), (1, 2), False),
    ((2, 3, 4, 5), (1, 3), True),
    ((5, 9, 7), (1,), False),
    ((1, 14, 14, 33), (-3, -2), True),
)


def _pool(
    operator: str,
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: str,
    activation: str,
) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant(0.02, 0.06, activation)
        x = builder.input(shape, draw.dtype, quant)
        mode = SAME if padding == "SAME" else VALID
        size = [output_length(shape[1 + i], kernel[i], stride[i], 1, mode) for i in range(2)]
        y = builder.tensor((shape[0], *size, shape[3]), draw.dtype, quant)
        builder.operator(
            operator,
            [x],
            [y],
            2 if draw.dtype == "int8" else 1,
            "Pool2DOptions",
            padding=mode,
            strideH=stride[0],
            strideW=stride[1],
            filterHeight=kernel[0],
            filterWidth=kernel[1],
            fusedActivationFunction=ACTIVATIONS[activation],
        )
        return [y]

    return build


def _mean(shape: tuple[int, ...], axes: tuple[int, ...], keep: bool, same: bool) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant(0.02, 0.06)
        x = builder.input(shape, draw.dtype, quant)
        axis = builder.constant(np.array(axes, np.int32), "int32")
        away = {a % len(shape) for a in axes}
        out = [1 if i in away else n for i, n in enumerate(shape) if keep or i not in away]
        y = builder.tensor(
            out, draw.dtype, quant if same else Quant(quant.scales[0] * draw.uniform(0.2, 1.5), draw.zero_point())
        )
        builder.operator("MEAN", [x, axis], [y], 2 if draw.dtype == "int8" else 1, "ReducerOptions", keepDims=keep)
        return [y]

    return build


def _softmax(shape: tuple[int, ...], beta: float, scale: float) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        x = builder.input(shape, draw.dtype, Quant(scale, draw.zero_point()))
        y = builder.tensor(shape, draw.dtype, Quant(1 / 256, draw.low))
        builder.operator("SOFTMAX", [x], [y], 2 if draw.dtype == "int8" else 1, "SoftmaxOptions", beta=beta)
        return [y]

    return build


def _arg(operator: str, shape: tuple[int, ...], axis: int, index: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        x = builder.input(shape, draw.dtype, draw.quant())
        a = builder.constant(np.array(axis, np.int32).reshape(1), "int32")
        out = [n for i, n in enumerate(shape) if i != axis % len(shape)]
        y = builder.tensor(out, index)
        options = "ArgMaxOptions" if operator == "ARG_MAX" else "ArgMinOptions"
        builder.operator(
            operator, [x, a], [y], 2 if draw.dtype == "int8" else 1, options, outputType={"int32": 2, "int64": 4}[index]
        )
        return [y]

    return build


def cases() -> Iterator[Case]:
    for dtype in KINDS:
        for operator in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            for shape, kernel, stride, padding, activation in POOLS:
                values = {
                    "input": shape,
                    "kernel": kernel,
                    "stride": stride,
                    "padding": padding,
                    "activation": activation,
                }
                yield Case(operator, values, _pool(operator, shape, kernel, stride, padding, activation), dtype)
        for number, (shape, axes, keep) in enumerate(MEANS):
            same = number % 3 == 0
            values = {"input": shape, "axes": axes, "keep": keep, "same_quant": same}
            yield Case("MEAN", values, _mean(shape, axes, keep, same), dtype)
        for shape in ((1, 1), (1, 2), (4, 10), (1, 12), (2, 2, 3, 7), (1, 1001), (33,), (1, 9000), (1, 20000)):
            for beta, scale in ((1.0, 0.12), (0.5, 0.9), (2.5, 0.02), (1.0, 0.003)):
                if (shape[-1] > 500 and scale < 0.1) or (shape[-1] > 9000 and scale < 0.5):
                    continue
                # The reference ends the process when a row's exponentials sum to 512 or more.
                styles = ("any", "any") if shape[-1] > 500 else ("any", "ends", "end")
                yield Case(
                    "SOFTMAX",
                    {"input": shape, "beta": beta, "scale": scale},
                    _softmax(shape, beta, scale),
                    dtype,
                    styles,
                )
        for operator in ("ARG_MAX", "ARG_MIN"):
            for shape, axis, index in (
                ((1, 10), 1, "int32"),
                ((2, 3, 4, 5), 3, "int64"),
                ((2, 3, 4, 5), 1, "int32"),
                ((3, 300), -1, "int64"),
                ((7, 2), 0, "int32"),
                ((1, 6, 6, 21), -1, "int32"),
            ):
                yield Case(
                    operator, {"input": shape, "axis": axis, "index": index}, _arg(operator, shape, axis, index), dtype
                )
