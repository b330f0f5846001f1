"""Chains of operators, where folding, fusing, aliasing and planning can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..builder import ModelBuilder, Quant
from ..case import Case, Draw
from .convolution import VARIANTS
from .net import Net


def _residual(n: Net) -> list[int]:
    x = n.conv(n.input(1, 8, 8, 3), 16, activation="RELU")
    return [n.binary("ADD", x, n.conv(n.conv(x, 16, activation="RELU"), 16), "RELU")]


def _inverted(n: Net) -> list[int]:
    x = n.input(1, 7, 7, 24)
    y = n.conv(n.conv(x, 72, 1, activation="RELU6"), 72, 3, depthwise=True, activation="RELU6")
    return [n.binary("ADD", x, n.conv(y, 24, 1))]


def _excite(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 16)
    s = n.conv(n.conv(n.mean(x, True), 4, 1, activation="RELU"), 16, 1)
    return [n.binary("MUL", x, n.unary("LOGISTIC", s))]


def _excite_dense(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 18)
    s = n.unary("LOGISTIC", n.dense(n.dense(n.mean(x, False), 5), 18))
    return [n.binary("MUL", x, n.reshape(s, 1, 1, 1, 18))]


def _classifier(n: Net) -> list[int]:
    x = n.conv(n.input(1, 12, 12, 3), 8, stride=2, activation="RELU6")
    x = n.pool(n.conv(x, 8, 3, depthwise=True), "AVERAGE_POOL_2D", 6)
    return [n.softmax(n.dense(n.reshape(x, 1, 8), 10))]


def _floats(n: Net) -> list[int]:
    return [n.float_output(n.conv(n.float_input(1, 8, 8, 3), 5, activation="RELU"))]


def _float_twice(n: Net) -> list[int]:
    x = n.float_input(1, 4, 4, 8)
    return [n.float_output(n.conv(x, 4)), n.float_output(n.unary("RELU", x))]


def _mixed_outputs(n: Net) -> list[int]:
    x = n.conv(n.input(1, 4, 4, 8), 12)
    return [n.float_output(x), x]


def _input_is_output_too(n: Net) -> list[int]:
    x = n.input(1, 4, 4, 8)
    return [n.conv(x, 8), n.reshape(x, 1, 128)]


def _middle_output(n: Net) -> list[int]:
    x = n.conv(n.input(1, 6, 6, 4), 8)
    y = n.unary("RELU", x)
    return [n.conv(y, 4), x, y]


def _two_inputs(n: Net) -> list[int]:
    a, b = n.input(1, 5, 5, 8), n.input(1, 5, 5, 8)
    return [n.binary("SUB", n.conv(a, 8), n.conv(b, 8, 1))]


def _diamond(n: Net) -> list[int]:
    x = n.input(1, 8, 8, 8)
    a, b, c = n.conv(x, 8, 1), n.conv(x, 8), n.pool(x, "MAX_POOL_2D", 1)
    return [n.binary("ADD", n.binary("ADD", a, b), n.binary("MUL", c, a))]


def _inception(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 8)
    parts = [n.conv(x, 6, 1, activation="RELU"), n.conv(x, 5, 3), n.conv(n.conv(x, 4, 1), 7, 5)]
    return [n.conv(n.concat(parts, n.draw.dtype == "int8"), 9, 1)]


def _shuffle(n: Net) -> list[int]:
    a, b = n.split(n.input(1, 6, 6, 12), 2)
    return [n.concat([n.conv(b, 6, depthwise=True), a], n.draw.dtype == "int8")]


def _split_unused(n: Net) -> list[int]:
    return [n.conv(n.split(n.input(1, 4, 4, 12), 3)[1], 8)]


def _pad_conv(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 9, 9, 5), 1), 12, stride=2, padding="VALID", activation="RELU")]


def _pad_same_conv(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 7, 7, 5), 2), 9, stride=2, padding="SAME")]


def _pad_value_conv(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 9, 9, 5), 1, value=n.draw.low + 7), 12, stride=2, padding="VALID")]


def _pad_zero_conv(n: Net) -> list[int]:
    x = n.input(1, 9, 9, 5)
    return [n.conv(n.pad(x, 1, value=n.quant[x].zero_points[0]), 12, stride=2, padding="VALID")]


def _pad_depthwise(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 9, 9, 20), 1), 20, stride=2, padding="VALID", depthwise=True)]


def _pad_wide_depthwise(n: Net) -> list[int]:
    return [n.conv(n.pad(n.input(1, 5, 5, 8), 4), 8, padding="VALID", depthwise=True)]


def _pad_pool(n: Net) -> list[int]:
    return [n.pool(n.pad(n.input(1, 6, 6, 7), 1), "AVERAGE_POOL_2D", 2)]


def _pad_two_uses(n: Net) -> list[int]:
    x = n.pad(n.input(1, 6, 6, 8), 1)
    return [n.binary("ADD", n.conv(x, 8, padding="VALID"), n.conv(x, 8, padding="VALID", depthwise=True))]


def _conv_relu(kind: str, rescale: bool) -> Callable[[Net], list[int]]:
    def build(n: Net) -> list[int]:
        x = n.conv(n.input(1, 6, 6, 6), 10)
        while abs(n.quant[x].zero_points[0] - n.draw.low - 128) > 80:
            x = n.conv(x, 10)
        return [n.unary(kind, x, Quant(n.quant[x].scales[0] * 0.7, n.draw.point_for(kind)) if rescale else None)]

    return build


def _add_relu(n: Net) -> list[int]:
    return [n.unary("RELU", n.binary("ADD", n.input(1, 4, 4, 9), n.input(1, 4, 4, 9)))]


def _swish(n: Net) -> list[int]:
    x = n.conv(n.input(1, 6, 6, 8), 16, 1)
    y = n.unary("HARD_SWISH", x, Quant(n.quant[x].scales[0] * 0.6, n.draw.zero_point()))
    return [n.binary("MUL", n.conv(y, 16, depthwise=True), n.unary("TANH", y))]


def _double_requantize(n: Net) -> list[int]:
    x = n.input(1, 4, 4, 5)
    y = n.requantize(n.requantize(x, n.draw.quant(0.02, 0.2)), n.draw.quant())
    return [n.conv(y, 6)]


def _reshape_chain(n: Net) -> list[int]:
    x = n.conv(n.input(1, 4, 4, 6), 8)
    y = n.reshape(n.reshape(x, 1, 128), 1, 8, 8, 2)
    return [n.conv(y, 6), n.reshape(x, 16, 8)]


def _unused_branch(n: Net) -> list[int]:
    x = n.input(1, 5, 5, 4)
    n.conv(x, 64)
    return [n.conv(x, 4)]


def _deep(n: Net) -> list[int]:
    x = n.input(1, 6, 6, 4)
    for step in range(12):
        x = n.conv(x, 4 + step, 1 + 2 * (step % 2), activation="RELU" if step % 3 else "NONE")
    return [x]


CHAINS: dict[str, Callable[[Net], list[int]]] = {
    "residual": _residual,
    "inverted_residual": _inverted,
    "squeeze_excite": _excite,
    "squeeze_excite_dense": _excite_dense,
    "classifier": _classifier,
    "float_edges": _floats,
    "float_two_outputs": _float_twice,
    "float_and_quantized_output": _mixed_outputs,
    "input_reshaped_to_output": _input_is_output_too,
    "output_in_the_middle": _middle_output,
    "two_inputs": _two_inputs,
    "diamond": _diamond,
    "inception": _inception,
    "shuffle": _shuffle,
    "split_unused": _split_unused,
    "pad_conv": _pad_conv,
    "pad_same_conv": _pad_same_conv,
    "pad_value_conv": _pad_value_conv,
    "pad_zero_conv": _pad_zero_conv,
    "pad_depthwise": _pad_depthwise,
    "pad_wide_depthwise": _pad_wide_depthwise,
    "pad_pool": _pad_pool,
    "pad_two_uses": _pad_two_uses,
    "add_relu": _add_relu,
    "swish": _swish,
    "double_requantize": _double_requantize,
    "reshape_chain": _reshape_chain,
    "unused_branch": _unused_branch,
    "deep": _deep,
    **{
        f"conv_{kind.lower()}{'_rescale' if rescale else ''}": _conv_relu(kind, rescale)
        for kind in ("RELU", "RELU6", "RELU_N1_TO_1")
        for rescale in (False, True)
    },
}


def cases() -> Iterator[Case]:
    for name, chain in CHAINS.items():
        for dtype, granularity in VARIANTS:

            def build(
                draw: Draw,
                builder: ModelBuilder,
                chain: Callable[[Net], list[int]] = chain,
                granularity: str = granularity,
            ) -> list[int]:
                return chain(Net(draw, builder, granularity))

            yield Case("CHAIN", {"of": name, "weights": granularity}, build, dtype)
