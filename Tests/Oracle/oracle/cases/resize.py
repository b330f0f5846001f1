"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builder import ModelBuilder
from ..case import KINDS, Case, Draw

SIZES: tuple[tuple[tuple[int, ...], tuple[int, int]], ...] = (
    ((1, 4, 4, 3), (8, 8)),
    ((1, 8, 8, 16), (4, 4)),
    ((2, 5, 7, 3), (11, 3)),
    ((1, 7, 7, 17), (9, 13)),
    ((1, 3, 3, 1), (3, 3)),
    ((1, 1, 1, 8), (5, 4)),
    ((1, 6, 6, 2), (1, 1)),
    ((1, 10, 12, 5), (7, 7)),
)


def _resize(operator: str, shape: tuple[int, ...], size: tuple[int, int], align: bool, half: bool) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant()
        x = builder.input(shape, draw.dtype, quant)
        s = builder.constant(np.array(size, np.int32), "int32")
        y = builder.tensor((shape[0], *size, shape[3]), draw.dtype, quant)
        options = "ResizeBilinearOptions" if operator == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
        builder.operator(operator, [x, s], [y], 3 if half else 2, options, alignCorners=align, halfPixelCenters=half)
        return [y]

    return build


def cases() -> Iterator[Case]:
    for dtype in KINDS:
        for operator in ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"):
            for shape, size in SIZES:
                for align, half in ((False, False), (True, False), (False, True)):
                    yield Case(
                        operator,
                        {"input": shape, "to": size, "align_corners": align, "half_pixel": half},
                        _resize(operator, shape, size, align, half),
                        dtype,
                    )
