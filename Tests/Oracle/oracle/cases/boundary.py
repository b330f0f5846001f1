"""QUANTIZE and DEQUANTIZE: float edges and requantization inside a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..builder import ModelBuilder, Quant
from ..case import KINDS, Case, Draw

SCALES = (1 / 256, 0.0078125, 0.0235, 1 / 3, 0.05)


def _point(draw: Draw, dtype: str) -> int:
    return draw.zero_point() - draw.low + (0 if dtype == "uint8" else -128)


def _quantize(source: str, target: str, scale: float, shape: tuple[int, ...], equal: bool) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = Quant(scale, _point(draw, target))
        ratio = 1.0 if equal else draw.uniform(0.3, 3)
        before = None if source == "float32" else Quant(scale * ratio, _point(draw, source))
        x = builder.input(shape, source, before)
        y = builder.tensor(shape, target, quant)
        builder.operator("QUANTIZE", [x], [y], 1 if source == "float32" else 2, "QuantizeOptions")
        return [y]

    return build


def _dequantize(scale: float, shape: tuple[int, ...]) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        x = builder.input(shape, draw.dtype, Quant(scale, draw.zero_point()))
        y = builder.tensor(shape, "float32")
        builder.operator("DEQUANTIZE", [x], [y], 2, "DequantizeOptions")
        return [y]

    return build


def cases() -> Iterator[Case]:
    pairs = [("float32", kind) for kind in KINDS] + [(a, b) for a in KINDS for b in KINDS]
    for number, scale in enumerate(SCALES):
        shape = ((1, 16, 16, 1), (300,), (2, 7, 5, 3), (1, 1), (1, 640))[number]
        for source, target in pairs:
            for equal in (False, True) if source != "float32" else (False,):
                values = {"from": source, "to": target, "scale": scale, "input": shape, "same_scale": equal}
                yield Case("QUANTIZE", values, _quantize(source, target, scale, shape, equal), target)
        for dtype in KINDS:
            yield Case("DEQUANTIZE", {"scale": scale, "input": shape}, _dequantize(scale, shape), dtype)
