"""Rounds in turns, and what they say: Martlet's time to that of the fastest of the others in each round."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.tables import table

from .contender import Contender, Failed, Martlet, Peer

PAUSE_S = 0.02  # what a runtime has started may end
FEWEST_RUNS, MOST_RUNS = 5, 20_000
SMALL_MS = 0.1
"""Below it a second thread may cost more than it brings: each side then has the number of threads that suits it."""

STANDING = ["Martlet / fastest", "rounds' range", "fastest"]
"""The columns of `Standing.cells`."""

Times = dict[Contender, list[float]]


def measured(
    contenders: Sequence[Contender],
    count: int,
    milliseconds: float,
    failed: Callable[[str], None],
    around: Callable[[], None] = lambda: None,
) -> Times:
    """The median latency of each contender in each round; `around` is called before the first round and after each.

    A runtime that fails half way is left out; Martlet may not. In each round another one is first.
    """

    def runs(latency: float) -> int:
        return int(min(max(milliseconds / max(latency, 1e-4), FEWEST_RUNS), MOST_RUNS))

    expected: dict[Contender, float] = {}
    found: Times = {contender: [] for contender in contenders}

    def turn(contender: Contender, runs: int) -> float | None:
        time.sleep(PAUSE_S)
        try:
            return contender.median_ms(runs)
        except Failed as failure:
            if isinstance(contender, Martlet):
                raise
            failed(str(failure))
            contender.close()
            del found[contender]
            return None

    for contender in contenders:
        latency = turn(contender, FEWEST_RUNS)
        if latency is not None:
            expected[contender] = latency
    around()
    for number in range(count):
        order = list(found)
        first = number % len(order)
        for contender in order[first:] + order[:first]:
            latency = turn(contender, runs(expected[contender]))
            if latency is not None:
                found[contender].append(latency)
        around()
    return found


@dataclass(frozen=True)
class Standing:
    """Martlet beside the fastest of the others in each round."""

    ratio: float
    lowest: float
    highest: float
    fastest: str
    """The one that was the fastest most often, and in how many of the rounds where not in all."""

    @staticmethod
    def of(mine: Sequence[Sequence[float]], theirs: dict[str, list[list[float]]]) -> Standing | None:
        """Each side has a list of times a round for each of its numbers of threads, and the best of them counts."""
        if not theirs:
            return None
        own = [min(round) for round in zip(*mine, strict=True)]
        best = {name: [min(round) for round in zip(*times, strict=True)] for name, times in theirs.items()}
        winners = [min(best, key=lambda name: best[name][round]) for round in range(len(own))]
        ratios = [time / best[winner][round] for round, (time, winner) in enumerate(zip(own, winners, strict=True))]
        name, wins = Counter(winners).most_common(1)[0]
        told = name if wins == len(own) else f"{name} ({wins} of {len(own)})"
        return Standing(statistics.median(ratios), min(ratios), max(ratios), told)

    def as_json(self) -> dict[str, Any]:
        return {"ratio": self.ratio, "lowest": self.lowest, "highest": self.highest, "fastest": self.fastest}

    def cells(self) -> list[str]:
        return [f"**{self.ratio:.2f}**", f"{self.lowest:.2f}-{self.highest:.2f}", self.fastest]


@dataclass
class Result:
    """A model's times, in one setting, on each number of threads."""

    model: str
    setting: dict[str, Any]
    times: Times
    notes: list[str] = field(default_factory=list)
    agreement: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def threads(self) -> list[int]:
        return sorted({contender.threads for contender in self.times})

    def martlet(self, threads: int | None = None) -> list[list[float]]:
        return [t for c, t in self.times.items() if isinstance(c, Martlet) and threads in (None, c.threads)]

    def others(self, threads: int | None = None, limited_only: bool = True) -> dict[str, list[list[float]]]:
        """The times of the others by their names: of those that are limited as Martlet is, unless told."""
        found: dict[str, list[list[float]]] = {}
        for contender, times in self.times.items():
            if not isinstance(contender, Peer) or threads not in (None, contender.threads):
                continue
            if contender.is_limited or not limited_only:
                found.setdefault(contender.name, []).append(times)
        return found

    def standing(self, threads: int | None = None) -> Standing | None:
        """On one number of threads; without one, on the best of each side."""
        return Standing.of(self.martlet(threads), self.others(threads))

    def best_ms(self) -> float:
        return min(statistics.median(times) for times in self.martlet())

    def is_small(self) -> bool:
        return self.best_ms() < SMALL_MS

    def as_json(self) -> dict[str, Any]:
        told: list[dict[str, Any]] = []
        for threads in self.threads():
            standing = self.standing(threads)
            peers = [c for c in self.times if isinstance(c, Peer) and c.threads == threads]
            told.append(
                {
                    "threads": threads,
                    "martlet_ms": statistics.median(self.martlet(threads)[0]),
                    "to_the_fastest": standing and standing.as_json(),
                    "peers": {peer.name: self._peer(peer) for peer in peers},
                    "martlet_rounds_ms": self.martlet(threads)[0],
                }
            )
        better = self.standing() if self.is_small() and len(told) > 1 else None
        return {
            "model": self.model,
            **self.setting,
            "isa": next((c.isa for c in self.times if isinstance(c, Martlet)), None),
            "results": told,
            "better_threads_to_the_fastest": better and better.as_json(),
            "largest_difference": self.agreement,
            "notes": self.notes,
            **self.facts,
        }

    @staticmethod
    def joined(results: Sequence[Result]) -> Result:
        """Of one model on several numbers of threads."""
        times = {contender: own for result in results for contender, own in result.times.items()}
        return Result(results[0].model, results[0].setting, times)

    def _peer(self, peer: Peer) -> dict[str, Any]:
        ratios = [a / b for a, b in zip(self.martlet(peer.threads)[0], self.times[peer], strict=True)]
        return {
            "latency_ms": statistics.median(self.times[peer]),
            "ratio": statistics.median(ratios),
            "ratio_lowest": min(ratios),
            "ratio_highest": max(ratios),
            "version": peer.version,
            "detail": peer.detail,
            "limited_to_the_instruction_set": peer.is_limited,
            "rounds_ms": self.times[peer],
        }


def small_table(results: Sequence[Result]) -> str:
    """The models that are so small that a second thread may not pay, or nothing where there are none."""
    rows = []
    for result in (r for r in results if r.is_small() and len(r.threads()) > 1):
        standing = result.standing()
        rows.append([result.model, f"{result.best_ms():.4g}", *(standing.cells() if standing else ["-", "-", "-"])])
    if not rows:
        return ""
    title = f"Under {SMALL_MS} ms, the better number of threads on each side in each round:"
    return f"\n{title}\n\n{table(['model', 'Martlet ms', *STANDING], rows)}"


def details(results: Sequence[Result]) -> list[str]:
    """What the others say of how they run each model, and of what went wrong."""
    told = [f"{r.model}, {c.name} x{c.threads}: {c.detail}" for r in results for c in r.times if c.detail]
    return list(dict.fromkeys(told + [f"{result.model}: {note}" for result in results for note in result.notes]))
