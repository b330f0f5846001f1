"""A test case: one small model, its inputs, and the random draws they are made of."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .builder import ModelBuilder, Quant

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
SAME, VALID = 0, 1
KINDS = ("int8", "uint8")


class Draw:
    """Random numbers that depend on the case's name and the seed alone, never on the other cases."""

    def __init__(self, name: str, seed: int, dtype: str = "int8") -> None:
        self.rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        self.dtype = dtype

    @property
    def low(self) -> int:
        return 0 if self.dtype == "uint8" else -128

    @property
    def high(self) -> int:
        return self.low + 255

    def uniform(self, low: float, high: float) -> float:
        return float(np.float32(self.rng.uniform(low, high)))

    def zero_point(self) -> int:
        """Any zero point, both ends of the range more often than the others."""
        kind = self.rng.integers(0, 8)
        if kind < 2:
            return (self.low, self.high)[kind]
        return int(self.rng.integers(self.low, self.high + 1))

    def point_for(self, activation: str) -> int:
        """A zero point that leaves room for what `activation` lets through."""
        return self.zero_point() if activation == "NONE" else self.low + int(self.rng.integers(0, 100))

    def quant(self, low: float = 0.01, high: float = 0.1, activation: str = "NONE") -> Quant:
        return Quant(self.uniform(low, high), self.point_for(activation))

    def values(self, shape: Sequence[int], low: int | None = None) -> np.ndarray:
        """Quantized values over the whole range."""
        return self.rng.integers(self.low if low is None else low, self.high + 1, tuple(shape)).astype(self.dtype)

    def choice(self, values: Sequence[Any]) -> Any:
        return values[int(self.rng.integers(0, len(values)))]


Build = Callable[[Draw, ModelBuilder], Sequence[int]]


@dataclass(frozen=True)
class Case:
    """`build` adds the operators to an empty model and returns the output tensors."""

    operator: str
    parameters: dict[str, Any]
    build: Build
    dtype: str = "int8"
    styles: tuple[str, ...] = ("any", "ends", "end")

    @property
    def name(self) -> str:
        words = [f"{key}={_text(value)}" for key, value in self.parameters.items()]
        return " ".join([self.operator, self.dtype, *words])

    def make(self, seed: int) -> tuple[bytes, list[list[np.ndarray]]]:
        """The model and its input sets."""
        draw = Draw(self.name, seed, self.dtype)
        builder = ModelBuilder(self.name)
        model = builder.build(self.build(draw, builder))
        return model, list(input_sets(draw, builder, self.styles))


def input_sets(draw: Draw, builder: ModelBuilder, styles: Sequence[str]) -> Iterator[list[np.ndarray]]:
    """Of each style one: any value; only the two extremes; all of one extreme."""
    tensors = [builder.tensors[index] for index in builder.inputs]
    for style in styles:
        yield [_values(draw, tensor, style) for tensor in tensors]


def _values(draw: Draw, tensor: Any, style: str) -> np.ndarray:
    name = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 9: "int8"}[tensor.type]
    shape = tuple(tensor.shape)
    count = int(np.prod(shape, dtype=np.int64))
    if name == "float32":
        return _reals(draw, count, style).reshape(shape)
    low, high = (0, 255) if name == "uint8" else (-128, 127)
    if style == "any":
        values = (np.arange(count) * 101 + draw.rng.integers(0, 256)) % 256 + low
        values = draw.rng.permutation(values) if count <= 4096 else draw.rng.integers(low, high + 1, count)
    elif style == "ends":
        values = draw.rng.choice([low, high], count)
    else:
        values = np.full(count, draw.choice([low, high]))
    return values.astype(name).reshape(shape)


def _reals(draw: Draw, count: int, style: str) -> np.ndarray:
    """Floats around the quantized grid: exact ties (multiples of 1/128), small, large and saturating values."""
    if style == "any":
        values = draw.rng.normal(0, 3, count)
    elif style == "ends":
        values = draw.rng.integers(-2048, 2048, count) / 128.0
    else:
        values = draw.rng.choice([0.0, -0.0, 1e-38, -1e-38, 1e4, -1e4, 0.5, -0.5], count)
    return values.astype(np.float32)


def _text(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ",".join(_text(item) for item in value) if value else "-"
    return str(value)


def output_length(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """Length of a convolution's or pool's output along one axis."""
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - reach) // stride + 1
