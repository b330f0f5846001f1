"""PAD, PADV2, CONCATENATION, RESHAPE, SQUEEZE, EXPAND_DIMS, TRANSPOSE, SPACE_TO_DEPTH and DEPTH_TO_SPACE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builder import ModelBuilder, Quant
from ..case import KINDS, Case, Draw

PADS: tuple[tuple[tuple[int, ...], tuple[tuple[int, int], ...]], ...] = (
    ((1, 5, 6, 3), ((0, 0), (1, 1), (1, 1), (0, 0))),
    ((1, 8, 8, 16), ((0, 0), (0, 1), (0, 1), (0, 0))),
    ((2, 3, 4, 5), ((1, 0), (2, 3), (0, 1), (4, 2))),
    ((3, 7), ((0, 2), (1, 0))),
    ((1, 4, 4, 6), ((0, 0),) * 3 + ((0, 2),)),
    ((2, 2, 2, 2), ((0, 0),) * 4),
    ((5,), ((3, 4),)),
    ((2, 3, 4), ((1, 1), (0, 0), (2, 1))),
)
CONCATENATIONS: tuple[tuple[tuple[tuple[int, ...], ...], int], ...] = (
    (((1, 4, 4, 3), (1, 4, 4, 5)), 3),
    (((1, 4, 4, 16), (1, 4, 4, 16), (1, 4, 4, 1)), -1),
    (((1, 2, 5, 7), (1, 3, 5, 7)), 1),
    (((2, 3, 4, 5), (2, 3, 1, 5)), 2),
    (((1, 6), (4, 6)), 0),
    (((3, 1), (3, 2), (3, 3), (3, 4), (3, 5)), 1),
    (((10,), (11,)), 0),
    (((2, 3, 4),) * 2, 1),
    (((1, 4, 4, 8),), 3),
)
RESHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 4, 4, 3), (1, 48)),
    ((2, 30), (2, 5, 6)),
    ((2, 3, 4), (-1, 3)),
    ((1, 1, 1, 10), (10,)),
    ((12,), (1, 3, 2, 2)),
)
TRANSPOSES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 5, 6, 7), (0, 3, 1, 2)),
    ((1, 5, 6, 7), (0, 2, 3, 1)),
    ((3, 17), (1, 0)),
    ((2, 3, 4, 5), (3, 2, 1, 0)),
    ((2, 3, 4), (0, 2, 1)),
    ((2, 3, 4, 5), (0, 1, 2, 3)),
    ((2, 3, 2, 4, 3), (4, 0, 3, 1, 2)),
    ((1, 8, 1, 9), (0, 2, 1, 3)),
)


def _single(
    draw: Draw,
    builder: ModelBuilder,
    operator: str,
    shape: tuple[int, ...],
    out: tuple[int, ...],
    constants: list[int],
    options: str | None = None,
    version: int = 1,
    quant: Quant | None = None,
    **values: Any,
) -> list[int]:
    """One operator that moves data: the output has the input's scale."""
    quant = quant or draw.quant()
    x = builder.input(shape, draw.dtype, quant)
    y = builder.tensor(out, draw.dtype, quant)
    builder.operator(operator, [x, *constants], [y], version, options, **values)
    return [y]


def _pad(shape: tuple[int, ...], pads: tuple[tuple[int, int], ...], second: bool) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant()
        constants = [builder.constant(np.array(pads, np.int32), "int32")]
        if second:
            constants.append(builder.constant(draw.values((1,)), draw.dtype, quant))
        out = tuple(n + a + b for n, (a, b) in zip(shape, pads, strict=True))
        version = 2 if draw.dtype == "int8" else 1
        return _single(
            draw,
            builder,
            "PADV2" if second else "PAD",
            shape,
            out,
            constants,
            "PadV2Options" if second else "PadOptions",
            version,
            quant,
        )

    return build


def _concatenation(shapes: tuple[tuple[int, ...], ...], axis: int, style: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant()
        quants = [quant if style != "scales" else draw.quant(0.01, 0.2) for _ in shapes]
        inputs = [builder.input(shape, draw.dtype, q) for shape, q in zip(shapes, quants, strict=True)]
        if style == "constant":
            builder.inputs.pop()
            inputs[-1] = builder.constant(draw.values(shapes[-1]), draw.dtype, quant)
        out = list(shapes[0])
        out[axis] = sum(shape[axis] for shape in shapes)
        y = builder.tensor(out, draw.dtype, quant)
        builder.operator(
            "CONCATENATION", inputs, [y], 2 if draw.dtype == "int8" else 1, "ConcatenationOptions", axis=axis
        )
        return [y]

    return build


def _reshape(shape: tuple[int, ...], new: tuple[int, ...], as_tensor: bool) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        constants = [builder.constant(np.array(new, np.int32), "int32")] if as_tensor else []
        out = np.zeros(shape, np.int8).reshape(new).shape
        return _single(draw, builder, "RESHAPE", shape, out, constants, "ReshapeOptions", newShape=list(new))

    return build


def _squeeze(shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        out = np.squeeze(np.zeros(shape, np.int8), axes or None).shape
        return _single(draw, builder, "SQUEEZE", shape, out, [], "SqueezeOptions", squeezeDims=list(axes))

    return build


def _expand(shape: tuple[int, ...], axis: int) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        out = np.expand_dims(np.zeros(shape, np.int8), axis).shape
        return _single(
            draw,
            builder,
            "EXPAND_DIMS",
            shape,
            out,
            [builder.constant(np.array([axis], np.int32), "int32")],
            "ExpandDimsOptions",
        )

    return build


def _transpose(shape: tuple[int, ...], order: tuple[int, ...]) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        out = tuple(shape[i] for i in order)
        return _single(
            draw,
            builder,
            "TRANSPOSE",
            shape,
            out,
            [builder.constant(np.array(order, np.int32), "int32")],
            "TransposeOptions",
            2 if draw.dtype == "int8" else 1,
        )

    return build


def _blocks(operator: str, shape: tuple[int, ...], block: int) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        n, h, w, c = shape
        out = (
            (n, h // block, w // block, c * block * block)
            if operator == "SPACE_TO_DEPTH"
            else (n, h * block, w * block, c // (block * block))
        )
        options = "SpaceToDepthOptions" if operator == "SPACE_TO_DEPTH" else "DepthToSpaceOptions"
        return _single(draw, builder, operator, shape, out, [], options, blockSize=block)

    return build


def cases() -> Iterator[Case]:
    for dtype in KINDS:
        for shape, pads in PADS:
            for second in (False, True):
                yield Case(
                    "PADV2" if second else "PAD", {"input": shape, "pads": pads}, _pad(shape, pads, second), dtype
                )
        for number, (shapes, axis) in enumerate(CONCATENATIONS):
            for style in ("same", "constant", "scales") if number < 4 else ("same",):
                if style == "scales" and dtype == "int8":
                    continue  # the specification wants equal scales for int8
                yield Case(
                    "CONCATENATION",
                    {"inputs": shapes, "axis": axis, "style": style},
                    _concatenation(shapes, axis, style),
                    dtype,
                )
        for number, (shape, new) in enumerate(RESHAPES):
            yield Case("RESHAPE", {"input": shape, "to": new}, _reshape(shape, new, number % 2 == 0), dtype)
        for shape, axes in (((1, 1, 1, 10), (1, 2)), ((1, 5, 1, 3), ()), ((2, 1, 4), (-2,))):
            yield Case("SQUEEZE", {"input": shape, "axes": axes}, _squeeze(shape, axes), dtype)
        for shape, axis in (((3, 4), 0), ((3, 4), 1), ((3, 4), -1)):
            yield Case("EXPAND_DIMS", {"input": shape, "axis": axis}, _expand(shape, axis), dtype)
        for shape, order in TRANSPOSES:
            yield Case("TRANSPOSE", {"input": shape, "order": order}, _transpose(shape, order), dtype)
        for shape, block in (((1, 4, 6, 3), 2), ((2, 6, 6, 5), 3), ((1, 8, 8, 16), 4)):
            yield Case(
                "SPACE_TO_DEPTH", {"input": shape, "block": block}, _blocks("SPACE_TO_DEPTH", shape, block), dtype
            )
            n, h, w, c = shape
            back = (n, h // block, w // block, c * block * block)
            yield Case("DEPTH_TO_SPACE", {"input": back, "block": block}, _blocks("DEPTH_TO_SPACE", back, block), dtype)
