"""Small hostile ONNX files: numbers in them become extreme, one by one, and martlet-tools must end in order.

    python -m oracle.onnx_limits [--tools TOOLS] [--count 500] [--seed 1] [--keep FOLDER]

Every operator that the importer knows stands in a small sound model. In each of these the dimensions, integer constants
and integer attributes are replaced by zeros, negative numbers and powers of two, alone and together. A run must end
with 0 or 65 and then with one line, without a signal, in little memory and time.
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness.options import Options
from harness.programs import programs

MOST_MEMORY = 400 << 20
MOST_SECONDS = 20
EMPTIED = "without elements"
EXTREMES = (0, -1, 1 << 20, 1 << 31, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63))


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def f32(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


# Operator, constant operands after x (or the name of another computed one), attributes.
ON_PICTURES: tuple[tuple[str, list[Any], dict[str, Any]], ...] = (
    ("Conv", [f32(6, 4, 3, 3), f32(6)], {"pads": [1, 1, 1, 1], "strides": [1, 2], "dilations": [1, 1], "group": 1}),
    ("Conv", [f32(4, 1, 3, 3)], {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3], "group": 4}),
    ("ConvTranspose", [f32(4, 2, 2, 2)], {"strides": [2, 2], "pads": [0, 0, 0, 0], "output_padding": [0, 0]}),
    ("ConvTranspose", [f32(4, 2, 2, 2)], {"strides": [2, 2], "output_shape": [16, 16]}),
    ("MatMul", [f32(8, 5)], {}),
    ("BatchNormalization", [f32(4), f32(4), f32(4), f32(4)], {}),
    ("MaxPool", [], {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0], "ceil_mode": 1}),
    ("AveragePool", [], {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 0, 0, 1], "count_include_pad": 1}),
    ("GlobalAveragePool", [], {}),
    ("ReduceMean", [], {"axes": [2, 3], "keepdims": 1}),
    ("ReduceMax", [], {"axes": [2, 3], "keepdims": 0}),
    ("ReduceSum", [i64(2, 3)], {"keepdims": 0}),
    ("ArgMax", [], {"axis": 1, "keepdims": 0}),
    ("Softmax", [], {"axis": 1}),
    ("Add", [f32(1, 4, 1, 1)], {}),
    ("Mul", [f32(8)], {}),
    ("Div", [f32(1, 1, 8, 8)], {}),
    ("Pow", [f32()], {}),
    ("Clip", [f32(), f32()], {}),
    ("PRelu", [f32(4, 1, 1)], {}),
    ("Reshape", [i64(1, 4, 64)], {"allowzero": 0}),
    ("Flatten", [], {"axis": 1}),
    ("Squeeze", [i64(0)], {}),
    ("Unsqueeze", [i64(0)], {}),
    ("Transpose", [], {"perm": [0, 2, 3, 1]}),
    ("Concat", [f32(1, 2, 8, 8)], {"axis": 1}),
    ("Split", [i64(1, 3)], {"axis": 1}),
    ("Split", [], {"axis": 1, "num_outputs": 2}),
    ("Slice", [i64(1), i64(3), i64(2), i64(1)], {}),
    ("Gather", [i64(0, 1)], {"axis": 1}),
    ("Expand", [i64(1, 4, 8, 8)], {}),
    ("Tile", [i64(1, 1, 1, 1)], {}),
    ("Pad", [i64(0, 0, 1, 1, 0, 0, 1, 1)], {}),
    ("Resize", [None, np.float32([1, 1, 2, 2])], {"mode": b"nearest", "antialias": 0}),
    ("Resize", [None, None, i64(1, 4, 16, 16)], {"mode": b"linear", "exclude_outside": 0}),
    ("DepthToSpace", [], {"blocksize": 2}),
    ("SpaceToDepth", [], {"blocksize": 2}),
    ("Shape", [], {"start": 0, "end": 4}),
    ("Cast", [], {"to": 1}),
    ("QuantizeLinear", [np.float32(0.1), np.uint8(3)], {"axis": 1, "block_size": 0}),
)
ON_CONSTANTS: tuple[tuple[str, list[Any], dict[str, Any]], ...] = (
    ("Transpose", [f32(2, 3, 4)], {"perm": [1, 2, 0]}),
    ("Reshape", [f32(2, 3), i64(3, 2)], {"allowzero": 0}),
    ("Flatten", [f32(2, 3, 4)], {"axis": 1}),
    ("Squeeze", [f32(1, 3), i64(0)], {}),
    ("Unsqueeze", [f32(2, 3), i64(0, 3)], {}),
    ("Concat", [f32(2, 3), f32(2, 2)], {"axis": 1}),
    ("Gather", [f32(4, 3), i64(0, 2)], {"axis": 0}),
    ("Slice", [f32(4, 6), i64(1), i64(3), i64(1), i64(1)], {}),
    ("Tile", [f32(2, 3), i64(2, 2)], {}),
    ("Expand", [f32(2, 1), i64(2, 3)], {}),
    ("ConstantOfShape", [i64(2, 3)], {}),
    ("Range", [i64(0)[0], i64(9)[0], i64(2)[0]], {}),
    ("Where", [np.array([True]), f32(2, 3), f32(3)], {}),
    ("Add", [f32(2, 3), f32(3)], {}),
    ("Div", [i64(4, 6), i64(2)], {}),
    ("Mod", [i64(4, 6), i64(5)], {"fmod": 0}),
    ("Pow", [i64(4, 6), i64(2)], {}),
    ("Neg", [i64(4, 6)], {}),
    ("Abs", [i64(4, 6)], {}),
    ("Cast", [f32(2, 3)], {"to": 7}),
    ("Size", [f32(2, 3)], {}),
    ("ReduceProd", [i64(2, 3)], {"axes": [0], "keepdims": 0}),
    ("ReduceSum", [f32(2, 3), i64(1)], {"noop_with_empty_axes": 1}),
    ("ReduceMax", [f32(2, 3)], {"axes": [1], "keepdims": 1}),
    ("Conv", [f32(1, 2, 5, 5), f32(3, 2, 3, 3)], {"pads": [0, 0, 0, 0], "dilations": [1, 1], "group": 1}),
    ("MaxPool", [f32(1, 2, 5, 5)], {"kernel_shape": [2, 2], "strides": [1, 1]}),
    ("QuantizeLinear", [f32(2, 3), f32(3), np.zeros(3, np.int8)], {"axis": 1}),
    ("DequantizeLinear", [np.zeros((2, 3), np.int8), f32(2), np.zeros(2, np.int8)], {"axis": 0}),
    ("MatMul", [f32(2, 3), f32(3, 4)], {}),
)


OF_INTEGERS = ("Shape", "ArgMax", "QuantizeLinear")


@dataclass(frozen=True)
class Change:
    """A number of a model: a dimension of a tensor, an element of an integer tensor, or of an attribute."""

    place: str
    apply: Any  # a function of the model and the new number


def model(kind: str, operands: list[Any], attributes: dict[str, Any], on_picture: bool) -> onnx.ModelProto:
    names = ["" if value is None else f"c{number}" for number, value in enumerate(operands)]
    constants = [numpy_helper.from_array(np.array(v), n) for n, v in zip(names, operands, strict=True) if v is not None]
    results = ["r", "s"] if kind == "Split" else ["r"]
    nodes = [
        helper.make_node(kind, (["x"] if on_picture else []) + names, results, **attributes),
        helper.make_node("Relu", ["r" if on_picture and kind not in OF_INTEGERS else "x"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], constants)
    opset = 13 if kind == "Resize" or kind.startswith("Reduce") and "axes" in attributes else 21
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def changes(sound: onnx.ModelProto) -> Iterator[Change]:
    def dimension(tensor: int, axis: int) -> Any:
        def apply(made: onnx.ModelProto, number: int) -> None:
            made.graph.initializer[tensor].dims[axis] = number
            if 0 in made.graph.initializer[tensor].dims:  # or else there are too few elements
                made.graph.initializer[tensor].raw_data = b""

        return apply

    def emptied(tensor: int, axis: int) -> Any:
        def apply(made: onnx.ModelProto, number: int) -> None:
            dims = made.graph.initializer[tensor].dims
            for other in range(len(dims)):
                dims[other] = 0 if other == axis else number
            made.graph.initializer[tensor].raw_data = b""

        return apply

    def element(tensor: int, index: int) -> Any:
        def apply(made: onnx.ModelProto, number: int) -> None:
            values = numpy_helper.to_array(made.graph.initializer[tensor]).copy()
            values.reshape(-1)[index] = number
            made.graph.initializer[tensor].raw_data = values.tobytes()

        return apply

    def attribute(place: int, index: int | None) -> Any:
        def apply(made: onnx.ModelProto, number: int) -> None:
            found = made.graph.node[0].attribute[place]
            if index is None:
                found.i = number
            else:
                found.ints[index] = number

        return apply

    for number, tensor in enumerate(sound.graph.initializer):
        for axis in range(len(tensor.dims)):
            yield Change(f"{tensor.name}.dims[{axis}]", dimension(number, axis))
            yield Change(f"{tensor.name} {EMPTIED} [{axis}]", emptied(number, axis))
        if tensor.data_type == TensorProto.INT64:
            for index in range(int(np.prod(tensor.dims, dtype=np.int64))):
                yield Change(f"{tensor.name}[{index}]", element(number, index))
    for place, found in enumerate(sound.graph.node[0].attribute):
        if found.type == onnx.AttributeProto.INT:
            yield Change(found.name, attribute(place, None))
        for index in range(len(found.ints)):
            yield Change(f"{found.name}[{index}]", attribute(place, index))
    for axis in range(4):
        yield Change(f"x.dims[{axis}]", lambda made, number, axis=axis: set_input(made, axis, number))


def set_input(made: onnx.ModelProto, axis: int, number: int) -> None:
    made.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = number


def hostile(rng: np.random.Generator, count: int) -> Iterator[tuple[str, onnx.ModelProto]]:
    """Constants without elements but with other dimensions that are large, which the format allows; and `count` models
    with some numbers of a sound one changed, more often one than all."""
    kinds = [(spec, True) for spec in ON_PICTURES] + [(spec, False) for spec in ON_CONSTANTS]
    for spec, on_picture in kinds:
        for place, change in enumerate(changes(model(*spec, on_picture))):
            for value in (1 << 62, 1 << 29) if EMPTIED in change.place else ():
                made = model(*spec, on_picture)
                list(changes(made))[place].apply(made, value)
                yield f"{spec[0]} {change.place}={value}", made
    for number in range(count):
        (kind, operands, attributes), on_picture = kinds[number % len(kinds)]
        made = model(kind, operands, attributes, on_picture)
        found = list(changes(made))
        chosen = rng.permutation(len(found))[: int(rng.choice([1, 1, 2, 3, len(found)]))]
        words = []
        for index in chosen:
            value = int(rng.choice(np.array(EXTREMES, dtype=object)))
            try:
                found[index].apply(made, value)
            except (ValueError, IndexError):  # a tensor that is no array any more
                continue
            words.append(f"{found[index].place}={value}")
        yield f"{kind} {' '.join(words)}", made


def growing() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Files whose folding would take gigabytes, in one node or in many."""
    large = [numpy_helper.from_array(i64(1 << 20), "n"), numpy_helper.from_array(i64(1 << 24), "m")]
    fill = [helper.make_node("ConstantOfShape", ["n"], ["a"]), helper.make_node("ConstantOfShape", ["m"], ["b"])]
    cases = {
        "concat of 20000": [helper.make_node("Concat", ["a"] * 20000, ["c"], axis=0)],
        "concat of 1000": [helper.make_node("Concat", ["a"] * 1000, ["c"], axis=0)],
        "5000 constants": [helper.make_node("ConstantOfShape", ["n"], [f"c{i}"]) for i in range(5000)],
        "5000 sums": [helper.make_node("Add", ["b", "b"], [f"c{i}"]) for i in range(5000)],
        "5000 reductions": [helper.make_node("ReduceSum", ["b"], [f"c{i}"], keepdims=0) for i in range(5000)],
        "1000 operands": [helper.make_node("Max", ["b"] * 1000, ["c"])],
        "doubling": [helper.make_node("Concat", [f"d{i}"] * 2, [f"d{i + 1}"], axis=0) for i in range(40)],
        "functions": [helper.make_node("Tanh", ["b"], [f"c{i}"]) for i in range(5000)],
    }
    for name, nodes in cases.items():
        first = [helper.make_node("Identity", ["a"], ["d0"])]
        made = model("Relu", [], {}, True)
        made.graph.initializer.extend(large)
        made.graph.node.extend(fill + first + nodes)
        yield name, made


def write(folder: Path) -> None:
    """The sound models: seeds of the fuzzer."""
    folder.mkdir(parents=True, exist_ok=True)
    for on_picture, specs in ((True, ON_PICTURES), (False, ON_CONSTANTS)):
        for number, spec in enumerate(specs):
            name = f"limits-{'picture' if on_picture else 'constant'}-{number}-{spec[0]}.onnx"
            (folder / name).write_bytes(model(*spec, on_picture).SerializeToString())


def problem(tools: str, made: onnx.ModelProto, folder: Path) -> str | None:
    source = folder / "m.onnx"
    source.write_bytes(made.SerializeToString())
    with (folder / "err").open("wb") as log:
        command = [tools, "convert", str(source), "-o", str(folder / "m.martlet")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, preexec_fn=bounded)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = (folder / "err").read_text(errors="replace").splitlines()
    if process.returncode not in (0, 65):
        return f"exit {process.returncode}"
    if len(lines) != (1 if process.returncode else 0):
        return f"{len(lines)} lines on standard error"
    if usage.ru_maxrss << 10 > MOST_MEMORY:
        return f"{usage.ru_maxrss >> 10} MB, at most {MOST_MEMORY >> 20}"
    return None


def bounded() -> None:
    """What never ends is ended by a signal."""
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_random(500, "changed models")
    parser.add_argument("--write", type=Path, help="only write the sound models into this folder")
    parser.add_keep("files")
    options = parser.parse_args()
    if options.write:
        write(options.write)
        return 0
    tested = programs(options)
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="martlet-oracle-") as folder:
        for name, made in itertools.chain(growing(), hostile(np.random.default_rng(options.seed), options.count)):
            found = problem(tested.tools, made, Path(folder))
            if found is None:
                passed += 1
                continue
            failed += 1
            print(f"FAILED {name}: {found}")
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{failed}.onnx").write_bytes(made.SerializeToString())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
