"""llvm-mca: a loop's cycles on a processor, all loads found in the first-level cache and all branches predicted."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from harness.programs import Failed

ITERATIONS = 200
# Products of one instruction on vectors, by its name and the type of its result.
PRODUCTS = (
    (re.compile(r"(s|u|us|su)dot\s+v\d+\.4s"), 16),
    (re.compile(r"(s|u|us|su)dot\s+v\d+\.2s"), 8),
    (re.compile(r"(s|u|us)mmla\s"), 32),
    (re.compile(r"(s|u)ml[as]l2?\s+v\d+\.8h"), 8),
    (re.compile(r"(s|u)mull2?\s+v\d+\.8h"), 8),
    (re.compile(r"(s|u)ml[as]l2?\s+v\d+\.4s"), 4),
    (re.compile(r"(s|u)mull2?\s+v\d+\.4s"), 4),
    (re.compile(r"(mla|mul)\s+v\d+\.8h"), 8),
    (re.compile(r"mla\s+v\d+\.4s"), 4),
    (re.compile(r"(mla|mul)\s+v\d+\.16b"), 16),
    (re.compile(r"fmla\s+v\d+\.4s"), 4),
)


class Tools:
    """LLVM's programs, unpacked in a folder: Tools/arm64.sh names the release."""

    def __init__(self, folder: Path) -> None:
        libraries = [path for path in (*folder.glob("usr/lib/*-linux-gnu"), *folder.glob("lib/*-linux-gnu"))]
        self._environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))}
        found = sorted(folder.glob("usr/lib/llvm-*/bin"))
        if not found:
            raise Failed(f"no LLVM in {folder}: Tools/bench arm64 unpacks it")
        self._programs = found[-1]
        self.cycles = cache(self._cycles)
        self.disassembled = cache(self._disassembled)

    def _run(self, program: str, options: Sequence[str], text: str) -> str:
        done = subprocess.run(
            [self._programs / program, *options], input=text, env=self._environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Failed(f"{program}: {done.stderr.strip().splitlines()[0][:300]}")
        return done.stdout

    def version(self) -> str:
        return next(re.finditer(r"LLVM version [\d.]+", self._run("llvm-mca", ["--version"], "")))[0]

    def _disassembled(self, words: tuple[int, ...]) -> tuple[str, ...]:
        text = "\n".join(" ".join(f"{byte:#04x}" for byte in word.to_bytes(4, "little")) for word in words)
        shown = self._run("llvm-mc", ["--disassemble", "--triple=aarch64", "--mattr=+all"], text + "\n")
        return tuple(
            re.sub(r"\s+", " ", line).strip() for line in shown.splitlines() if line.strip() and ".text" not in line
        )

    def _cycles(self, assembly: tuple[str, ...], cpu: str) -> float | None:
        """Of one iteration in a long run; None on a processor that does not have the instructions."""
        options = ["--mtriple=aarch64", f"--mcpu={cpu}", f"--iterations={ITERATIONS}"]
        try:
            shown = self._run(
                "llvm-mca", [*options, "--resource-pressure=0", "--instruction-info=0"], "\n".join(assembly)
            )
        except Failed as failure:
            if "instruction requires" in str(failure):
                return None
            raise
        found = re.search(r"Total Cycles:\s+(\d+)", shown)
        assert found
        return int(found[1]) / ITERATIONS


def multiply_adds(assembly: Iterable[str]) -> int:
    """Products that are added up; those of a fixed-point multiply are not among them."""
    return sum(next((count for pattern, count in PRODUCTS if pattern.match(line)), 0) for line in assembly)


def read_assembly(path: Path) -> tuple[str, ...]:
    """The instructions of a file, without comments, labels and directives; where a branch leads does not matter."""
    found = []
    for line in path.read_text().lower().splitlines():
        text = re.sub(r"^\s*[\w.$]+:", "", re.split(r"//|/\*|;|@", line)[0])
        text = re.sub(r"\s+", " ", text).strip()
        if text and not text.startswith((".", "#")):
            found.append(re.sub(r"^(b|b\.\w+|(?:cbn?z|tbn?z) .*,) ?[\w.$]+$", r"\1 #-4", text))
    return tuple(found)
