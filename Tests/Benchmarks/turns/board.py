"""Measures Martlet beside LiteRT, ONNX Runtime and OpenVINO on this board, in turns, and writes results.json.

For each kind of processor and each number of threads, every model runs in rounds, everybody held to the same
processors, on another input each time. Frequencies, temperatures and throttling are recorded around each round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from harness.tables import table

from . import machine
from .agreement import LIMIT, differences
from .contender import SUFFIXES, Contender, Failed, Martlet, Place, available, peers
from .rounds import STANDING, Result, details, measured, small_table

USAGE, DATA, UNAVAILABLE, CANNOT_CREATE = 64, 65, 69, 73  # of sysexits.h, as Martlet has them
MOST_THREADS = 4


class Options(argparse.ArgumentParser):
    """A wrong command line gets one line and exit 64."""

    def error(self, message: str) -> NoReturn:
        end(USAGE, message)


def end(code: int, message: str) -> NoReturn:
    print(f"run: {message}", file=sys.stderr)
    sys.exit(code)


def number(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= 100_000:
        raise argparse.ArgumentTypeError(f"'{word}' is no number from 1 to 100000")
    return int(word)


def numbers(words: str) -> list[int]:
    return [number(word) for word in words.split(",")]


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Options(prog="run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=numbers, help="numbers, separated by commas (default: 1 to 4, if so many)")
    parser.add_argument("--rounds", type=number, default=7, help="measurements in turns (default: 7)")
    parser.add_argument("--milliseconds", type=number, default=300, help="of one runtime in one round (default: 300)")
    parser.add_argument("--only", default="", help="only models whose name contains this text")
    parser.add_argument("--kind", default="", help="only kinds of processors whose name contains this text")
    parser.add_argument("--without", action="append", default=[], choices=list(SUFFIXES), help="leave a runtime out")
    parser.add_argument("--runner", type=shlex.split, default=[], help="a command to run programs with: an emulator")
    parser.add_argument("--json", type=Path, default=Path("results.json"), help="where the figures go (results.json)")
    return parser.parse_args(arguments)


def site(bundle: Path) -> Path | None:
    """The folder of the runtimes' packages for this Python, unpacked the first time, where the bundle has any."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheels = sorted((bundle / "wheels" / tag).glob("*.whl"))
    if not wheels:
        has = ", ".join(sorted(folder.name for folder in (bundle / "wheels").glob("cp*"))) or "none"
        print(f"- no packages for this Python in the bundle ({tag}; it has {has}): what is installed is used")
        return None
    target, part = bundle / f"site-{tag}", bundle / f"site-{tag}.part"
    if not target.is_dir():
        print(f"- unpacking {len(wheels)} packages into {target.name}", flush=True)
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(part)
        part.rename(target)
    return target


def loaded(asked: argparse.Namespace, packages: Path | None) -> dict[str, str]:
    """The versions of the runtimes that can be loaded on this board; the others are told of and left out."""
    found = {}
    for runtime in SUFFIXES:
        if runtime in asked.without:
            continue
        try:
            found[runtime] = available(runtime, Place((), tuple(asked.runner)), packages)
        except Failed as failure:
            print(f"- {runtime} cannot be loaded here: {failure}")
            asked.without.append(runtime)
    return found


def measure(
    bundle: Path,
    model: dict[str, Any],
    kind: machine.Kind,
    threads: int,
    asked: argparse.Namespace,
    packages: Path | None,
) -> Result:
    """One model on so many processors of a kind, as many as threads."""
    cpus = kind.processors[:threads]
    place = Place(cpus, tuple(asked.runner))
    notes: list[str] = []
    note = lambda words: notes.append(words) if words not in notes else None
    martlet = Martlet((str(bundle / "martlet"),), bundle / "models" / model["martlet"], threads, place=place)
    contenders: list[Contender] = [martlet]
    states: list[dict[str, object]] = []
    try:
        files = [bundle / "models" / name for name in model["files"]]
        contenders += peers(files, threads, note, asked.without, place=place, site=packages)
        agreement = differences(martlet, [c for c in contenders if not isinstance(c, Martlet)], note)
        times = measured(contenders, asked.rounds, asked.milliseconds, note, lambda: states.append(machine.state(cpus)))
    finally:
        for contender in contenders:
            contender.close()
    notes += [f"{name}: {steps:.0f} steps from Martlet's output" for name, steps in agreement.items() if steps > LIMIT]
    setting = {"kind": kind.name, "processors": cpus, "threads": threads}
    return Result(model["name"], setting, times, notes, agreement, {"around_rounds": states})


def slowed(result: Result) -> str:
    """What held the processors back meanwhile, in words."""
    states = result.facts["around_rounds"]
    khz = [value for state in states for value in state["khz"].values()]
    words = [f"{min(khz) / 1e6:.2f} to {max(khz) / 1e6:.2f} GHz"] if khz else []
    degrees = [value for state in states for value in state["celsius"].values()]
    words += [f"{max(degrees):.0f} C"] if degrees else []
    words += sorted({word for state in states for word in [*(state["throttled"] or []), *state["cooling"]]})
    return ", ".join(words) or "not known"


def show(results: Sequence[Result], kind: machine.Kind, threads: int) -> None:
    names = sorted({name for result in results for name in result.others()})
    median = lambda times: f"{statistics.median(times[0]):.4g}" if times else "-"
    rows = []
    for result in results:
        standing = result.standing()
        others = result.others()
        cells = [median(others.get(name)) for name in names]
        found = standing.cells() if standing else ["-"] * 3
        rows.append([result.model, median(result.martlet()), *cells, *found, slowed(result)])
    columns = ["model", "Martlet ms", *(f"{name} ms" for name in names)]
    columns += [*STANDING, "frequency, temperature, throttling"]
    cpus = ", ".join(map(str, kind.processors[:threads]))
    plural = "s" if threads > 1 else ""
    print(f"\n{kind.name}, {threads} thread{plural} on processor{plural} {cpus}:")
    print(f"\n{table(columns, rows)}", flush=True)


def main(bundle: Path, arguments: Sequence[str]) -> int:
    asked = options(arguments)
    try:
        facts = json.loads((bundle / "bundle.json").read_text())
    except (OSError, ValueError) as error:
        end(DATA, f"bundle.json: {error}")
    if platform.machine() != "aarch64":
        end(UNAVAILABLE, f"this bundle is for arm64, this machine is {platform.machine()}")
    models = [model for model in facts["models"] if asked.only in model["name"]]
    if not models:
        end(USAGE, f"--only {asked.only}: the bundle has {', '.join(model['name'] for model in facts['models'])}")
    kinds = [kind for kind in machine.kinds() if asked.kind in kind.name]
    if not kinds:
        end(USAGE, f"--kind {asked.kind}: this board has {', '.join(kind.name for kind in machine.kinds())}")
    try:
        asked.json.write_text("{}\n")
    except OSError as error:
        end(CANNOT_CREATE, f"{asked.json}: {error.strerror}")

    described = {
        "board": machine.board(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "processors": [str(kind) for kind in machine.kinds()],
        "governor": machine.governors(),
        "load": machine.load(),
        "martlet": facts["martlet"],
        "arguments": list(arguments),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    print(f"- {described['board']}, kernel {described['kernel']}, Python {described['python']}")
    print(f"- {'; '.join(described['processors'])}")
    print(f"- governor {described['governor']}, load {described['load']:.2f}")
    packages = site(bundle)
    versions = loaded(asked, packages)
    print(f"- {', '.join(f'{name} {number}' for name, number in {'Martlet': facts['martlet'], **versions}.items())}")
    print(f"- {asked.rounds} rounds in turns, medians, milliseconds per inference", flush=True)
    for model in models:
        if not model["files"]:
            print(f"- {model['name']}: the bundle has no file of it for other runtimes")

    results, failures = run_all(bundle, models, kinds, asked, packages, described | {"runtimes": versions})
    print()
    for line in details(results):
        print(f"- {line}")
    for failure in failures:
        print(f"run: {failure}", file=sys.stderr)
    print(f"\nAll of it, round by round: {asked.json}")
    return 1 if failures else 0


def run_all(
    bundle: Path,
    models: list[dict[str, Any]],
    kinds: list[machine.Kind],
    asked: argparse.Namespace,
    packages: Path | None,
    described: dict[str, Any],
) -> tuple[list[Result], list[str]]:
    """Prints a table for each kind and number of threads; writes what there is after each model."""
    everything: list[Result] = []
    failures: list[str] = []
    for kind in kinds:
        most = len(kind.processors)
        for threads in asked.threads or range(1, min(MOST_THREADS, most) + 1):
            if threads > most:
                print(f"\n{kind.name}: {threads} threads are more than its {most} processors: left out")
                continue
            results = []
            for model in models:
                try:
                    results.append(measure(bundle, model, kind, threads, asked, packages))
                except Failed as failure:
                    failures.append(f"{model['name']}, {kind.name}, {threads} threads: {failure}")
                    continue
                everything.append(results[-1])
                write(asked.json, {**described, "failures": failures}, everything)
            show(results, kind, threads)
        if words := small_table(joined(everything, kind.name)):
            print(f"\n{kind.name}. {words.strip()}", flush=True)
    return everything, failures


def joined(results: Sequence[Result], kind: str) -> list[Result]:
    """Each model on all numbers of threads of a kind of processor."""
    own = [result for result in results if result.setting["kind"] == kind]
    names = dict.fromkeys(result.model for result in own)
    return [Result.joined([result for result in own if result.model == name]) for name in names]


def write(target: Path, described: dict[str, Any], results: Sequence[Result]) -> None:
    """Everything so far, in one step: whenever it ends, the file is whole."""
    better = [
        {"model": result.model, "kind": kind, **standing.as_json()}
        for kind in dict.fromkeys(result.setting["kind"] for result in results)
        for result in joined(results, kind)
        if result.is_small() and (standing := result.standing())
    ]
    found = {**described, "results": [result.as_json() for result in results], "better_threads_to_the_fastest": better}
    part = target.with_name(target.name + ".part")
    part.write_text(json.dumps(found, indent=2) + "\n")
    os.replace(part, target)
