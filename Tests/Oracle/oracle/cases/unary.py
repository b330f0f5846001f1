"""LOGISTIC, TANH, HARD_SWISH, RELU, RELU6, RELU_N1_TO_1 and LEAKY_RELU on all 256 values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..builder import ModelBuilder, Quant
from ..case import KINDS, Case, Draw

SHAPES: tuple[tuple[int, ...], ...] = ((1, 16, 16, 1), (1, 5, 13, 7), (1, 256), (2, 131), (1,))
VERSIONS = {"LOGISTIC": 2, "TANH": 2, "HARD_SWISH": 1, "RELU": 2, "RELU6": 2, "RELU_N1_TO_1": 1, "LEAKY_RELU": 2}


def _unary(operator: str, shape: tuple[int, ...], scale: float, same: bool, alpha: float) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        activation = "RELU" if "RELU" in operator else "NONE"
        quant = Quant(scale, draw.point_for(activation))
        x = builder.input(shape, draw.dtype, quant)
        if operator == "LOGISTIC":
            output = Quant(1 / 256, draw.low)
        elif operator == "TANH":
            output = Quant(1 / 128, 0 if draw.dtype == "int8" else 128)
        else:
            output = quant if same else Quant(scale * draw.uniform(0.4, 1.6), draw.point_for(activation))
        y = builder.tensor(shape, draw.dtype, output)
        if operator == "LEAKY_RELU":
            builder.operator(operator, [x], [y], VERSIONS[operator], "LeakyReluOptions", alpha=alpha)
        else:
            options = "HardSwishOptions" if operator == "HARD_SWISH" else None
            builder.operator(operator, [x], [y], VERSIONS[operator] if draw.dtype == "int8" else 1, options)
        return [y]

    return build


def cases() -> Iterator[Case]:
    for dtype in KINDS:
        for operator in VERSIONS:
            for number, scale in enumerate((0.003, 0.0117, 0.03, 0.0472, 0.1, 0.37)):
                shape, same = SHAPES[number % len(SHAPES)], number % 3 == 2
                alphas = (0.01, 0.2, 0.3, 1.5, -0.5, 0.0) if operator == "LEAKY_RELU" else (0.0,)
                for alpha in alphas[number % 2 :: 2] or alphas:
                    values: dict[str, Any] = {"input": shape, "scale": scale, "same_quant": same}
                    if operator == "LEAKY_RELU":
                        values["alpha"] = alpha
                    yield Case(operator, values, _unary(operator, shape, scale, same, alpha), dtype)
