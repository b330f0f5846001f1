"""FULLY_CONNECTED."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..builder import ModelBuilder
from ..case import ACTIVATIONS, Case, Draw
from .convolution import VARIANTS, bias, output_quant, weights

TABLE: tuple[dict[str, Any], ...] = (
    {"input": (1, 1), "units": 1},
    {"input": (1, 64), "units": 10},
    {"input": (1, 640), "units": 128},
    {"input": (3, 17), "units": 33, "activation": "RELU"},
    {"input": (5, 128), "units": 16, "bias": False},
    {"input": (2, 7), "units": 67, "activation": "RELU6"},
    {"input": (1, 1280), "units": 101},
    {"input": (2, 3, 10), "units": 8, "keep": True},
    {"input": (2, 3, 10), "units": 5},
    {"input": (1, 4, 4, 6), "units": 12, "rows": (1, 12), "depth": 96},
    {"input": (2, 2, 2, 9), "units": 20, "keep": True, "bias": False},
    {"input": (4, 31), "units": 18, "activation": "RELU_N1_TO_1"},
    {"input": (1, 4), "units": 2, "gain": 50.0},
)


def _fully_connected(p: dict[str, Any], granularity: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        shape, units = p["input"], p["units"]
        depth = p.get("depth", shape[-1])
        quant = draw.quant()
        x = builder.input(shape, draw.dtype, quant)
        w = weights(draw, builder, (units, depth), 0, granularity)
        b = bias(draw, builder, quant, w) if p.get("bias", True) else -1
        keep = p.get("keep", False)
        rows = 1
        for size in shape:
            rows *= size
        out = (*shape[:-1], units) if keep else (rows // depth, units)
        y = builder.tensor(
            out, draw.dtype, output_quant(draw, quant, w, p.get("gain", 1.0), p.get("activation", "NONE"))
        )
        version = 12 if granularity == "channel" else 5 if keep or b < 0 else 4 if draw.dtype == "int8" else 1
        builder.operator(
            "FULLY_CONNECTED",
            [x, w.tensor, b],
            [y],
            version,
            "FullyConnectedOptions",
            keepNumDims=keep,
            fusedActivationFunction=ACTIVATIONS[p.get("activation", "NONE")],
        )
        return [y]

    return build


def cases() -> Iterator[Case]:
    for dtype, granularity in VARIANTS:
        for row in TABLE:
            yield Case("FULLY_CONNECTED", {"weights": granularity, **row}, _fully_connected(row, granularity), dtype)
