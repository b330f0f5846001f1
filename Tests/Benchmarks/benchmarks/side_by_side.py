"""One float model quantized by Martlet and by ONNX Runtime: right answers on the very same pixels."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness import ort
from harness.pictures import Labelled
from harness.programs import run
from harness.reference import Reference
from harness.tables import table

COLUMNS = ["model", "how", "right", "agrees with float", "quantizing s"]


@dataclass(frozen=True)
class Bound:
    """What Martlet's model must reach: right answers below float's, and against ONNX Runtime's best."""

    below_float: int
    above_best: int  # 1: more right answers than the best; 0: as many; -1: one fewer is allowed


@dataclass(frozen=True)
class Subject:
    """A float model, the pictures to calibrate it with and those to count on; both already have the model's size."""

    name: str
    model: Path
    calibration: Labelled
    evaluation: Labelled
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bound: Bound
    shape: str = ""  # where the model leaves it open
    recipes: tuple[ort.Recipe, ...] = ort.RECIPES

    def options(self) -> list[str]:
        joined = lambda numbers: ",".join(f"{n:g}" for n in numbers)
        pixels = ["--mean", joined(self.mean), "--std", joined(self.std), "--resize", "crop", "--shorter-side", "0"]
        return [*pixels, *(["--shape", self.shape] if self.shape else [])]


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    how: str
    right: int
    agreed: int | None = None
    seconds: float | None = None


@dataclass
class Result:
    subject: Subject
    count: int
    lines: list[Line] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    float_right: int = 0
    ours: int = 0
    best: int | None = None  # of ONNX Runtime's

    @property
    def problems(self) -> list[str]:
        """Why it fails; nothing if it passes."""
        bound, found = self.subject.bound, []
        if self.ours < self.float_right - bound.below_float:
            found.append(f"{self.ours} right answers, float has {self.float_right}")
        if self.best is not None and self.ours < self.best + bound.above_best:
            found.append(f"{self.ours} right answers, ONNX Runtime's best has {self.best}")
        return found

    def rows(self) -> list[list[str]]:
        share = lambda n: "-" if n is None else f"{n} ({n / self.count:.1%})"
        seconds = lambda s: "-" if s is None else f"{s:.1f}"
        return [
            [self.subject.name, line.how, f"{line.right} of {self.count}", share(line.agreed), seconds(line.seconds)]
            for line in self.lines
        ]


def evaluate(tools: str, model: Path, subject: Subject, against: Path | None = None) -> dict[str, Any]:
    """What `martlet-tools evaluate` counts. A .martlet file has its own pixels; a float model gets the subject's."""
    options = subject.options() if model.suffix != ".martlet" or against else []
    if against:
        options = ["--against", str(against), *options]
    data = subject.evaluation
    command = [tools, "evaluate", str(model), str(data.folder), "--labels", str(data.table), "--json", *options]
    return json.loads(run(command))


def quantize(tools: str, subject: Subject, target: Path, options: Sequence[str] = ()) -> float:
    """`martlet-tools quantize`; its seconds."""
    start = time.monotonic()
    command = [tools, "quantize", str(subject.model), "--calibrate", str(subject.calibration.folder)]
    run([*command, "-o", str(target), *subject.options(), *options])
    return time.monotonic() - start


def best_classes(model: Path, tensors: Sequence[np.ndarray]) -> np.ndarray:
    """The best class of each input, of a model in ONNX Runtime or, a .tflite file, in LiteRT's reference kernels."""
    if model.suffix == ".onnx":
        return ort.outputs(model, tensors).argmax(1)
    reference = Reference(model.read_bytes())
    last = (np.ascontiguousarray(value.transpose(0, 2, 3, 1)) for value in tensors)
    return np.array([int(reference.run([value])[0].argmax()) for value in last])


def compare(tools: str, subject: Subject, folder: Path) -> Result:
    """Float in both, ours, and each of ONNX Runtime's recipes."""
    labels = subject.evaluation.labels()
    result = Result(subject, len(labels))
    tensors = subject.evaluation.tensors(subject.mean, subject.std)
    wanted = best_classes(subject.model, tensors)
    peer = "ONNX Runtime" if subject.model.suffix == ".onnx" else "LiteRT"
    result.float_right = int((wanted == labels).sum())
    result.lines.append(Line(f"float, {peer}", result.float_right))
    own = evaluate(tools, subject.model, subject)
    result.lines.append(Line("float, martlet-tools", own["top1_count"]))
    if abs(own["top1_count"] - result.float_right) > 1:
        result.remarks.append(f"float: {own['top1_count']} in martlet-tools, {result.float_right} in {peer}")
    result.lines.append(_ours(tools, subject, folder, result))
    if subject.model.suffix == ".onnx":
        _theirs(subject, folder, tensors, wanted, labels, result)
    return result


def _ours(tools: str, subject: Subject, folder: Path, result: Result) -> Line:
    target = folder / f"{subject.name}.martlet"
    seconds = quantize(tools, subject, target)
    found = evaluate(tools, target, subject, subject.model)
    result.ours = found["top1_count"]
    agreed = round(found["against"]["agreement"] * result.count)
    return Line("**int8, martlet-tools**", result.ours, agreed, seconds)


def _theirs(
    subject: Subject,
    folder: Path,
    tensors: Sequence[np.ndarray],
    wanted: np.ndarray,
    labels: np.ndarray,
    result: Result,
) -> None:
    calibration = subject.calibration.tensors(subject.mean, subject.std)
    work = folder / f"{subject.name}-onnxruntime"
    work.mkdir()
    found, remark = ort.quantize_all(subject.model, calibration, work, subject.recipes)
    if remark:
        result.remarks.append(remark)
    for recipe, made in found.items():
        if isinstance(made.model, str):
            result.remarks.append(f"ONNX Runtime {recipe}: {made.model}")
            continue
        classes = best_classes(made.model, tensors)
        right = int((classes == labels).sum())
        result.best = right if result.best is None else max(result.best, right)
        result.lines.append(Line(f"int8, ONNX Runtime {recipe}", right, int((classes == wanted).sum()), made.seconds))


def report(results: Sequence[Result], failures: Sequence[str]) -> int:
    """Prints the table and what failed; the exit status."""
    print(table(COLUMNS, [row for result in results for row in result.rows()]))
    failed = len(failures)
    print()
    for result in results:
        for remark in result.remarks:
            print(f"{result.subject.name}: note: {remark}")
        for problem in result.problems:
            print(f"{result.subject.name}: FAILED: {problem}")
        failed += bool(result.problems)
    for failure in failures:
        print(f"FAILED: {failure}")
    print("Every runtime has the same pixels: pictures are brought to size with Pillow and saved as PNG.")
    print(f"{len(results) + len(failures) - failed} passed, {failed} failed")
    return 1 if failed else 0
