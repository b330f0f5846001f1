"""Latency of every corpus model in Martlet, LiteRT, ONNX Runtime and OpenVINO, measured in turns.

    Tools/bench vision [--threads 1,2] [--isa avx2] [--rounds 7] [--only NAME] [--json FILE]

Each round runs every runtime once on each number of threads, for about --milliseconds, on another input each time. A
time is the median over the rounds of the rounds' medians. In each round Martlet's time is divided by that of the
fastest of the others; the ratio is the median over the rounds, so that a neighbour's load weighs on both alike.

--isa avx2 limits Martlet and OpenVINO. LiteRT (XNNPACK) and ONNX Runtime (MLAS) have no switch for it: where the
processor has more, their times are shown, and they do not count as the fastest.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness import corpus
from harness.options import Options
from harness.programs import Failed as NotRun
from harness.programs import Programs, Setting, programs
from harness.tables import table
from turns.agreement import LIMIT, differences
from turns.contender import LIMITED, LIMITS, Contender, Failed, Martlet, peers
from turns.machine import governors, load, processor, text
from turns.rounds import STANDING, Result, details, measured, small_table
from turns.runtimes import LOADERS

from .host import header, revision

# The same net as an ONNX file.
ONNX = {"micro_kws_m_quantized": "micro_kws_m_static_qdq.onnx"}
OTHER_NETWORK = "it does not run the same network"
SATURATES = "without VNNI it adds pairs of products in 16 bits, which saturate"
NOT_LIMITED = " (unlimited)"
# What this processor may have beyond avx2, and XNNPACK, MLAS and oneDNN would use.
MORE_THAN_AVX2 = {"avx512_vnni", "avx_vnni"}


def files(network: corpus.Network, folder: Path) -> list[Path]:
    """The network as the other runtimes read it."""
    found = [network.path]
    if network.path.suffix == ".tflite":
        found = [folder / network.path.name]
        found[0].write_bytes(network.content)
    if network.name in ONNX:
        found.append(corpus.CORPUS / "models" / ONNX[network.name])
    return found


def limiting(isa: str) -> str:
    """The instruction set, where this processor has one that is more."""
    flags = set(text(Path("/proc/cpuinfo")).split())
    return isa if isa in LIMITS and flags & MORE_THAN_AVX2 else ""


def measure(
    network: corpus.Network, model: Path, settings: Sequence[Setting], count: int, milliseconds: float
) -> Result:
    """All numbers of threads in each round, so that the better of them can be told."""
    isa, notes = settings[0].isa, []
    note = lambda words: notes.append(words) if words not in notes else None
    contenders: list[Contender] = [Martlet(s.runner, model, s.threads, isa) for s in settings]
    try:
        for setting in settings:
            contenders += peers(files(network, model.parent), setting.threads, note, isa=limiting(isa))
        first = [c for c in contenders if not isinstance(c, Martlet) and c.threads == settings[0].threads]
        agreement = differences(contenders[0], first, note)
        times = measured(contenders, count, milliseconds, note)
    finally:
        for contender in contenders:
            contender.close()
    for runtime, steps in agreement.items():
        if steps > LIMIT:
            note(f"{runtime}: {steps:.0f} steps from Martlet's output: {SATURATES if limiting(isa) else OTHER_NETWORK}")
    return Result(network.name, {"asked_isa": isa or None}, times, notes, agreement)


def milliseconds(times: list[list[float]] | None) -> str:
    return f"{statistics.median(times[0]):.4g}" if times else "-"


def print_table(results: list[Result], threads: int) -> None:
    names = sorted({name for r in results for name in r.others(threads, limited_only=False)})
    rows = []
    for result in results:
        counted, shown = result.others(threads), result.others(threads, limited_only=False)
        standing = result.standing(threads)
        cells = [
            milliseconds(shown.get(name)) + (NOT_LIMITED if name in shown and name not in counted else "")
            for name in names
        ]
        found = standing.cells() if standing else ["-", "-", "-"]
        rows.append([result.model, milliseconds(result.martlet(threads)), *cells, *found])
    columns = ["model", "Martlet ms", *(f"{name} ms" for name in names), *STANDING]
    print(f"\n{threads} thread{'s' if threads > 1 else ''}:\n\n{table(columns, rows)}")
    if any(NOT_LIMITED in cell for row in rows for cell in row):
        print(f"\n{NOT_LIMITED.strip()}: has no switch for the instruction set, and does not count as the fastest")


def print_scaling(results: list[Result]) -> None:
    """What the second thread brings, Martlet against itself."""
    rows = []
    for result in (r for r in results if {1, 2} <= set(r.threads())):
        one, two = (statistics.median(result.martlet(threads)[0]) for threads in (1, 2))
        rows.append([result.model, f"{one / two:.2f}"])
    if rows:
        print(f"\nTwo threads against one:\n\n{table(['model', 'times as fast'], rows)}")


def print_agreement(results: list[Result]) -> None:
    """That all run the same network."""
    names = sorted({name for r in results for name in r.agreement})
    if not names:
        return
    show = lambda steps: "-" if steps is None else f"{steps:.3g}"
    rows = [[r.model, *(show(r.agreement.get(name)) for name in names)] for r in results]
    print(
        f"\nLargest difference from Martlet's output on one input, in steps of 255:\n\n{table(['model', *names], rows)}"
    )


def grouped(settings: Sequence[Setting]) -> list[list[Setting]]:
    """Settings that differ in the number of threads alone."""
    found: dict[tuple[tuple[str, ...], str], list[Setting]] = {}
    for setting in settings:
        found.setdefault((setting.runner, setting.isa), []).append(setting)
    return list(found.values())


def measure_all(tested: Programs, networks: list[corpus.Network], options: Any) -> tuple[list[Result], int]:
    """Prints the tables of each instruction set; the results, and how many models have none."""
    everything, problems = [], 0
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as folder:
        for settings in grouped(tested.settings):
            results: list[Result] = []
            for network in networks:
                model = Path(folder) / f"{network.name}.martlet"
                try:
                    tested.convert(network.path, model)
                    results.append(measure(network, model, settings, options.rounds, options.milliseconds))
                except (Failed, NotRun) as failure:
                    print(f"{network.name}: {failure}", file=sys.stderr)
                    problems += 1
            isa = settings[0].isa
            if isa:
                print(f"\nMartlet on {isa}" + (f", {', '.join(LIMITED)} limited likewise:" if limiting(isa) else ":"))
            for setting in settings:
                print_table(results, setting.threads)
            print(small_table(results))
            print_scaling(results)
            print_agreement(results)
            print()
            for line in details(results):
                print(f"- {line}")
            problems += sum(OTHER_NETWORK in note for result in results for note in result.notes)
            sys.stdout.flush()
            everything += results
    return everything, problems


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs(threads="1,2")
    parser.add_rounds(7)
    parser.add_argument("--milliseconds", type=float, default=150, help="time for one runtime in one round")
    parser.add_only()
    parser.add_json()
    options = parser.parse_args()
    corpus.require()
    tested = programs(options)
    versions = {name: version(loader.package) for name, loader in LOADERS.items()}
    told = [f"{name} {number}" for name, number in versions.items()]
    print(header(*told, f"{options.rounds} rounds in turns, medians, milliseconds per inference"), flush=True)
    before = load()
    networks = [network for network in corpus.models() + corpus.onnx_models() if options.only in network.name]
    results, problems = measure_all(tested, networks, options)
    print(f"\nLoad {before:.2f} before, {load():.2f} after.")
    if options.json:
        facts = {
            "processor": processor(),
            "governor": governors(),
            "load": [before, load()],
            "martlet": revision(),
            "versions": versions,
            "results": [result.as_json() for result in results],
        }
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
