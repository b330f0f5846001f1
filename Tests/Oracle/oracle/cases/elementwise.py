"""ADD, SUB, MUL, PRELU, MAXIMUM and MINIMUM: broadcasting, constants, fused activations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..builder import ModelBuilder, Quant
from ..case import ACTIVATIONS, KINDS, Case, Draw

OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}
SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 8, 8, 16), (1, 8, 8, 16)),
    ((1, 5, 7, 3), (1, 5, 7, 3)),
    ((256,), (256,)),
    ((3, 37), (3, 37)),
    ((1, 4, 4, 24), (1, 1, 1, 24)),
    ((1, 1, 1, 24), (2, 4, 4, 24)),
    ((1, 4, 4, 24), (24,)),
    ((2, 3, 4, 5), (1,)),
    ((2, 1, 4, 5), (2, 3, 1, 5)),
    ((1, 6, 1, 8), (1, 1, 6, 1)),
    ((4, 1), (1, 9)),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((2, 2, 3, 2, 5), (2, 2, 3, 2, 5)),
    ((2, 2, 3, 2, 5), (1, 2, 1, 2, 1)),
    ((1, 1, 1, 1), (1, 1, 1, 1)),
)
PRELU_SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 8, 8, 16), (1, 1, 16)),
    ((2, 3, 4, 5), (1, 1, 1, 5)),
    ((1, 5, 5, 3), (5, 5, 3)),
    ((4, 33), (33,)),
    ((1, 4, 4, 8), (1,)),
    ((2, 6, 3), (2, 6, 3)),
)


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    rank = max(len(a), len(b))
    left, right = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    return tuple(max(x, y) for x, y in zip(left, right, strict=True))


def _binary(operator: str, first: tuple[int, ...], second: tuple[int, ...], activation: str, constant: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        qa, qb = draw.quant(0.005, 0.08), draw.quant(0.005, 0.08)
        scale = qa.scales[0] * qb.scales[0] * 80 if operator == "MUL" else max(qa.scales[0], qb.scales[0])
        quant = Quant(scale * draw.uniform(0.5, 2), draw.point_for(activation))
        make = lambda shape, q, fixed: (
            builder.constant(draw.values(shape), draw.dtype, q) if fixed else builder.input(shape, draw.dtype, q)
        )
        a = make(first, qa, constant == "first")
        b = a if constant == "twice" else make(second, qb, constant == "second")
        y = builder.tensor(broadcast(first, second), draw.dtype, quant)
        builder.operator(
            operator,
            [a, b],
            [y],
            2 if draw.dtype == "int8" else 1,
            OPTIONS[operator],
            fusedActivationFunction=ACTIVATIONS[activation],
        )
        return [y]

    return build


def _extremum(operator: str, first: tuple[int, ...], second: tuple[int, ...], constant: str) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant = draw.quant()
        kind = (draw.dtype, quant)
        make = lambda shape, fixed: (
            builder.constant(draw.values(shape), *kind) if fixed else builder.input(shape, *kind)
        )
        a, b = make(first, constant == "first"), make(second, constant == "second")
        y = builder.tensor(broadcast(first, second), draw.dtype, quant)
        builder.operator(operator, [a, b], [y], 2 if draw.dtype == "int8" else 1, "MaximumMinimumOptions")
        return [y]

    return build


def _prelu(shape: tuple[int, ...], alpha: tuple[int, ...]) -> Any:
    def build(draw: Draw, builder: ModelBuilder) -> list[int]:
        quant, alpha_quant = draw.quant(), draw.quant(0.002, 0.02)
        x = builder.input(shape, draw.dtype, quant)
        a = builder.constant(draw.values(alpha), draw.dtype, alpha_quant)
        y = builder.tensor(shape, draw.dtype, Quant(quant.scales[0] * draw.uniform(0.6, 2), draw.zero_point()))
        builder.operator("PRELU", [x, a], [y], 1)
        return [y]

    return build


def cases() -> Iterator[Case]:
    activations = tuple(ACTIVATIONS)
    for dtype in KINDS:
        for operator in OPTIONS:
            for number, (first, second) in enumerate(SHAPES):
                activation = activations[number % 4]
                fixed = ("no", "second", "no", "first")[number % 4]
                values = {"first": first, "second": second, "constant": fixed, "activation": activation}
                yield Case(operator, values, _binary(operator, first, second, activation, fixed), dtype)
            values = {"first": (1, 3, 3, 5), "second": (1, 3, 3, 5), "constant": "twice", "activation": "NONE"}
            yield Case(operator, values, _binary(operator, (1, 3, 3, 5), (1, 3, 3, 5), "NONE", "twice"), dtype)
        for operator in ("MAXIMUM", "MINIMUM"):
            for number, (first, second) in enumerate(SHAPES):
                fixed = ("no", "second", "no", "first")[number % 4]
                values = {"first": first, "second": second, "constant": fixed}
                yield Case(operator, values, _extremum(operator, first, second, fixed), dtype)
        for shape, alpha in PRELU_SHAPES:
            yield Case("PRELU", {"input": shape, "alpha": alpha}, _prelu(shape, alpha), dtype)
