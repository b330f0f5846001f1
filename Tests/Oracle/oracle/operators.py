"""Many small models, one operator or a short chain each: Martlet against LiteRT's reference kernels, bit for bit.

python -m oracle.operators [--isa scalar,avx2] [--threads 1,2] [--only SOFTMAX] [--seed 1]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.options import Options
from harness.programs import Failed, Programs, difference, infer, programs, read_raw
from harness.reference import expected

from .case import Case
from .cases import all_cases


@dataclass
class Trial:
    """A case with its model, inputs and the answers it must give."""

    case: Case
    model: bytes
    inputs: list[list[np.ndarray]]
    wanted: list[list[np.ndarray]]


def prepare(cases: list[Case], seed: int) -> tuple[list[Trial], list[str]]:
    """Trials for the cases that LiteRT runs, and a line for each that it does not."""
    made = [case.make(seed) for case in cases]
    trials, refused = [], []
    for case, (model, inputs), answer in zip(cases, made, expected(made), strict=True):
        if isinstance(answer, str):
            refused.append(f"{case.name}: {answer}")
        else:
            trials.append(Trial(case, model, inputs, answer))
    return trials, refused


def check(trial: Trial, tested: Programs, folder: Path) -> list[str]:
    """Converts and runs one model in every setting; returns what went wrong."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        source, model = place / "model.tflite", place / "model.martlet"
        source.write_bytes(trial.model)
        try:
            tested.convert(source, model)
        except Failed as failure:
            return [f"convert: {failure}"]
        problems = []
        for number, (inputs, wanted) in enumerate(zip(trial.inputs, trial.wanted, strict=True)):
            sources = [place / f"in{i}" for i in range(len(inputs))]
            for path, value in zip(sources, inputs, strict=True):
                value.tofile(path)
            for setting in tested.settings:
                targets = [place / f"out{i}" for i in range(len(wanted))]
                try:
                    infer(setting, model, sources, targets)
                    found = [
                        difference(read_raw(path, value), value) for path, value in zip(targets, wanted, strict=True)
                    ]
                    problems += [
                        f"{setting}, input {number}, output {i}: {text}" for i, text in enumerate(found) if text
                    ]
                except Failed as failure:
                    problems.append(f"{setting}, input {number}: {failure}")
        return problems


def corrupt(trial: Trial) -> None:
    """Changes one expected value by one bit: the comparison must notice it."""
    raw = bytearray(trial.wanted[0][0].tobytes())
    raw[len(raw) // 2] ^= 1
    array = trial.wanted[0][0]
    trial.wanted[0][0] = np.frombuffer(bytes(raw), array.dtype).reshape(array.shape)


def self_check(trials: list[Trial], tested: Programs, folder: Path) -> str | None:
    """A trial that passes must fail once its expected result is changed. Returns what is wrong with the harness."""
    for trial in trials:
        if not check(trial, tested, folder):
            corrupt(trial)
            return None if check(trial, tested, folder) else f"a corrupted result passed: {trial.case.name}"
    return "no case passes"


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_only("cases")
    parser.add_argument("--every", type=int, default=1, help="only every Nth case")
    parser.add_random()
    parser.add_jobs()
    parser.add_details(2, "case")
    options = parser.parse_args()
    tested = programs(options)
    begin = time.monotonic()
    cases = [case for case in all_cases() if options.only in case.name][:: options.every]
    trials, refused = prepare(cases, options.seed)
    with tempfile.TemporaryDirectory(prefix="martlet-oracle-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda trial: check(trial, tested, Path(folder)), trials))
        broken = self_check([t for t, r in zip(trials, results, strict=True) if not r][:1], tested, Path(folder))
    failed: Counter[str] = Counter()
    for trial, problems in zip(trials, results, strict=True):
        if problems:
            failed[trial.case.operator] += 1
            print(f"FAILED {trial.case.name}")
            for line in problems[: options.details]:
                print(f"    {line}")
    for line in refused:
        print(f"dropped, LiteRT refuses {line}")
    if broken:
        print(f"self-check: {broken}")
    by_operator = ", ".join(f"{name} {count}" for name, count in failed.most_common())
    print(
        f"{len(trials)} cases in {len(tested.settings)} settings ({'; '.join(map(str, tested.settings))}), "
        f"{len(refused)} dropped, {time.monotonic() - begin:.0f} s" + (f"; failing: {by_operator}" if failed else "")
    )
    print(f"{len(trials) - failed.total()} passed, {failed.total()} failed")
    return 1 if failed or broken else 0


if __name__ == "__main__":
    sys.exit(main())
