"""What ran: functions by their share of the instructions, and loops.

QEMU's blocks end at branches, at pages and where another block happened to begin, and they overlap: everything here is
made from single instructions, each with the number of times that it ran.
"""

from __future__ import annotations

import bisect
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .counting import Block

EXECUTABLE_BASE = 0x5500000000  # where QEMU puts a position-independent arm64 program
MAPPING = re.compile(r"\$[xd](\.|$)")  # where code and data begin, which is no name
AROUND, OUTSIDE = " (around others)", " (outside loops)"


@dataclass(frozen=True)
class Line:
    """An instruction, and how often an inference runs it."""

    address: int
    word: int
    count: float


@dataclass(frozen=True)
class Loop:
    """The instructions from a branch's target to the branch, without those of the loops inside; or what a function has
    outside of its loops, of which a call is an iteration."""

    lines: tuple[Line, ...]
    kind: str = ""

    @property
    def iterations(self) -> float:
        """Of one inference."""
        return self.lines[0 if self.kind == OUTSIDE else -1].count

    @property
    def instructions(self) -> float:
        return sum(line.count for line in self.lines)

    @property
    def usual(self) -> tuple[Line, ...]:
        """Those instructions that at least half of the iterations run."""
        return tuple(line for line in self.lines if line.count * 2 >= self.iterations)


def lines(blocks: Iterable[Block]) -> list[Line]:
    """Every instruction that ran, by address."""
    counts: dict[int, float] = defaultdict(float)
    words: dict[int, int] = {}
    for block in blocks:
        for index, word in enumerate(block.code):
            counts[block.address + 4 * index] += block.count
            words[block.address + 4 * index] = word
    # A difference of two runs leaves nothing of what both did.
    return [Line(address, words[address], counts[address]) for address in sorted(counts) if counts[address] > 0]


def branch_target(line: Line) -> int | None:
    """Where a branch with its distance in the instruction leads; calls are none."""
    word = line.word
    if word >> 26 == 0b000101:  # b
        return line.address + 4 * _signed(word, 26)
    if word >> 24 == 0b01010100 or word >> 25 & 0x3F == 0b011010:  # b.cond; cbz, cbnz
        return line.address + 4 * _signed(word >> 5, 19)
    if word >> 25 & 0x3F == 0b011011:  # tbz, tbnz
        return line.address + 4 * _signed(word >> 5, 14)
    return None


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def loops(code: list[Line], function: Callable[[int], str] | None = None) -> list[Loop]:
    """The one with the most instructions of its own first. Code outside of loops is known by the function it is in."""
    addresses = [line.address for line in code]
    spans: list[tuple[int, int]] = []
    for end, line in enumerate(code):
        target = branch_target(line)
        if target is None or target > line.address:
            continue
        start = bisect.bisect_left(addresses, target)
        # A branch back that was never taken, or hardly ever, is no loop.
        if code[start].address == target and line.count > 1:
            spans.append((start, end))
    found = []
    taken: set[int] = set()
    for start, end in sorted(spans, key=lambda span: span[1] - span[0]):
        own = [index for index in range(start, end + 1) if index not in taken]
        # The branch itself belongs to a smaller one where loops only overlap.
        if own[-1:] == [end]:
            kind = "" if len(own) == end + 1 - start else AROUND
            found.append(Loop(tuple(code[index] for index in own), kind))
        taken.update(own)
    if function:
        outside: dict[str, list[Line]] = defaultdict(list)
        for index, line in enumerate(code):
            if index not in taken:
                outside[function(line.address)].append(line)
        found += [Loop(tuple(own), OUTSIDE) for own in outside.values()]
    return sorted(found, key=lambda loop: -loop.instructions)


def readable(symbols: str) -> str:
    """With Swift's names as a person writes them, where the toolchain is at hand; C++ without arguments."""
    if demangle := shutil.which("swift-demangle"):
        shown = subprocess.run([demangle, "--simplified"], input=symbols, capture_output=True, text=True, check=True)
        symbols = shown.stdout
    return re.sub(r"\(.*", "", symbols.replace("(anonymous namespace)::", ""), flags=re.MULTILINE)


class Symbols:
    """The functions of an executable with symbols, at the addresses where QEMU puts them."""

    def __init__(self, program: Path, nm: str = "nm") -> None:
        text = subprocess.run([nm, "-C", "--defined-only", str(program)], capture_output=True, text=True, check=True)
        found = sorted(
            (int(row[0], 16) + EXECUTABLE_BASE, row[2])
            for row in (line.split(None, 2) for line in readable(text.stdout).splitlines())
            if len(row) == 3 and row[1] in "tTwW" and not MAPPING.match(row[2])
        )
        self._starts = [start for start, _ in found]
        self._names = [name for _, name in found]

    def name(self, address: int) -> str:
        if not self._starts:
            return "(no symbols)"
        index = bisect.bisect_right(self._starts, address) - 1
        # The libraries lie far above the program.
        if index < 0 or address - self._starts[index] > 1 << 20:
            return "(libraries)"
        return self._names[index]


class Mappings:
    """Which file is where in memory: for programs without symbols, where a place is FILE+OFFSET."""

    def __init__(self, maps: str) -> None:
        self._spans = []
        for row in (line.split() for line in maps.splitlines()):
            if len(row) < 6 or "x" not in row[1]:
                continue
            start, end = (int(word, 16) for word in row[0].split("-"))
            self._spans.append((start, end, int(row[2], 16), Path(row[5]).name))

    def file(self, address: int) -> str:
        return next((name for start, end, _, name in self._spans if start <= address < end), "(unknown)")

    def name(self, address: int) -> str:
        for start, end, offset, name in self._spans:
            if start <= address < end:
                return f"{name}+{address - start + offset:#x}"
        return f"{address:#x}"


def profile(code: Iterable[Line], symbols: Symbols) -> list[tuple[str, float]]:
    """Instructions of each function, the most first."""
    sums: dict[str, float] = defaultdict(float)
    for line in code:
        sums[symbols.name(line.address)] += line.count
    return sorted(sums.items(), key=lambda item: -item[1])
