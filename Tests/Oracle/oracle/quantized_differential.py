"""Random quantized ONNX graphs: Martlet beside ONNX Runtime without optimizations, in steps of the output's grid.

    python -m oracle.quantized_differential [--tools TOOLS] [--martlet MARTLET] [--count 300] [--seed 1] [--keep FOLDER]

A third each: Q/DQ by hand, QOperator by hand, and float graphs that ONNX Runtime's quantize_static quantized with
random options. `quantized_tolerance` says how far the two may be apart. The harness checks itself: graphs whose weights
have a zero point for each channel are converted once more with the first one for all, and that must fail.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from harness import ort
from harness.options import Options
from harness.programs import Failed, Programs, infer, programs, read_raw

from .quantized_chains import Graph, chain, static
from .quantized_tolerance import Tolerance

INPUTS = 2  # of each graph
LEAST_DB = 25
SELF_CHECKS = 10
MOST_REFUSED = 0.05  # of all graphs; none of quantize_static's


@dataclass(frozen=True)
class Result:
    graph: Graph
    refused: str = ""
    decibels: float = np.inf
    steps: float = 0
    bound: float = 0

    @property
    def problem(self) -> str:
        if self.refused:
            by_us = "unsupported" not in self.refused and "not supported" not in self.refused
            return self.refused if by_us or self.graph.name.startswith("quantize_static") else ""
        if self.decibels < LEAST_DB:
            return f"{self.decibels:.1f} dB, {self.steps:.0f} steps"
        if self.steps > self.bound:
            return f"{self.steps:.1f} steps, at most {self.bound:.1f} can be explained ({self.decibels:.1f} dB)"
        return ""


def graphs(seed: int, count: int) -> Iterator[Graph]:
    """`count` graphs; those that ONNX Runtime cannot make or run are replaced by others."""
    made = number = 0
    while made < count:
        kind = ("qdq", "qoperator", "static")[made % 3]
        graph = static(seed, number) if kind == "static" else chain(seed, number, kind)
        number += 1
        if graph is not None:
            made += 1
            yield graph


def decibels(ours: np.ndarray, theirs: np.ndarray, step: float) -> float:
    """Of a signal of one step at least, so that a result that is zero throughout may differ by less than that."""
    noise = float(((ours - theirs) ** 2).sum())
    signal = max(float((theirs**2).sum()), theirs.size * step**2 * 400)
    return np.inf if noise == 0 else 10 * np.log10(signal / noise)


def check(graph: Graph, tested: Programs, folder: Path, converted: onnx.ModelProto | None = None) -> Result:
    """Martlet runs `converted`, or the graph itself."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        source, model = place / "model.onnx", place / "model.martlet"
        onnx.save(graph.model, source)
        tensors = [value[None] for value in graph.inputs[:INPUTS]]
        theirs = ort.outputs(source, tensors, optimized=False)
        onnx.save(converted or graph.model, source)
        try:
            tested.convert(source, model, "--layout", "nchw")
            ours = []
            for value in tensors:
                np.ascontiguousarray(value.transpose(0, 2, 3, 1)).tofile(place / "in")
                infer(tested.settings[0], model, [place / "in"], [place / "out"])
                ours.append(read_raw(place / "out", theirs[0]))
        except Failed as failure:
            return Result(graph, str(failure))
    tolerance = Tolerance(graph.model)
    step, ours = tolerance.scales["y"], np.stack(ours).astype(np.float64)
    steps = float(np.abs(ours - theirs).max() / step)
    # Both results lie on the grid, give or take the rounding of their float32.
    return Result(graph, "", decibels(ours, theirs, step), steps, tolerance.steps() + 0.01)


def with_first_zero_point(graph: Graph) -> onnx.ModelProto | None:
    """The graph with one zero point for all channels where they are far apart; None if they are nowhere."""
    changed = onnx.ModelProto()
    changed.CopyFrom(graph.model)
    is_far = False
    for tensor in changed.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype in (np.int8, np.uint8) and value.ndim == 1 and np.ptp(value.astype(np.int64)) > 64:
            tensor.CopyFrom(numpy_helper.from_array(np.full_like(value, value[0]), tensor.name))
            is_far = True
    return changed if is_far else None


def self_check(passed: list[Graph], tested: Programs, folder: Path) -> str | None:
    """What is wrong with the harness: most graphs must fail without their zero points."""
    changed = [(graph, made) for graph in passed if (made := with_first_zero_point(graph)) is not None][:SELF_CHECKS]
    noticed = sum(bool(check(graph, tested, folder, made).problem) for graph, made in changed)
    print(f"self-check: {noticed} of {len(changed)} graphs fail with the first channel's zero point for all")
    return None if changed and noticed >= len(changed) / 2 else "zero points may be left out"


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_random(300, "graphs")
    parser.add_jobs()
    parser.add_keep("graphs")
    options = parser.parse_args()
    tested = programs(options)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="martlet-oracle-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda g: check(g, tested, Path(folder)), graphs(options.seed, options.count)))
        sound = [result.graph for result in results if not result.problem and not result.refused]
        broken = self_check(sound, tested, Path(folder))
    failed = [result for result in results if result.problem]
    refused = [result for result in results if result.refused]
    for result in failed:
        print(f"FAILED {result.graph.name}: {result.problem}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            onnx.save(result.graph.model, options.keep / (result.graph.name.split(" (")[0].replace(" ", "-") + ".onnx"))
    for result in refused:
        print(f"refused {result.graph.name}: {result.refused}")
    too_many = len(refused) > MOST_REFUSED * options.count
    if too_many:
        print(f"FAILED {len(refused)} graphs are refused, at most {MOST_REFUSED * options.count:.0f} may be")
    if broken:
        print(f"FAILED self-check: {broken}")
    run = [result for result in results if not result.refused]
    static_refused = sum(result.graph.name.startswith("quantize_static") for result in refused)
    print(
        f"{len(results)} graphs, {len(refused)} refused ({static_refused} of quantize_static's), "
        f"worst {min(r.decibels for r in run):.1f} dB, largest difference {max(r.steps for r in run):.0f} steps, "
        f"{sum(r.steps < 0.5 for r in run)} equal, {sum(r.steps < 1.5 for r in run)} within one step, "
        f"{time.monotonic() - begin:.0f} s"
    )
    print(f"{len(results) - len(failed)} passed, {len(failed) + too_many + bool(broken)} failed")
    return 1 if failed or too_many or broken else 0


if __name__ == "__main__":
    sys.exit(main())
