"""The corpus of real models and pictures beside the checkout, where there is one."""

from __future__ import annotations

import csv
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

from .programs import ROOT

CORPUS = Path(os.environ.get("MARTLET_CORPUS", ROOT.parent / "shared" / "corpus"))
UNCONVERTED = {"pretrainedResnet"}  # float

# The labelled set of each model that has one.
DATA: dict[str, str] = {
    "pretrainedResnet_quant": "cifar_ic01",
    "vww_96_int8": "coco_person",
    "person_detect": "coco_person",
    "kws_ref_model": "kws01",
    "mobilenet_v1_0.25_128_quant": "imagenet_eval",
    "mobilenet_v1_0.5_160_quant": "imagenet_eval",
    "mobilenet_v2_1.0_224_quant": "imagenet_eval",
    "tf2_mobilenet_v2_1.0_224_ptq": "imagenet_eval",
}
# How classify fits these pictures, in the words of `martlet-tools convert --resize`.
FIT = {"imagenet_eval": "crop"}
LABEL_OFFSET = {"imagenet_eval": 1}  # index 0 of the 1001-class models is "background"


def require() -> None:
    """Ends the command, in order, where there is no corpus."""
    if not CORPUS.is_dir():
        print(f"no corpus at {CORPUS}: nothing to do (MARTLET_CORPUS names another place)")
        sys.exit(0)


@dataclass(frozen=True)
class Boundary:
    """A model's input or output: numpy type and shape."""

    dtype: np.dtype
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """A quantized model of the corpus: a .tflite file, or an .onnx file."""

    name: str
    path: Path

    @property
    def content(self) -> bytes:
        """The file, made acceptable to LiteRT: see `repaired`."""
        data = self.path.read_bytes()
        return repaired(data) if self.name == "person_detect" else data

    def boundaries(self) -> tuple[list[Boundary], list[Boundary]]:
        graph = schema.ModelT.InitFromPackedBuf(self.path.read_bytes()).subgraphs[0]
        names = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 9: "int8"}
        describe = lambda index: Boundary(np.dtype(names[graph.tensors[index].type]), tuple(graph.tensors[index].shape))
        return [describe(i) for i in graph.inputs], [describe(i) for i in graph.outputs]


def repaired(data: bytes) -> bytes:
    """person_detect.tflite with the biases' quantized_dimension set to 0: LiteRT refuses 3 for a tensor of rank 1."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(data))
    for tensor in model.subgraphs[0].tensors:
        quant = tensor.quantization
        if quant is not None and quant.quantizedDimension >= len(tensor.shape):
            quant.quantizedDimension = 0
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def onnx_models() -> list[Network]:
    """Quantized networks that are there in ONNX only."""
    return [Network(path.stem, path) for path in sorted((CORPUS / "models").glob("efficientnet*_qdq.onnx"))]


def models() -> list[Network]:
    paths = sorted((CORPUS / "models").glob("*.tflite"))
    return [Network(path.stem, path) for path in paths if path.stem not in UNCONVERTED]


def layers() -> list[Network]:
    return [Network(path.stem, path) for path in sorted((CORPUS / "layers").glob("*.tflite"))]


def goldens(network: Network) -> Iterator[tuple[str, np.ndarray, list[np.ndarray]]]:
    """The corpus' own inputs and outputs of a model: name, input, outputs."""
    folder = CORPUS / "golden" / network.name
    ins, outs = network.boundaries()
    for path in sorted(folder.glob("*.in.bin")):
        number = path.name.split(".")[0]
        outputs = [
            np.fromfile(folder / f"{number}.out{k}.bin", out.dtype).reshape(out.shape) for k, out in enumerate(outs)
        ]
        yield f"golden {number}", np.fromfile(path, ins[0].dtype).reshape(ins[0].shape), outputs


def labelled(dataset: str) -> list[tuple[Path, int]]:
    """Files of a data set with their labels, in the labels' own numbering."""
    folder = CORPUS / ("audio" if dataset == "kws01" else "images") / dataset
    with open(folder / "labels.csv", newline="") as file:
        return [(folder / name, int(label)) for name, label in csv.reader(file)]


def tensor(path: Path, boundary: Boundary, dataset: str) -> np.ndarray:
    """A file of a data set as a model's input, the way its own evaluation makes it."""
    if path.suffix == ".bin":
        return np.fromfile(path, boundary.dtype).reshape(boundary.shape)
    _, height, width, channels = boundary.shape
    with Image.open(path) as opened:
        picture = opened.convert("RGB" if channels == 3 else "L")
    box = None
    if dataset.startswith("imagenet"):
        side = min(picture.size) * 0.875
        left, top = (picture.width - side) / 2, (picture.height - side) / 2
        box = (left, top, left + side, top + side)
    if picture.size != (width, height) or box:
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, box)
    values = np.asarray(picture, np.uint8).reshape(boundary.shape)
    return values if boundary.dtype == np.uint8 else (values ^ 0x80).view(np.int8)


def inputs(network: Network, count: int) -> list[tuple[str, list[np.ndarray]]]:
    """`count` named inputs: the goldens', real ones, then random ones of three kinds."""
    ins, _ = network.boundaries()
    found = [(name, [value]) for name, value, _ in goldens(network)][: max(count // 2, 1)]
    if network.name in DATA:
        dataset = DATA[network.name]
        paths = labelled(dataset)
        step = max(len(paths) // max(count // 2, 1), 1)
        found += [(path.name, [tensor(path, ins[0], dataset)]) for path, _ in paths[1::step]][: max(count // 4, 1)]
    found = found[:count]
    kinds: tuple[Callable[[np.random.Generator, Boundary], np.ndarray], ...] = (_uniform, _ends, _narrow)
    for number in range(count - len(found)):
        rng = np.random.default_rng([number, zlib.crc32(network.name.encode())])
        found.append((f"random {number}", [kinds[number % 3](rng, boundary) for boundary in ins]))
    return found


def _uniform(rng: np.random.Generator, boundary: Boundary) -> np.ndarray:
    limits = np.iinfo(boundary.dtype)
    return rng.integers(limits.min, limits.max + 1, boundary.shape).astype(boundary.dtype)


def _ends(rng: np.random.Generator, boundary: Boundary) -> np.ndarray:
    limits = np.iinfo(boundary.dtype)
    return rng.choice([limits.min, limits.max], boundary.shape).astype(boundary.dtype)


def _narrow(rng: np.random.Generator, boundary: Boundary) -> np.ndarray:
    limits = np.iinfo(boundary.dtype)
    centre = rng.integers(limits.min, limits.max + 1)
    return np.clip(rng.normal(centre, 30, boundary.shape), limits.min, limits.max).astype(boundary.dtype)
