"""SLICE, STRIDED_SLICE, SPLIT and SPLIT_V."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builder import ModelBuilder
from ..case import KINDS, Case, Draw

SLICES: tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 6, 7, 8), (0, 1, 2, 0), (1, 3, 4, 8)),
    ((1, 6, 7, 8), (0, 0, 0, 3), (1, 6, 7, 2)),
    ((4, 9), (1, 2), (-1, -1)),
    ((20,), (5,), (7,)),
    ((2, 3, 4, 5), (1, 0, 0, 0), (1, -1, -1, -1)),
    ((2, 3, 4), (0, 2, 1), (2, 1, 2)),
)
# shape, begin, end, strides, {mask: bits}
STRIDED: tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...], dict[str, int]], ...] = (
    ((1, 8, 8, 4), (0, 0, 0, 0), (1, 8, 8, 4), (1, 2, 2, 1), {}),
    ((1, 8, 8, 4), (0, 1, 1, 0), (0, 0, 0, 0), (1, 2, 2, 1), {"endMask": 15}),
    ((1, 8, 8, 4), (0, 0, 0, 1), (0, 0, 0, 3), (1, 1, 1, 1), {"beginMask": 7, "endMask": 7}),
    ((10,), (8,), (1,), (-2,), {}),
    ((10,), (0,), (0,), (-1,), {"beginMask": 1, "endMask": 1}),
    ((4, 6), (-1, -2), (-5, -7), (-1, -2), {}),
    ((4, 6), (1, 0), (2, 6), (1, 1), {"shrinkAxisMask": 1}),
    ((2, 3, 4, 5), (0, 1, 0, 2), (2, 2, 4, 3), (1, 1, 1, 1), {"shrinkAxisMask": 10}),
    ((2, 3, 4, 5), (0, 1), (0, 4), (1, 2), {"ellipsisMask": 1}),
    ((2, 3, 4, 5), (1, 0, 0), (2, 0, 3), (1, 1, 1), {"ellipsisMask": 2}),
    ((1, 5, 5, 3), (0, 4, 0, 0), (1, -6, 5, 3), (1, -1, 1, 1), {}),
    ((3, 7), (0, 2), (3, 100), (1, 3), {}),
    ((4, 5), (0, 0, 1), (4, 0, 4), (1, 1, 1), {"newAxisMask": 2}),
    ((6, 4), (-3, 0), (6, 4), (1, 1), {}),
)


def _slice(shape: tuple[int, ...], begin: tuple[int, ...], size: tuple[int, ...]) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant()
        x = builder.input(shape, draw.dtype, quant)
        b = builder.constant(np.array(begin, np.int32), "int32")
        s = builder.constant(np.array(size, np.int32), "int32")
        out = [n - i if k < 0 else k for n, i, k in zip(shape, begin, size, strict=True)]
        y = builder.tensor(out, draw.dtype, quant)
        builder.operator("SLICE", [x, b, s], [y], 2 if draw.dtype == "int8" else 1, "SliceOptions")
        return [y]

    return build


def _index(
    shape: tuple[int, ...],
    begin: tuple[int, ...],
    end: tuple[int, ...],
    strides: tuple[int, ...],
    masks: dict[str, int],
) -> tuple[Any, ...]:
    """The same selection in numpy's words, for the shape of the result."""
    has = lambda mask, axis: bool(masks.get(mask, 0) >> axis & 1)
    index: list[Any] = []
    for axis, (b, e, s) in enumerate(zip(begin, end, strides, strict=True)):
        if has("ellipsisMask", axis):
            index.append(Ellipsis)
        elif has("newAxisMask", axis):
            index.append(np.newaxis)
        elif has("shrinkAxisMask", axis):
            index.append(b)
        else:
            index.append(slice(None if has("beginMask", axis) else b, None if has("endMask", axis) else e, s))
    return tuple(index)


def _strided(
    shape: tuple[int, ...],
    begin: tuple[int, ...],
    end: tuple[int, ...],
    strides: tuple[int, ...],
    masks: dict[str, int],
) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant()
        x = builder.input(shape, draw.dtype, quant)
        constants = [builder.constant(np.array(v, np.int32), "int32") for v in (begin, end, strides)]
        out = np.zeros(shape, np.int8)[_index(shape, begin, end, strides, masks)].shape
        y = builder.tensor(out, draw.dtype, quant)
        builder.operator(
            "STRIDED_SLICE", [x, *constants], [y], 2 if draw.dtype == "int8" else 1, "StridedSliceOptions", **masks
        )
        return [y]

    return build


def _split(shape: tuple[int, ...], axis: int, sizes: tuple[int, ...], explicit: bool) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant()
        x = builder.input(shape, draw.dtype, quant)
        a = builder.constant(np.array([axis], np.int32), "int32")
        outputs = []
        for size in sizes:
            out = list(shape)
            out[axis] = size if size >= 0 else shape[axis] - sum(s for s in sizes if s > 0)
            outputs.append(builder.tensor(out, draw.dtype, quant))
        if explicit:
            s = builder.constant(np.array(sizes, np.int32), "int32")
            builder.operator(
                "SPLIT_V", [x, s, a], outputs, 2 if draw.dtype == "int8" else 1, "SplitVOptions", numSplits=len(sizes)
            )
        else:
            builder.operator(
                "SPLIT", [a, x], outputs, 2 if draw.dtype == "int8" else 1, "SplitOptions", numSplits=len(sizes)
            )
        return outputs

    return build


def cases() -> Iterator[Case]:
    for dtype in KINDS:
        for shape, begin, size in SLICES:
            yield Case("SLICE", {"input": shape, "begin": begin, "size": size}, _slice(shape, begin, size), dtype)
        for shape, begin, end, strides, masks in STRIDED:
            values = {"input": shape, "begin": begin, "end": end, "strides": strides, **masks}
            yield Case("STRIDED_SLICE", values, _strided(shape, begin, end, strides, masks), dtype)
        for shape, axis, sizes in (((1, 4, 4, 6), 3, (3, 3)), ((4, 6), 0, (1, 1, 1, 1)), ((1, 6, 5, 3), -3, (2, 2, 2))):
            yield Case(
                "SPLIT", {"input": shape, "axis": axis, "into": len(sizes)}, _split(shape, axis, sizes, False), dtype
            )
        for shape, axis, sizes in (((1, 4, 4, 6), 3, (1, 5)), ((7, 6), 0, (2, -1, 1)), ((1, 6, 5, 3), 2, (1, 3, 1))):
            yield Case(
                "SPLIT_V", {"input": shape, "axis": axis, "sizes": sizes}, _split(shape, axis, sizes, True), dtype
            )
