"""A program in the emulator with the counting plugin (`Tests/Benchmarks/counting`): what its inferences took."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from harness.programs import Failed

from .sets import InstructionSet

TIMEOUT_S = 1800


@dataclass(frozen=True)
class Figures:
    """Of one inference. Loads and stores are instructions, misses those of the simulated caches."""

    instructions: int
    loads: int
    stores: int
    l1_misses: int
    l2_misses: int
    read_bytes: int
    written_bytes: int


@dataclass(frozen=True)
class Block:
    """Code that ran from its first instruction to its last, `count` times in an inference."""

    address: int
    count: float
    loads: int
    stores: int
    code: tuple[int, ...]


@dataclass(frozen=True)
class Counted:
    """The inferences' median, and the mean of each block."""

    figures: Figures
    blocks: tuple[Block, ...]
    printed: str


def parse(text: str, printed: str = "") -> Counted:
    """What the plugin wrote."""
    rows = [line.split() for line in text.splitlines()]
    inferences = [[int(word) for word in row[1:]] for row in rows if row[0] == "inference"]
    if not inferences:
        raise Failed("the counter saw no inference")
    blocks = tuple(
        Block(
            int(row[1], 16),
            int(row[2]) / len(inferences),
            int(row[3]),
            int(row[4]),
            tuple(int(row[5][i : i + 8], 16) for i in range(0, len(row[5]), 8)),
        )
        for row in rows
        if row[0] == "block"
    )
    medians = [int(statistics.median(column)) for column in zip(*inferences, strict=True)]
    assert len(medians) == len(fields(Figures))
    return Counted(Figures(*medians), blocks, printed)


def emulate(
    isa: InstructionSet,
    root: Path,
    plugin: Path,
    runs: int,
    command: Sequence[str],
    files: Mapping[str, Path],
    environment: Mapping[str, str] | None = None,
) -> Counted:
    """Runs a program that makes `runs` inferences.

    Everything that moves addresses, and with them the misses, is the same each time: the environment, the arguments,
    the names of the `files` (and folders), which are put into a folder of their own.
    """
    with tempfile.TemporaryDirectory(prefix="martlet-count-") as name:
        folder = Path(name)
        for target, source in files.items():
            if source.is_dir():
                (folder / target).symlink_to(source)
            else:
                shutil.copy(source, folder / target)
        shutil.copy(plugin, folder / "count.so")
        option = f"./count.so,out=counted,cache=1,inferences={runs}"
        whole = ["qemu-aarch64", "-cpu", isa.cpu, "-L", str(root), "-plugin", option, *command]
        try:
            done = subprocess.run(
                whole,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", **(environment or {})},
                capture_output=True,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"no end after {TIMEOUT_S} s") from error
        if done.returncode != 0:
            raise Failed(f"exit {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}")
        return parse((folder / "counted").read_text(), done.stdout.decode(errors="replace"))


def martlet(isa: InstructionSet, sysroot: Path, plugin: Path, program: Path, model: Path, runs: int = 3) -> Counted:
    """`martlet bench` of an arm64 build; its counts do not change from run to run."""
    command = ["./martlet", "bench", "model.martlet", "--threads", "1", "--runs", str(runs)]
    return emulate(isa, sysroot, plugin, runs, command, {"martlet": program, "model.martlet": model})
