"""What the ONNX importer takes of the classic architectures that the onnx package carries, with constant weights.

    python -m benchmarks.zoo [--tools TOOLS] [--only NAME]

Each is quantized with four random pictures; its float outputs mean nothing, so that only the import is looked at. Local
response normalization is not an operator of Martlet: a model with one must be refused by name.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from harness.options import Options
from harness.pictures import write
from harness.programs import Failed, programs, run
from harness.tables import table

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
UNSUPPORTED = {"LRN"}
SIDE, PICTURES = 224, 4


@dataclass(frozen=True)
class Tried:
    name: str
    nodes: int
    refused: tuple[str, ...]  # operators of the model that must be refused
    answer: str  # "" if it was quantized

    @property
    def passes(self) -> bool:
        if not self.refused:
            return not self.answer
        return any(f"({kind})" in self.answer for kind in self.refused)

    def row(self) -> list[str]:
        wanted = f"refused: {', '.join(self.refused)}" if self.refused else "quantized"
        return [self.name, str(self.nodes), wanted, self.answer or "quantized", "" if self.passes else "FAILED"]


def attempt(tools: str, path: Path, pictures: Path, folder: Path) -> Tried:
    graph = onnx.load(path).graph
    refused = tuple(sorted({node.op_type for node in graph.node} & UNSUPPORTED))
    answer = ""
    try:
        run([tools, "quantize", str(path), "--calibrate", str(pictures), "-o", str(folder / f"{path.stem}.martlet")])
    except Failed as failure:
        answer = str(failure)
    return Tried(path.stem.removeprefix("light_"), len(graph.node), refused, answer)


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_only()
    options = parser.parse_args()
    paths = [path for path in sorted(LIGHT.glob("*.onnx")) if options.only in path.stem]
    if not paths:
        print(f"skipped: no models in {LIGHT}")
        return 0
    tools = programs(options).tools
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(prefix="martlet-zoo-") as name:
        folder = Path(name)
        noise = [(rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8), 0) for _ in range(PICTURES)]
        pictures = write(folder / "pictures", noise).folder
        found = [attempt(tools, path, pictures, folder) for path in paths]
    print(table(["model", "nodes", "expected", "martlet-tools", ""], [tried.row() for tried in found]))
    passed = sum(tried.passes for tried in found)
    print(f"{passed} passed, {len(found) - passed} failed")
    return 0 if passed == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
