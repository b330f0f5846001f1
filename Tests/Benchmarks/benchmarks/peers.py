"""Other runtimes, timed from the inside: only the inference, without the interpreter's copying in and out."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

from harness.corpus import repaired


class Peer(Protocol):
    """A model loaded in another runtime."""

    name: str

    def times(self, runs: int) -> list[float]:
        """Milliseconds of `runs` inferences."""


class LiteRT:
    """LiteRT with its default kernels (XNNPACK)."""

    name = f"LiteRT {version('ai-edge-litert')} (XNNPACK)"

    def __init__(self, path: Path, threads: int) -> None:
        data = path.read_bytes()
        content = repaired(data) if path.stem == "person_detect" else data
        self.interpreter = Interpreter(model_content=content, num_threads=threads)
        self.interpreter.allocate_tensors()
        for detail in self.interpreter.get_input_details():
            self.interpreter.set_tensor(detail["index"], values(detail["shape"], detail["dtype"]))
        self.interpreter.invoke()

    def times(self, runs: int) -> list[float]:
        invoke, clock = self.interpreter.invoke, time.perf_counter_ns
        marks = [clock()]
        for _ in range(runs):
            invoke()
            marks.append(clock())
        return list(np.diff(marks) / 1e6)


class OnnxRuntime:
    """ONNX Runtime's CPU provider, inputs and outputs bound beforehand; its threads sleep between runs."""

    name = f"ONNX Runtime {version('onnxruntime')}"

    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        for tensor in self.session.get_inputs():
            dtype = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8}[tensor.type]
            shape = [size if isinstance(size, int) else 1 for size in tensor.shape]
            self.binding.bind_cpu_input(tensor.name, values(shape, dtype))
        for tensor in self.session.get_outputs():
            self.binding.bind_output(tensor.name)
        self.session.run_with_iobinding(self.binding)

    def times(self, runs: int) -> list[float]:
        clock = time.perf_counter_ns
        marks = [clock()]
        for _ in range(runs):
            self.session.run_with_iobinding(self.binding)
            marks.append(clock())
        return list(np.diff(marks) / 1e6)


def values(shape: list[int], dtype: type) -> np.ndarray:
    rng = np.random.default_rng(7)
    if np.dtype(dtype).kind == "f":
        return rng.uniform(-1, 1, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)
