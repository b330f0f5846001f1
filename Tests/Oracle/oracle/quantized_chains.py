"""What the random chains of `quantized_graphs` consist of, and what ONNX Runtime's quantizer makes of float ones."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from harness import ort

from .quantized_graphs import Chain, Quantized


@dataclass(frozen=True)
class Graph:
    name: str
    model: onnx.ModelProto
    inputs: np.ndarray  # [samples, ...]


def weights(chain: Chain, axis: int, *shape: int) -> np.ndarray:
    """Every channel with a size and a middle of its own: asymmetric quantizers give each another zero point."""
    rng = chain.rng
    each = [-1 if place == axis else 1 for place in range(len(shape))]
    channels = shape[axis]
    size = rng.uniform(0.2, 1.5, channels).reshape(each)
    middle = rng.choice([0, 0, -1, 1, 0.5], channels).reshape(each) * size
    depth = np.prod(shape) / channels
    return (rng.uniform(-1, 1, shape) * size + middle * rng.uniform(0, 1.2)) / np.sqrt(depth)


def convolution(chain: Chain, x: Quantized, like: bool = False) -> Quantized:
    _, channels, height, width = x.values.shape
    rng = chain.rng
    groups = int(chain.pick([g for g in (1, 1, 1, 2, 4, channels, channels) if channels % g == 0]))
    outputs = channels if like else groups * int(rng.integers(1, 4)) if groups > 2 else groups * int(rng.integers(1, 9))
    kernel = [int(chain.pick([k for k in (1, 1, 2, 3, 3, 5) if k <= size])) for size in (height, width)]
    sizes = zip(kernel, (height, width), strict=True)
    dilations = [int(chain.pick([d for d in (1, 1, 1, 2) if (k - 1) * d < size])) for k, size in sizes]
    attributes: dict[str, Any] = {"kernel_shape": kernel, "dilations": dilations, "group": groups}
    if like:
        attributes["auto_pad"] = chain.pick(["SAME_UPPER", "SAME_LOWER"])
        attributes["dilations"] = [1, 1]
    else:
        attributes["strides"] = [int(chain.pick([1, 1, 2])) for _ in kernel]
        attributes["pads"] = [int(rng.integers(0, k)) for k in kernel * 2]
    return chain.layer("Conv", x, weights(chain, 0, outputs, channels // groups, *kernel), 0, **attributes)


def transposed(chain: Chain, x: Quantized) -> Quantized:
    channels = x.values.shape[1]
    kernel = [int(chain.rng.integers(1, 4)) for _ in range(2)]
    pads = [int(chain.rng.integers(0, (k + 1) // 2)) for k in kernel]
    strides = [int(chain.pick([1, 2])) for _ in kernel]
    value = weights(chain, 1, channels, int(chain.rng.integers(1, 6)), *kernel)
    return chain.layer("ConvTranspose", x, value, 1, strides=strides, pads=pads * 2, kernel_shape=kernel)


def dense(chain: Chain, x: Quantized) -> Quantized:
    if x.values.ndim > 2:
        x = chain.apply("Flatten", [x], axis=1)
    depth, outputs = x.values.shape[1], int(chain.rng.integers(1, 20))
    if chain.rng.random() < 0.4:
        return chain.layer("MatMul", x, weights(chain, 1, depth, outputs), 1)
    if chain.rng.random() < 0.5:
        return chain.layer("Gemm", x, weights(chain, 0, outputs, depth), 0, transB=1)
    return chain.layer("Gemm", x, weights(chain, 1, depth, outputs), 1)


def window(chain: Chain, x: Quantized) -> dict[str, Any]:
    kernel = [int(chain.pick([k for k in (1, 2, 2, 3) if k <= size])) for size in x.values.shape[2:]]
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": [int(chain.pick([1, 2])) for _ in kernel]}
    attributes["pads"] = [int(chain.rng.integers(0, (k + 1) // 2)) for k in kernel] * 2
    attributes["ceil_mode"] = int(chain.rng.random() < 0.3)
    return attributes


def step(chain: Chain, x: Quantized) -> Quantized:
    """One operator more, or a branch that joins again."""
    flat = [dense, lambda c, v: c.apply("Softmax", [v], axis=-1), unary]
    picture = [convolution] * 5 + [transposed, dense, pool, pool, unary, unary, branch, branch, branch, moved]
    return chain.pick(flat if x.values.ndim == 2 else picture)(chain, x)


def pool(chain: Chain, x: Quantized) -> Quantized:
    kind = chain.pick(["MaxPool", "AveragePool", "GlobalAveragePool"])
    if kind == "GlobalAveragePool":
        return chain.apply(kind, [x])
    extra = {"count_include_pad": int(chain.rng.random() < 0.5)} if kind == "AveragePool" else {}
    return chain.apply(kind, [x], **window(chain, x), **extra)


def unary(chain: Chain, x: Quantized) -> Quantized:
    kind = chain.pick(["Sigmoid", "LeakyRelu", "Relu", "Clip", "Softmax"])
    if kind == "Clip":
        return chain.apply(kind, [x], [np.float32(-0.5), np.float32(1)])
    attributes = {"LeakyRelu": {"alpha": float(chain.pick([0.01, 0.3]))}, "Softmax": {"axis": int(chain.pick([1, -1]))}}
    return chain.apply(kind, [x], **attributes.get(kind, {}))


def branch(chain: Chain, x: Quantized) -> Quantized:
    kind = chain.pick(["Add", "Mul", "Concat"])
    if kind != "Concat" and chain.rng.random() < 0.3:
        # Of one sign, so that not all but one of them are cut off to zero.
        other = chain.given(chain.pick([-1, 1]) * chain.rng.uniform(0.5, 1.5, (1, x.values.shape[1], 1, 1)))
    else:
        other = chain.apply("Sigmoid", [x]) if kind == "Mul" else convolution(chain, x, like=True)
    return chain.apply(kind, [x, other], **({"axis": 1} if kind == "Concat" else {}))


def moved(chain: Chain, x: Quantized) -> Quantized:
    if chain.rng.random() < 0.3:
        return chain.apply("Transpose", [x], perm=[0, 1, 3, 2])
    modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return chain.apply("Resize", [x], [np.array([], np.float32), np.float32([1, 1, 2, 2])], **modes)


def chain(seed: int, number: int, form: str) -> Graph:
    rng = np.random.default_rng([seed, number])
    made = Chain(rng, form)
    x = made.start([int(rng.integers(1, 9)), *(int(size) for size in rng.integers(3, 10, 2))])
    for _ in range(int(rng.integers(1, 5))):
        x = step(made, x)
    return Graph(f"{form} {seed}.{number}", made.finish(x), made.inputs)


KEEP_GRID = ("Relu", "Clip", "MaxPool", "Resize", "Transpose", "Flatten")


def is_quantized(model: onnx.ModelProto) -> bool:
    """Whether the file says on which grids its edges and its layers' results lie.

    The quantizer leaves operators in float that it does not know: their ranges are nowhere, and Martlet wants pictures.
    """

    def readers(name: str) -> set[str]:
        found: set[str] = set()
        for node in model.graph.node:
            if name in node.input:
                found |= readers(node.output[0]) if node.op_type in KEEP_GRID else {node.op_type}
        return found

    last = {node.op_type for node in model.graph.node if "y" in node.output}
    weighted = ("Conv", "ConvTranspose", "Gemm", "MatMul")
    layers = [node.output[0] for node in model.graph.node if node.op_type in weighted]
    return last == {"DequantizeLinear"} and all(readers(name) == {"QuantizeLinear"} for name in ["x", *layers])


FLAGS = ("WeightSymmetric", "ActivationSymmetric", "AddQDQPairToWeight", "DedicatedQDQPair", "QuantizeBias")


def static(seed: int, number: int) -> Graph | None:
    """A float chain that ONNX Runtime quantized, some way; None where it cannot, or not run what it wrote."""
    source = chain(seed, number, "float")
    rng = np.random.default_rng([seed, number, 1])
    types = [QuantType.QUInt8, QuantType.QInt8]
    options = {name: bool(rng.integers(2)) for name in FLAGS if rng.random() < 0.4}
    style: dict[str, Any] = {
        "quant_format": [QuantFormat.QDQ, QuantFormat.QOperator][rng.integers(2)],
        "per_channel": bool(rng.random() < 0.7),
        "reduce_range": bool(rng.random() < 0.2),
        "activation_type": types[rng.integers(2)],
        "weight_type": types[rng.integers(2)],
    }
    logging.getLogger().setLevel(logging.ERROR)
    onnxruntime.set_default_logger_severity(3)
    with tempfile.TemporaryDirectory(prefix="martlet-static-") as folder:
        path, target = Path(folder) / "float.onnx", Path(folder) / "quantized.onnx"
        onnx.save(source.model, path)
        reader = ort.Reader("x", [value[None] for value in source.inputs])
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                quantize_static(str(path), str(target), reader, extra_options=options, **style)
            ort.session(target, optimized=False)
        except Exception:  # the quantizer's, or that of a session that has no kernel for what it wrote
            return None
        found = onnx.load(target)
        if not is_quantized(found):
            return None
        words = [style["quant_format"].name, style["activation_type"].name, style["weight_type"].name]
        words += ["per channel"] * style["per_channel"] + ["reduced"] * style["reduce_range"]
        words += [f"{key}={value}" for key, value in options.items()]
        return Graph(f"quantize_static {seed}.{number} ({', '.join(words)})", found, source.inputs)
