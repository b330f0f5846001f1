"""Builds small quantized .tflite models with the flatbuffer object API; no TensorFlow needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES: dict[str, int] = {
    "float32": schema.TensorType.FLOAT32,
    "int32": schema.TensorType.INT32,
    "uint8": schema.TensorType.UINT8,
    "int64": schema.TensorType.INT64,
    "int8": schema.TensorType.INT8,
}


@dataclass
class Quant:
    """Scale and zero point; one of each, or one per slice of `axis`."""

    scale: float | Sequence[float]
    zero_point: int | Sequence[int] = 0
    axis: int = 0

    @property
    def scales(self) -> list[float]:
        return [float(v) for v in np.atleast_1d(np.asarray(self.scale, np.float32))]

    @property
    def zero_points(self) -> list[int]:
        points = [int(v) for v in np.atleast_1d(self.zero_point)]
        return points * len(self.scales) if len(points) == 1 else points


@dataclass
class ModelBuilder:
    """One subgraph. Tensors are numbered in the order in which they are added; operators run in order."""

    name: str
    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    codes: list[tuple[int, int]] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def tensor(
        self, shape: Sequence[int], dtype: str, quant: Quant | None = None, data: np.ndarray | None = None
    ) -> int:
        """Adds a tensor, a constant one when `data` is given, and returns its index."""
        tensor = schema.TensorT()
        tensor.shape = [int(d) for d in shape]
        tensor.type = TYPES[dtype]
        tensor.name = f"t{len(self.tensors)}".encode()
        if quant is not None:
            parameters = schema.QuantizationParametersT()
            parameters.scale = quant.scales
            parameters.zeroPoint = quant.zero_points
            parameters.quantizedDimension = quant.axis
            tensor.quantization = parameters
        if data is not None:
            buffer = schema.BufferT()
            flat = np.ascontiguousarray(data.astype(dtype)).reshape(-1)
            buffer.data = np.frombuffer(flat.tobytes(), np.uint8)
            self.buffers.append(buffer)
            tensor.buffer = len(self.buffers) - 1
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def input(self, shape: Sequence[int], dtype: str, quant: Quant | None = None) -> int:
        index = self.tensor(shape, dtype, quant)
        self.inputs.append(index)
        return index

    def constant(self, data: np.ndarray | Sequence[Any], dtype: str, quant: Quant | None = None) -> int:
        array = np.asarray(data)
        return self.tensor(array.shape, dtype, quant, array)

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        version: int = 1,
        options: str | None = None,
        **values: Any,
    ) -> None:
        """Adds builtin operator `kind`, such as CONV_2D, with a table of type `options`, such as Conv2DOptions."""
        code = (getattr(schema.BuiltinOperator, kind), version)
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        if options is not None:
            table = getattr(schema, options + "T")()
            for key, value in values.items():
                if not hasattr(table, key):
                    raise AttributeError(f"{options} has no field {key}")
                setattr(table, key, value)
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = table
        self.operators.append(operator)

    def build(self, outputs: Sequence[int]) -> bytes:
        """The finished flatbuffer with `outputs` as the model's outputs."""
        self.outputs = list(outputs)
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs, graph.name = self.inputs, self.outputs, b"main"
        model = schema.ModelT()
        model.version, model.description = 3, self.name.encode()
        model.subgraphs, model.buffers = [graph], self.buffers
        model.operatorCodes = []
        for code, version in self.codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), version
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
