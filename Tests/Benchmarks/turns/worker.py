"""The process of one runtime with one model: `python -m turns.worker RUNTIME [MODEL THREADS]`.

Its first line says what it loaded, or why it did not. Then it answers requests, a line of JSON each: {"runs": N} with
the median latency, {"infer": [FILE...], "given": [TENSOR...], "to": [FILE...]} with raw outputs for raw inputs of the
type, shape and quantization that TENSOR has. It ends with its input. Without a model it only tells its version.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import statistics
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

MEMORY = 8 << 20  # for made-up inputs
WARM_UP = 3
PR_SET_PDEATHSIG = 1


def main() -> int:
    # It may be stopped when its parent dies.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Runtimes print what they like; the answers have a stream of their own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    tell = lambda answer: print(json.dumps(answer), file=answers)
    try:
        import numpy as np

        from . import runtimes

        load = runtimes.LOADERS[sys.argv[1]]
        if len(sys.argv) == 2:
            load.imported()
            tell({"version": version(load.package)})
            return 0
        runtime = load(Path(sys.argv[2]), int(sys.argv[3]))
        size = sum(int(np.prod(shape)) * dtype.itemsize for dtype, shape in runtime.inputs)
        count = min(max(MEMORY // size, 4), 64)
        inputs = [runtimes.made_up(runtime.inputs, number) for number in range(count)]
        runtime.put(inputs[0])
        runtime.run()
    except Exception as error:  # whatever a runtime raises: the model is then measured without it
        tell({"error": reason(error)})
        return 1
    described = [{"type": dtype.name, "shape": shape} for dtype, shape in runtime.inputs]
    tell({"version": version(load.package), "detail": runtime.detail, "inputs": described})
    for line in sys.stdin:
        try:
            tell(answer(runtime, inputs, json.loads(line)))
        except Exception as error:
            tell({"error": reason(error)})
    return 0


def answer(runtime: Any, inputs: list[Any], request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    if "runs" in request:
        times = []
        for run in range(request["runs"] + WARM_UP):
            runtime.put(inputs[run % len(inputs)])
            times.append(runtime.timed())
        return {"median_ms": statistics.median(times[WARM_UP:])}
    given = zip(request["infer"], request["given"], runtime.inputs, strict=True)
    runtime.put([adapted(np.fromfile(path, like["type"]), like, *wanted) for path, like, wanted in given])
    runtime.run()
    outputs = [np.ascontiguousarray(value) for value in runtime.outputs()]
    for path, value in zip(request["to"], outputs, strict=True):
        value.tofile(path)
    return {"outputs": [value.dtype.name for value in outputs]}


def adapted(value: Any, given: dict[str, Any], dtype: Any, shape: tuple[int, ...]) -> Any:
    """A tensor in the type and the order of axes in which another file of the same network takes it."""
    value = value.reshape(given["shape"])
    if dtype.kind == "f" and value.dtype.kind != "f":
        value = (value.astype(dtype) - given["zero_point"]) * dtype.type(given["scale"])
    if len(shape) == 4 and value.shape != shape:
        value = value.transpose(0, 3, 1, 2)
    if value.dtype != dtype:
        raise ValueError(f"it takes {dtype}, not {value.dtype}")
    return value.reshape(shape)


def reason(error: Exception) -> str:
    """One line: an exception's last, since some runtimes begin with where they are in their own sources."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:200] if lines else 'no message'}"


if __name__ == "__main__":
    sys.exit(main())
