"""What the device wrote while it was tested, judged on this machine: logs, the kernel's trace of its lines, its store.

    device_log pipeline|faults|soak|power FOLDER

The rules are worked out anew from the scores in the log, and what must have happened to each line from the rules.
"""

from __future__ import annotations

import json
import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.options import Options

from .device_frames import Comparison

KEYS = {
    "decision",
    "camera",
    "sequence",
    "dropped",
    "time",
    "captured_ns",
    "decided_ns",
    "model",
    "hash",
    "scores",
    "rules",
    "actions",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


def records(path: Path, report: Comparison) -> list[dict]:
    """Every line of a log, each a JSON object of its own, the last one whole."""
    data = path.read_bytes()
    report.check(not data or data.endswith(b"\n"), f"{path.name} ends in the middle of a line")
    found = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            record = json.loads(line.decode())
        except ValueError as error:
            report.check(False, f"{path.name}:{number}: {error}: {line[:80]!r}")
            continue
        found.append(record)
    return found


def decisions(
    found: list[dict], what: str, report: Comparison, *, losses: bool = False, boots: bool = False
) -> list[dict]:
    """The decisions among the records: complete, numbered one after the other except where a note tells of losses.

    Each on a newer frame than the one before, unless the machine booted in between.
    """
    result: list[dict] = []
    lost = 0
    gaps = 0
    wrong = []
    captured: dict[str, int] = {}
    for record in found:
        if "event" in record or "decision" not in record:
            lost += record.get("lost", 0)
            continue
        if not KEYS <= record.keys() or not TIME.fullmatch(record["time"]):
            wrong.append(record)
        acted = record.get("acted_ns", record["decided_ns"])
        if not record["captured_ns"] <= record["decided_ns"] <= acted:
            wrong.append(record)
        if record["captured_ns"] <= captured.get(record["camera"], 0) and not boots:
            report.check(False, f"{what}: decision {record['decision']} on a frame not newer than the one before")
        captured[record["camera"]] = record["captured_ns"]
        if result:
            step = record["decision"] - result[-1]["decision"]
            if step < 1:
                report.check(False, f"{what}: decision {record['decision']} behind {result[-1]['decision']}")
            gaps += step - 1
        result.append(record)
    report.check(not wrong, f"{what}: incomplete or disordered: {wrong[:1]}")
    if losses:
        report.check(gaps > 0, f"{what}: nothing was lost")
        report.equal(f"{what}: numbers left out, and lost by the notes", gaps, lost)
    else:
        report.equal(f"{what}: numbers left out", gaps, 0)
    return result


# MARK: Rules


@dataclass
class Rule:
    name: str
    classes: tuple[str, ...]
    threshold: float
    release: float
    votes: int = 1
    window: int = 1
    always: bool = False
    history: deque = field(default_factory=deque)
    holds: bool = False

    def update(self, scores: dict[str, float]) -> tuple[bool, bool, bool]:
        score = max(scores.get(name, 0.0) for name in self.classes)
        self.history.append(score)
        while len(self.history) > self.window:
            self.history.popleft()
        held = self.holds
        least = self.release if held else self.threshold
        self.holds = sum(score >= least for score in self.history) >= self.votes
        return self.holds, self.holds and (self.always or not held), held and not self.holds


RULES = [
    Rule("cat", ("cat",), 0.5, 0.5),
    Rule("later", ("cat",), 0.5, 0.5),
    Rule("there", ("cat", "dog"), 0.5, 0.5),
    Rule("sure", ("cat",), 0.5, 0.3, votes=3, window=5),
    Rule("never", ("ship", "truck"), 0.5, 0.5, always=True),
]
ACTIONS: dict[str, list[dict]] = {
    "cat": [{"pulse": "gate"}, {"save": ".ppm"}],
    "later": [{"pulse": "late", "at_ns": 700_000_000}],
    "there": [{"set": "lamp"}],
    "sure": [{"set": "voted"}],
    "never": [{"pulse": "other"}, {"set": "still"}],
}


def done(action: dict, record: dict) -> dict:
    """An action as a record has it: the frame's name, and when a pulse with a delay begins."""
    if "save" in action:
        return {"save": f"{record['decision']:012}-{re.sub('[-:]', '', record['time'])}{action['save']}"}
    return action | ({"at_ns": record["captured_ns"] + action["at_ns"]} if "at_ns" in action else {})


def check_rules(found: list[dict], report: Comparison) -> None:
    for record in found:
        scores = {score["label"]: score["score"] for score in record["scores"]}
        actions: list[dict] = []
        for rule, told in zip(RULES, record["rules"], strict=True):
            holds, fired, released = rule.update(scores)
            wanted = {"name": rule.name, "holds": holds} | ({"fired": True} if fired else {})
            wanted |= {"released": True} if released else {}
            report.equal(f"decision {record['decision']}, rule {rule.name}", told, wanted)
            if fired:
                actions += [done(action, record) for action in ACTIONS[rule.name]]
            if released:
                actions += [{"release": action["set"]} for action in ACTIONS[rule.name] if "set" in action]
        report.equal(f"decision {record['decision']}: actions", record["actions"], actions)


# MARK: Lines


def transitions(folder: Path, name: str) -> dict[str, list[tuple[float, int]]]:
    """For each line its changes by the kernel: (ms, level)."""
    names = dict(line.split() for line in (folder / "lines").read_text().splitlines())
    found: dict[str, list[tuple[float, int]]] = {line: [] for line in names.values()}
    for match in re.finditer(r" (\d+\.\d+): gpio_value: (\d+) set ([01])", (folder / f"{name}.trace").read_text()):
        line = found.get(names.get(match[2], ""))
        if line is not None and (line[-1][1] if line else -1) != int(match[3]):
            line.append((float(match[1]) * 1000, int(match[3])))
    return found


def pulses(changes: list[tuple[float, int]]) -> Iterator[tuple[float, float]]:
    """(beginning, length) in ms of each time at which a line was high."""
    start = None
    for time, level in changes:
        if level:
            start = time
        elif start is not None:
            yield start, time - start
            start = None


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else float("nan")


# What an emulated machine may be late by when it has nothing else to do.
LATE, LONG_MEDIAN, LONG = 500, 50, 1000


def machine(folder: Path) -> tuple[float, float]:
    """What a sleeper that does nothing else was late by in the same run, in the median and at most: ms."""
    late = [float(line) for line in (folder / "sleeps").read_text().split()]
    return median(late), max(late, default=0.0)


def check_pulses(
    what: str,
    found: list[tuple[float, float]],
    starts: list[float],
    length: float,
    own: tuple[float, float],
    report: Comparison,
) -> None:
    """Pulses at these times (ms; no earlier), and later only as far as the machine is: `own`, see above."""
    report.equal(f"{what}: pulses", len(found), len(starts))
    if len(found) != len(starts) or not starts:
        report.check(False, f"{what}: no pulses to compare")
        return
    late = [begin - start for (begin, _), start in zip(found, starts, strict=True)]
    lengths = [long for _, long in found]
    latest = max(LATE, 4 * own[1])
    report.check(min(late) > -0.01 and max(late) < latest, f"{what}: {min(late):.3f} to {max(late):.3f} ms late")
    report.check(
        min(lengths) >= length - 0.01
        and median(lengths) < length + max(LONG_MEDIAN, 4 * own[0])
        and max(lengths) < length + max(LONG, 4 * own[1]),
        f"{what}: {min(lengths):.3f} to {max(lengths):.3f} ms long, not {length}",
    )
    print(
        f"{what}: {len(found)} pulses, {min(late):.3f} / {median(late):.3f} / {max(late):.3f} ms late, "
        f"{min(lengths):.3f} / {median(lengths):.3f} / {max(lengths):.3f} ms long (min / median / max); "
        f"a sleeper: {own[0]:.0f} / {own[1]:.0f} ms late (median / max)"
    )


def check_levels(
    what: str, changes: list[tuple[float, int]], found: list[dict], line: str, *, low: bool, report: Comparison
) -> None:
    """The line's level between any two decisions is what the actions say."""
    active = False
    first = True
    for record, following in zip(found, [*found[1:], None], strict=True):
        for action in record["actions"]:
            active = True if action.get("set") == line else False if action.get("release") == line else active
        # Just before the next decision's lines are set; behind the last one it is made safe.
        end = following["captured_ns"] / 1e6 if following else record["decided_ns"] / 1e6 + 50
        end = max(end, record.get("acted_ns", record["decided_ns"]) / 1e6 + 0.1)
        level = next((level for time, level in reversed(changes) if time <= end), int(low))
        if (level == 1) != (active != low):
            report.check(False, f"{what}: {level} behind decision {record['decision']}")
            first = False
    report.check(first, f"{what}: at a wrong level")


def check_pipeline(folder: Path, report: Comparison) -> None:
    found = decisions(records(folder / "rules.log", report), "rules", report)
    check_rules(found, report)
    for before, record in zip(found, found[1:], strict=False):
        if record["sequence"] - before["sequence"] - 1 != record["dropped"]:
            report.check(
                False,
                f"decision {record['decision']}: {record['dropped']} dropped, frame "
                f"{record['sequence']} behind {before['sequence']}",
            )
    lines = transitions(folder, "rules")
    fired = [record for record in found if {"pulse": "gate"} in record["actions"]]
    own = machine(folder)
    ends = [record["decided_ns"] / 1e6 for record in fired]
    check_pulses("gate", list(pulses(lines["gate"])), ends, 60, own, report)
    starts = [record["captured_ns"] / 1e6 + 700 for record in fired]
    check_pulses("late", list(pulses(lines["late"])), starts, 80, own, report)
    check_levels("lamp", lines["lamp"], found, "lamp", low=False, report=report)
    check_levels("voted", lines["voted"], found, "voted", low=True, report=report)
    for line in ("lamp", "voted"):
        report.check(len(lines[line]) >= 4, f"{line}: changed only {len(lines[line])} times")
    for line in ("other", "still"):
        report.check(all(level == 0 for _, level in lines[line]), f"{line}: was active")
    saved = [action["save"] for record in found for action in record["actions"] if "save" in action]
    names = sorted(path.name for path in (folder / "saved").iterdir())
    report.equal("saved frames", names, saved)

    found = decisions(records(folder / "triggers.log", report), "triggers", report)
    for name, count in (("belt", 100), ("shelf", 5)):
        report.equal(f"decisions of {name}", sum(record["camera"] == name for record in found), count)
    times = [record["captured_ns"] / 1e6 for record in found if record["camera"] == "door"]
    steps = [after - before for before, after in zip(times, times[1:], strict=False)]
    # A frame each 100 ms, on a clock of its own.
    latest = 600 + max(LONG_MEDIAN, 4 * own[0])
    report.check(
        len(steps) > 10 and 450 < median(steps) < latest, f"every 500ms: {median(steps):.0f} ms in {len(steps)}"
    )

    files = sorted((folder / "turns").iterdir(), key=lambda path: -int((path.suffix[1:]).replace("log", "0")))
    turns = [record for path in files for record in records(path, report)]
    found = decisions(turns, "turns", report)
    report.equal("turns: the first number", found[0]["decision"], 1)
    report.check(found[-1]["decision"] >= 450, f"turns: only {found[-1]['decision']} decisions")
    report.check(len(files) > 3, f"turns: {len(files)} files")
    report.check(all(path.stat().st_size <= 65536 for path in files), "turns: a file is too large")
    saved = sorted((folder / "turned").iterdir())
    size = sum(path.stat().st_size for path in saved)
    original = (folder / "1.jpg").read_bytes()
    report.check(100_000 - len(original) < size <= 100_000, f"the store has {size} bytes, not up to 100000")
    report.check(all(path.read_bytes() == original for path in saved), "a stored JPEG is not the picture")
    numbers = [int(path.name.split("-")[0]) for path in saved]
    # After a kill the log may lack what the store has: not the other way round.
    report.equal("the store's numbers", numbers, list(range(numbers[0], numbers[0] + len(numbers))))
    report.equal("the store's newest", numbers[-1], found[-1]["decision"])


# MARK: Faults, soak, power


def top(record: dict) -> list[tuple[int, int]]:
    return [(score["index"], score["raw"]) for score in record["scores"]]


def check_faults(folder: Path, report: Comparison) -> None:
    for path in sorted(folder.glob("*.log")):
        found = decisions(records(path, report), path.stem, report, losses=path.stem == "full")
        report.check(len(found) > 0, f"{path.stem}: no decisions")
        if path.stem == "damaged":
            report.equal(
                "damaged: what the decisions say", {tuple(top(record)) for record in found}, {tuple(top(found[0]))}
            )
            report.equal("damaged: the label", found[0]["scores"][0]["label"], "cat")


def check_soak(folder: Path, report: Comparison) -> None:
    found = [record for path in [folder / "soak.log"] for record in records(path, report)]
    found = decisions(found, "soak", report)
    print(f"{len(found)} decisions, each logged once")
    report.check(all(not record["actions"] for record in found), "a line was switched, though nothing matches")


def check_power(folder: Path, report: Comparison) -> None:
    found = decisions(records(folder / "power.log", report), "power", report, boots=True)
    told = [int((folder / f"decided.{number}").read_text()) for number in (1, 2, 3)]
    report.check(found[0]["decision"] == 1, "power: the first number is not 1")
    # What was decided more than the second before the cut in which it is synced must be there: at 20 a second.
    last = found[-1]["decision"]
    report.check(last > told[-1] - 60, f"power: {last} of {told[-1]} decisions are left")
    print(f"told before each cut: {told}; in the log: {len(found)} decisions")


def main() -> int:
    parser = Options(__doc__)
    checks = {"pipeline": check_pipeline, "faults": check_faults, "soak": check_soak, "power": check_power}
    parser.add_argument("part", choices=checks)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    report = Comparison()
    checks[options.part](options.folder, report)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
