"""A program in the emulator with the counting plugin (`Tests/Benchmarks/counting`): what its inferences took, or what
one run of it did more than another."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from harness.programs import Failed

from .sets import InstructionSet

TIMEOUT_S = 3600
LINKED_BYTES = 10_000_000  # a larger file is not copied


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
    runs: int | None,
    command: Sequence[str],
    files: Mapping[str, Path],
    environment: Mapping[str, str] | None = None,
    has_caches: bool = True,
) -> Counted:
    """Runs a program that makes `runs` inferences; None: the whole process is counted. Without caches there are no
    misses and no bytes, in a third of the time.

    Everything that moves addresses, and with them the misses, is the same each time: the environment, the arguments,
    the names of the `files` (and folders), which are put into a folder of their own.
    """
    with tempfile.TemporaryDirectory(prefix="martlet-count-") as name:
        folder = Path(name)
        for target, source in files.items():
            if source.is_dir() or source.stat().st_size > LINKED_BYTES:
                (folder / target).symlink_to(source.resolve())
            else:
                shutil.copy(source, folder / target)
        shutil.copy(plugin, folder / "count.so")
        option = "./count.so,out=counted" + ",cache=1" * has_caches + (f",inferences={runs}" if runs else "")
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


def difference(more: Counted, less: Counted, count: int) -> Counted:
    """One of the `count` units, tokens say, that only the first of two runs of a program did."""
    pairs = zip(astuple(more.figures), astuple(less.figures), strict=True)
    figures = Figures(*(round((a - b) / count) for a, b in pairs))
    before = {(block.address, block.code): block.count for block in less.blocks}
    # What both did is subtracted even where the longer run has other blocks for it: instructions are added up later.
    blocks = {(block.address, block.code): block for block in (*less.blocks, *more.blocks)}
    after = {(block.address, block.code): block.count for block in more.blocks}
    changed = tuple(
        replace(block, count=(after.get(key, 0) - before.get(key, 0)) / count)
        for key, block in blocks.items()
        if after.get(key, 0) != before.get(key, 0)
    )
    if abs(sum(block.count * len(block.code) for block in changed) - figures.instructions) > 1:
        raise Failed("the counter's blocks do not add up to its total")
    return Counted(figures, changed, more.printed)
