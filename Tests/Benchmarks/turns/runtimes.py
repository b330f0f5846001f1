"""Other runtimes, timed from the inside: only the inference, without the copying in and out.

Only `worker` loads models with it, in a process for each: that needs numpy and the runtime itself.
"""

from __future__ import annotations

import os
import statistics
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from .contender import ISA_LIMIT


class Runtime(ABC):
    """A model, loaded; `inputs` and `outputs` hold the numpy type and shape of each, batch 1."""

    detail = ""
    """How it was set up, where that was its own choice."""
    package: str
    """On PyPI."""
    inputs: list[tuple[np.dtype, tuple[int, ...]]]

    @staticmethod
    @abstractmethod
    def imported() -> Any:
        """What of the package is used."""

    @abstractmethod
    def put(self, values: list[np.ndarray]) -> None:
        """Copies the inputs to where the runtime reads them."""

    @abstractmethod
    def run(self) -> None:
        """One inference."""

    @abstractmethod
    def outputs(self) -> list[np.ndarray]:
        """The outputs of the last inference."""

    def timed(self) -> float:
        """Milliseconds of one inference, by the clock around the call."""
        start = time.perf_counter_ns()
        self.run()
        return (time.perf_counter_ns() - start) / 1e6


class LiteRT(Runtime):
    """LiteRT with its default kernels (XNNPACK)."""

    package = "ai-edge-litert"

    @staticmethod
    def imported() -> Any:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter

    def __init__(self, path: Path, threads: int) -> None:
        self.interpreter = self.imported()(model_path=str(path), num_threads=threads)
        self.interpreter.allocate_tensors()
        details = self.interpreter.get_input_details()
        self.inputs = [(np.dtype(d["dtype"]), tuple(int(n) for n in d["shape"])) for d in details]
        self.places = [d["index"] for d in details]
        self.results = [d["index"] for d in self.interpreter.get_output_details()]

    def put(self, values: list[np.ndarray]) -> None:
        for place, value in zip(self.places, values, strict=True):
            self.interpreter.set_tensor(place, value)

    def run(self) -> None:
        self.interpreter.invoke()

    def outputs(self) -> list[np.ndarray]:
        return [self.interpreter.get_tensor(place) for place in self.results]


class OnnxRuntime(Runtime):
    """ONNX Runtime's CPU provider, inputs and outputs bound beforehand."""

    package = "onnxruntime"
    TYPES = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8}

    @staticmethod
    def imported() -> Any:
        import onnxruntime

        return onnxruntime

    def __init__(self, path: Path, threads: int) -> None:
        onnxruntime = self.imported()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.inputs, self.values = [], []
        for tensor in self.session.get_inputs():
            shape = tuple(size if isinstance(size, int) else 1 for size in tensor.shape)
            self.inputs.append((np.dtype(self.TYPES[tensor.type]), shape))
            value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, self.TYPES[tensor.type], "cpu")
            self.values.append(value)
            self.binding.bind_ortvalue_input(tensor.name, value)
        for tensor in self.session.get_outputs():
            self.binding.bind_output(tensor.name)

    def put(self, values: list[np.ndarray]) -> None:
        for place, value in zip(self.values, values, strict=True):
            place.update_inplace(value)

    def run(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def outputs(self) -> list[np.ndarray]:
        return self.binding.copy_outputs_to_cpu()


class OpenVino(Runtime):
    """OpenVINO's processor plugin, timed by itself.

    What cannot run in int8 runs in bfloat16 or float16 where the processor has them, unless float32 is asked for; the
    faster of the two is kept. Threads are not pinned, as with the others.
    """

    package = "openvino"
    SETTINGS = {"NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
    TRIAL_S = 0.2

    @staticmethod
    def imported() -> Any:
        import openvino

        return openvino

    def __init__(self, path: Path, threads: int) -> None:
        openvino = self.imported()
        core = openvino.Core()
        model = core.read_model(str(path))
        fixed = {port: [d.get_length() if d.is_static else 1 for d in port.partial_shape] for port in model.inputs}
        model.reshape(fixed)
        self.inputs = [(np.dtype(port.element_type.to_dtype()), tuple(fixed[port])) for port in model.inputs]
        settings = {**self.SETTINGS, "INFERENCE_NUM_THREADS": threads}
        found: list[tuple[float, Any]] = []
        failures: list[Exception] = []
        # Limited by the environment, it still believes in the types of the whole processor, and fails on them.
        hints: list[dict[str, str]] = [{}, {"INFERENCE_PRECISION_HINT": "f32"}]
        for hint in hints[1:] if ISA_LIMIT in os.environ else hints:
            try:
                compiled = core.compile_model(model, "CPU", {**settings, **hint})
                self.request = compiled.create_infer_request()
                self.put(made_up(self.inputs, 0))
                found.append((self._trial(), compiled))
            except RuntimeError as error:
                failures.append(error)
                continue
            if compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32:
                break
        if not found:
            raise failures[-1]
        compiled = min(found, key=lambda pair: pair[0])[1]
        self.request = compiled.create_infer_request()
        self.detail = self._layers(compiled)

    def _trial(self) -> float:
        end, times = time.monotonic() + self.TRIAL_S, [self.timed() for _ in range(3)]
        while time.monotonic() < end:
            times.append(self.timed())
        return statistics.median(times)

    @staticmethod
    def _layers(compiled: Any) -> str:
        """How many of the layers with weights run in int8, and the types of the others: layers that it fuses, too."""
        told = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
        layers = [
            str(info["primitiveType"].astype(str))
            for info in told
            if "layerType" in info and str(info["layerType"].astype(str)) in ("Convolution", "FullyConnected")
        ]
        whole = sum(layer.lower().endswith(("_i8", "_u8")) for layer in layers)
        rest = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        others = rest if rest == "f32" else f"{rest} or f32"
        return f"{whole} of {len(layers)} layers in int8, others in {others}"

    def put(self, values: list[np.ndarray]) -> None:
        for tensor, value in zip(self.request.input_tensors, values, strict=True):
            np.copyto(tensor.data, value)

    def run(self) -> None:
        self.request.infer(share_outputs=True)

    def timed(self) -> float:
        self.run()
        return self.request.latency

    def outputs(self) -> list[np.ndarray]:
        return [tensor.data for tensor in self.request.output_tensors]


LOADERS: dict[str, type[Any]] = {"LiteRT": LiteRT, "ONNX Runtime": OnnxRuntime, "OpenVINO": OpenVino}


def made_up(inputs: list[tuple[np.dtype, tuple[int, ...]]], number: int) -> list[np.ndarray]:
    """A made-up input: integers of all sizes alike, floats from -1 to 1; the same for a number in each process."""
    rng = np.random.default_rng(number)
    values = []
    for dtype, shape in inputs:
        if dtype.kind == "f":
            values.append(rng.uniform(-1, 1, shape).astype(dtype))
        else:
            limits = np.iinfo(dtype)
            values.append(rng.integers(limits.min, limits.max, shape, dtype, endpoint=True))
    return values
