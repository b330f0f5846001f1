"""Counts on arm64, in QEMU's user-mode emulation: instructions, loads, stores and simulated cache misses of one
inference, Martlet beside LiteRT's arm64 build, on armv8.0 (neon), with dot products and with i8mm; where the
instructions go, and llvm-mca's cycles of the hottest loops.

    Tools/bench arm64 --only mobilenet_v2 --isa dotprod,i8mm --loops

Martlet's figures are the same on every machine and under any load, LiteRT's nearly so: they are counted once and kept.
Caches: L1D 32 KiB in 4 ways, L2 512 KiB in 8, not inclusive, lines of 64 bytes, least recently used out first, no
prefetch. Without a corpus the models that ship are counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import corpus
from harness.options import Options
from harness.programs import ROOT, Failed, build_path, run

from ..host import revision
from . import counting, litert, report
from .hotspots import Mappings, Symbols, lines, loops, profile
from .pipeline import Tools, read_assembly
from .places import BUILT, LITERT, LLVM, PLUGIN, SYSROOT
from .sets import SETS, InstructionSet


@dataclass(frozen=True)
class Subject:
    """A model as Martlet has it, or what it is converted from, and as LiteRT has it."""

    name: str
    source: Path
    content: bytes | None

    def martlet(self, tools: str, folder: Path) -> Path:
        if self.source.suffix == ".martlet":
            return self.source
        target = folder / f"{self.name}.martlet"
        if not target.exists():
            run([tools, "convert", str(self.source), "-o", str(target)])
        return target


def subjects() -> Iterator[Subject]:
    """The corpus beside the checkout; without one, what ships."""
    if corpus.CORPUS.is_dir():
        for network in corpus.models():
            yield Subject(network.name, network.path, network.content)
        for network in corpus.onnx_models():
            yield Subject(network.name, network.path, None)
        return
    for path in sorted((ROOT / "Models").glob("*/*.martlet")):
        original = path.with_suffix(".tflite")
        yield Subject(path.stem, path, original.read_bytes() if original.exists() else None)


def runs(content: bytes) -> int:
    """Enough that the median does not move."""
    return 12 if len(content) < 1_000_000 else 6


def count(subject: Subject, isa: InstructionSet, model: Path, options: Any, symbols: Symbols, tools: Tools) -> Any:
    """Everything about one model on one set."""
    print(f"{subject.name}, {isa.name}: Martlet", file=sys.stderr, flush=True)
    ours = counting.martlet(isa, SYSROOT, PLUGIN, options.martlet, model)
    code = lines(ours.blocks)
    described = [report.describe(loop, isa.scheduled, tools, symbols.name) for loop in loops(code, symbols.name)[:5]]
    result: dict[str, Any] = {
        "model": subject.name,
        "peer_name": "LiteRT",
        "isa": isa.name,
        "martlet": asdict(ours.figures),
        "profile": profile(code, symbols),
        "loops": described,
    }
    if subject.content is not None and not options.no_litert:
        print(f"{subject.name}, {isa.name}: LiteRT", file=sys.stderr, flush=True)
        theirs = litert.counted(isa, LITERT, PLUGIN, subject.content, runs(subject.content))
        result["peer"] = asdict(theirs.figures)
        mappings = Mappings(theirs.printed)
        found = loops(lines(theirs.blocks))[:5]
        result["peer_loops"] = [report.describe(loop, isa.scheduled, tools, mappings.name) for loop in found]
    return result


def parsed() -> Any:
    parser = Options(__doc__)
    parser.add_argument("--martlet", type=Path, default=BUILT, help="an arm64 build with symbols (default: this one's)")
    parser.add_argument("--tools", default=str(build_path() / "martlet-tools"), help="path of martlet-tools")
    parser.add_argument("--isa", default=",".join(isa.name for isa in SETS), help="separated by commas (default: all)")
    parser.add_argument("--no-litert", action="store_true", help="Martlet alone")
    parser.add_argument("--loops", action="store_true", help="also the assembly of the loops, and LiteRT's loops")
    parser.add_argument(
        "--assembly",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="instead: the cycles of a loop in a file, one iteration, such as a peer publishes it; repeat for several",
    )
    parser.add_only()
    parser.add_json()
    return parser.parse_args()


def main() -> int:
    options = parsed()
    tools = Tools(LLVM)
    wanted = options.isa.split(",")
    sets = [isa for isa in SETS if isa.name in wanted]
    if len(sets) != len(wanted):
        print(f"--isa: {options.isa}: there are {', '.join(isa.name for isa in SETS)}", file=sys.stderr)
        return 64
    if options.assembly:
        try:
            print(report.assembly([(path.name, read_assembly(path)) for path in options.assembly], sets, tools))
        except (Failed, OSError) as failure:
            print(f"--assembly: {failure}", file=sys.stderr)
            return 65
        return 0
    print(f"- counted in the emulator, one thread; {tools.version()} for cycles\n- Martlet {revision()}\n")
    symbols = Symbols(options.martlet)
    results, problems = [], 0
    with tempfile.TemporaryDirectory(prefix="martlet-arm64-") as folder:
        for subject in subjects():
            if options.only not in subject.name:
                continue
            for isa in sets:
                try:
                    model = subject.martlet(options.tools, Path(folder))
                    results.append(count(subject, isa, model, options, symbols, tools))
                except Failed as failure:
                    print(f"{subject.name}, {isa.name}: {failure}", file=sys.stderr)
                    problems += 1
    if not results and not problems:
        print(f"no model's name contains {options.only}", file=sys.stderr)
        return 64
    for isa in sets:
        print(report.figures([result for result in results if result["isa"] == isa.name], isa, "LiteRT"))
    for result in results:
        print(report.hot(result, next(isa for isa in sets if isa.name == result["isa"]), options.loops))
    if options.json:
        facts = {"martlet": revision(), "llvm": tools.version(), "results": results}
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
