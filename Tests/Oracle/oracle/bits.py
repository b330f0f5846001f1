"""Every model and layer of the corpus, on every instruction set and thread count: one hash per model and input.

    Tools/bench bits [--inputs 20] [--isa scalar,avx2] [--threads 1,2] [--runner '...'] [--only NAME]

An input's outputs must equal LiteRT's reference kernels (and the corpus' golden, where there is one) bit for bit in
every setting; the hash is the SHA-256 of all outputs, shortened.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness import corpus
from harness.options import Options
from harness.programs import Failed, Programs, difference, infer, programs, read_raw
from harness.reference import Reference, Refused


@dataclass
class Row:
    """One model on one input: what it must give, and where."""

    network: corpus.Network
    model: Path
    label: str
    inputs: list[np.ndarray]
    wanted: list[np.ndarray]


def rows(network: corpus.Network, model: Path, count: int) -> Iterator[Row]:
    golden = {name: outputs for name, _, outputs in corpus.goldens(network)}
    reference = Reference(network.content)
    for label, inputs in corpus.inputs(network, count):
        wanted = reference.run(inputs)
        for mine, theirs in zip(wanted, golden.get(label, wanted), strict=True):
            if mine.tobytes() != theirs.tobytes():
                raise Failed(f"{network.name}, {label}: LiteRT's reference kernels give something else than the golden")
        yield Row(network, model, label, inputs, wanted)


def check(row: Row, tested: Programs) -> list[str]:
    """Runs one input in every setting; returns what went wrong."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="martlet-bits-") as name:
        place = Path(name)
        sources = [place / f"in{i}" for i in range(len(row.inputs))]
        targets = [place / f"out{i}" for i in range(len(row.wanted))]
        for path, value in zip(sources, row.inputs, strict=True):
            value.tofile(path)
        for setting in tested.settings:
            try:
                infer(setting, row.model, sources, targets)
                found = [difference(read_raw(p, value), value) for p, value in zip(targets, row.wanted, strict=True)]
                problems += [f"{setting}: output {i}: {text}" for i, text in enumerate(found) if text]
            except Failed as failure:
                problems.append(f"{setting}: {failure}")
    return problems


def digest(values: list[np.ndarray]) -> str:
    return hashlib.sha256(b"".join(value.tobytes() for value in values)).hexdigest()[:16]


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_argument("--inputs", type=int, default=2, help="inputs per model and layer (20 is the full matrix)")
    parser.add_only()
    parser.add_jobs()
    parser.add_argument("--no-layers", action="store_true", help="only whole models")
    options = parser.parse_args()
    corpus.require()
    tested = programs(options)
    networks = corpus.models() + ([] if options.no_layers else corpus.layers())
    networks = [network for network in networks if options.only in network.name]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="martlet-bits-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        for network in networks:
            model = Path(folder) / f"{network.name}.martlet"
            try:
                tested.convert(network.path, model)
                wanted = list(rows(network, model, options.inputs))
            except (Failed, Refused) as failure:
                print(f"FAILED {network.name}: {failure}", flush=True)
                failed += 1
                continue
            for row, problems in zip(wanted, pool.map(check, wanted, itertools.repeat(tested)), strict=True):
                passed, failed = passed + (not problems), failed + bool(problems)
                print(f"{'FAILED' if problems else digest(row.wanted)}  {network.name}  {row.label}", flush=True)
                for line in problems[:4]:
                    print(f"    {line}")
    print(f"{len(networks)} models, {options.inputs} inputs each, settings: {'; '.join(map(str, tested.settings))}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
