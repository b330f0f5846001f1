"""Writes the small ONNX models in onnx/: seeds of the fuzzer, and what the tests of the commands read.

pip install onnx==1.23.2 numpy
python make_onnx.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "onnx"
RANDOM = np.random.default_rng(1)


def weights(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.4, shape).astype(np.float32)


def model(name: str, nodes: list, constants: dict[str, np.ndarray], shape: list, output: str = "y") -> None:
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="martlet")
    (FOLDER / f"{name}.onnx").write_bytes(made.SerializeToString(deterministic=True))


def node(kind: str, inputs: list[str], outputs: list[str], **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes)


def classifier() -> None:
    """Ten classes of 32x32 pictures: convolutions, batch normalization, a residual sum, squeeze and excite."""
    constants = {
        "w1": weights(8, 3, 3, 3),
        "s": np.abs(weights(8)) + 0.5,
        "b": weights(8),
        "m": weights(8),
        "v": np.abs(weights(8)) + 0.5,
        "w2": weights(8, 1, 3, 3),
        "w3": weights(8, 8, 1, 1),
        "w4": weights(10, 8),
        "b4": weights(10),
    }
    nodes = [
        node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["c1", "s", "b", "m", "v"], ["n1"]),
        node("HardSwish", ["n1"], ["h1"]),
        node("Conv", ["h1", "w2"], ["d1"], pads=[1, 1, 1, 1], group=8),
        node("GlobalAveragePool", ["d1"], ["g1"]),
        node("Conv", ["g1", "w3"], ["e1"]),
        node("Sigmoid", ["e1"], ["e2"]),
        node("Mul", ["d1", "e2"], ["e3"]),
        node("Add", ["e3", "h1"], ["r1"]),
        node("Relu", ["r1"], ["r2"]),
        node("MaxPool", ["r2"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["p1"], ["g2"]),
        node("Flatten", ["g2"], ["f"]),
        node("Gemm", ["f", "w4", "b4"], ["l"], transB=1),
        node("Softmax", ["l"], ["y"]),
    ]
    model("classifier", nodes, constants, ["batch", 3, 32, 32])


def shapes() -> None:
    """A chain of shapes that an exporter writes for a flattening, and branches."""
    constants = {
        "i0": np.array(0),
        "m1": np.array([-1]),
        "a0": np.array([0]),
        "w": weights(6, 32),
        "sp": np.array([2, 2]),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "r": np.array([], np.float32),
        "sc": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "i0"], ["n"]),
        node("Unsqueeze", ["n", "a0"], ["n1"]),
        node("Concat", ["n1", "m1"], ["t"], axis=0),
        node("Split", ["x", "sp"], ["a", "b"], axis=1),
        node("Concat", ["b", "a"], ["c"], axis=1),
        node(
            "Resize",
            ["c", "r", "sc"],
            ["u"],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        ),
        node("AveragePool", ["u"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
        node("LeakyRelu", ["d"], ["k"], alpha=0.2),
        node("MaxPool", ["k"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=0),
        node("Pad", ["p", "pads"], ["q"]),
        node("Reshape", ["p", "t"], ["f"]),
        node("Transpose", ["q"], ["z"], perm=[0, 2, 3, 1]),
        node("ReduceMean", ["z"], ["v"], axes=[1, 2], keepdims=0),
        node("Slice", ["f", "a0", "m8", "m1a"], ["f8"]),
        node("MatMul", ["f", "wt"], ["g"]),
        node("Tanh", ["g"], ["g1"]),
        node("Concat", ["g1", "v", "f8"], ["y"], axis=1),
    ]
    constants |= {"wt": weights(64, 6), "m8": np.array([8]), "m1a": np.array([1])}
    del constants["w"]
    model("shapes", nodes, constants, [1, 4, 8, 8])


def quantized() -> None:
    """The Q/DQ form, and the QOperator form."""
    scale = {"xs": np.float32(0.02), "xz": np.uint8(128), "ys": np.float32(0.05), "yz": np.uint8(100)}
    constants = {key: np.array(value) for key, value in scale.items()}
    constants |= {
        "w": RANDOM.integers(-127, 127, (4, 3, 3, 3)).astype(np.int8),
        "ws": np.full(4, 0.01, np.float32),
        "wz": np.zeros(4, np.int8),
        "b": RANDOM.integers(-900, 900, 4).astype(np.int32),
        "bs": np.full(4, 0.0002, np.float32),
        "bz": np.zeros(4, np.int32),
    }
    qdq = [
        node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=0),
        node("DequantizeLinear", ["b", "bs", "bz"], ["bd"], axis=0),
        node("Conv", ["xd", "wd", "bd"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("QuantizeLinear", ["r", "ys", "yz"], ["rq"]),
        node("DequantizeLinear", ["rq", "ys", "yz"], ["y"]),
    ]
    model("qdq", qdq, constants, [1, 3, 8, 8])
    qoperator = [
        node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        node("QLinearConv", ["xq", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["cq"]),
        node("QLinearAdd", ["cq", "ys", "yz", "cq", "ys", "yz", "ys", "yz"], ["aq"], domain="com.microsoft"),
        node("QLinearGlobalAveragePool", ["aq", "ys", "yz", "ys", "yz"], ["gq"], domain="com.microsoft"),
        node("QLinearConcat", ["ys", "yz", "gq", "ys", "yz", "gq", "ys", "yz"], ["kq"], domain="com.microsoft", axis=1),
        node("DequantizeLinear", ["kq", "ys", "yz"], ["y"]),
    ]
    model(
        "qoperator",
        qoperator,
        {key: value for key, value in constants.items() if key not in ("bs", "bz")},
        [1, 3, 8, 8],
    )


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    classifier()
    shapes()
    quantized()


if __name__ == "__main__":
    main()
