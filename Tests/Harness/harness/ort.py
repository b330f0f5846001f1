"""ONNX Runtime: models run on its processor provider, and its own static quantization."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper, version_converter
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

THREADS = 2
ACTIVATIONS = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}
METHODS = {
    "MinMax": CalibrationMethod.MinMax,
    "Percentile": CalibrationMethod.Percentile,
    "Entropy": CalibrationMethod.Entropy,
}
PER_CHANNEL_OPSET = 13
INPUTS_AT_ONCE = 16  # whose tensors the calibrators keep in memory together
UNSIGNED = 128  # what is added to an int8 and its zero point
WEIGHTS = {"QLinearConv": 3, "QLinearMatMul": 3, "QGemm": 3}  # which operand; its zero point is two further on


def with_unsigned_weights(model: Path | bytes) -> bytes:
    """The model with int8 weights as uint8, where they meet uint8: the same products, and exact ones everywhere.

    On x86 without VNNI, ONNX Runtime's sums of two products of uint8 and int8 saturate in int16. A session can be told
    to be precise, but that is a pass of its optimizer, so it does nothing where the model is run as it stands.
    """
    changed = onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(model)
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in changed.graph.initializer}
    made: set[str] = set()

    def unsigned(name: str) -> str:
        if f"{name}_unsigned" not in made:
            made.add(f"{name}_unsigned")
            shifted = (values[name].astype(np.int16) + UNSIGNED).astype(np.uint8)
            changed.graph.initializer.append(numpy_helper.from_array(shifted, f"{name}_unsigned"))
        return f"{name}_unsigned"

    for node in changed.graph.node:
        place = WEIGHTS.get(node.op_type)
        if place is None or any(node.input[k] not in values for k in (2, place, place + 2)):
            continue
        if values[node.input[2]].dtype == np.uint8 and values[node.input[place]].dtype == np.int8:
            for operand in (place, place + 2):
                node.input[operand] = unsigned(node.input[operand])
    return changed.SerializeToString()


def session(model: Path | bytes, optimized: bool = True, precise: bool = False) -> onnxruntime.InferenceSession:
    """A model, ready to run. Not optimized, Q and DQ are executed as they stand, between operators in float.

    Optimized, on x86 without VNNI, products of int8 saturate in int16 unless the session is precise; but then some
    models have operators of types that no kernel is there for.
    """
    level = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = 3
    if precise:
        options.add_session_config_entry("session.x64quantprecision", "1")
    if optimized:
        source = model if isinstance(model, bytes) else str(model)
    else:
        source = with_unsigned_weights(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def outputs(model: Path | bytes, tensors: Sequence[np.ndarray], optimized: bool = True) -> np.ndarray:
    """The first output for each of these inputs, flattened, one in a row."""
    try:
        loaded = session(model, optimized, precise=True)
    except NoKernel:
        loaded = session(model, optimized)
    name = loaded.get_inputs()[0].name
    return np.stack([np.asarray(loaded.run(None, {name: value})[0]).reshape(-1) for value in tensors])


class Reader(CalibrationDataReader):
    """Hands the calibrators their inputs, in portions when they ask for them."""

    def __init__(self, name: str, tensors: Sequence[np.ndarray]) -> None:
        self.name, self.tensors = name, tensors
        self.set_range(0, len(tensors))

    def __len__(self) -> int:
        return len(self.tensors)

    def set_range(self, start_index: int, end_index: int) -> None:
        self.next, self.end = start_index, end_index

    def get_next(self) -> dict[str, np.ndarray] | None:
        if self.next >= self.end:
            return None
        self.next += 1
        return {self.name: self.tensors[self.next - 1]}


@dataclass(frozen=True)
class Recipe:
    """One of the ways in which ONNX Runtime can quantize a model."""

    method: str
    activations: str

    def __str__(self) -> str:
        return f"{self.method} {self.activations}"


RECIPES = tuple(Recipe(method, activations) for method in METHODS for activations in ACTIVATIONS)


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def upgraded(model: Path, folder: Path) -> Path:
    """The model in an opset whose DequantizeLinear knows channels."""
    content = onnx.load(model)
    if any(o.domain in ("", "ai.onnx") and o.version >= PER_CHANNEL_OPSET for o in content.opset_import):
        return model
    target = folder / "upgraded.onnx"
    onnx.save(version_converter.convert_version(content, PER_CHANNEL_OPSET), target)
    return target


def prepared(model: Path, folder: Path) -> tuple[Path, str]:
    """The model after quant_pre_process, where that works, and a remark where it does not."""
    model = upgraded(model, folder)
    target, remark = folder / "prepared.onnx", ""
    for symbolic in (True, False):
        try:
            quant_pre_process(str(model), str(target), skip_symbolic_shape=not symbolic)
        except Exception as error:  # whatever its passes raise: the model is then quantized as it is
            remark = f"quant_pre_process fails: {_reason(error)}"
        else:
            return target, "" if symbolic else f"{remark}; prepared without symbolic shapes"
    return model, remark


def quantized(model: Path, recipe: Recipe, tensors: Sequence[np.ndarray], folder: Path) -> Path:
    """The model as Q/DQ, weights in int8 per channel. Ranges are measured once for each method and kept in `folder`."""
    target = folder / f"{recipe.method}-{recipe.activations}.onnx"
    stride = max(n for n in range(1, INPUTS_AT_ONCE + 1) if len(tensors) % n == 0)
    quantize_static(
        str(model),
        str(target),
        Reader(session(model).get_inputs()[0].name, tensors),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=ACTIVATIONS[recipe.activations],
        weight_type=QuantType.QInt8,
        calibrate_method=METHODS[recipe.method],
        calibration_cache_path=str(folder / f"{recipe.method}.ranges.json"),
        extra_options={"CalibStridedMinMax": stride},  # of all methods, in spite of its name
    )
    return target


@dataclass(frozen=True)
class Made:
    """A quantized model, or why there is none."""

    model: Path | str
    seconds: float


def quantize_all(
    model: Path, tensors: Sequence[np.ndarray], folder: Path, recipes: Sequence[Recipe] = RECIPES
) -> tuple[dict[Recipe, Made], str]:
    """The model quantized in each way, and a remark on its preparation."""
    logging.getLogger().setLevel(logging.ERROR)
    source, remark = prepared(model, folder)
    found: dict[Recipe, Made] = {}
    for recipe in recipes:
        start = time.monotonic()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                made: Path | str = quantized(source, recipe, tensors, folder)
            session(made)
        except Exception as error:  # the quantizer's, or that of a session that refuses its model
            made = _reason(error)
        found[recipe] = Made(made, time.monotonic() - start)
    return found, remark
