"""What the figures were measured on, as far as the system tells: processors, frequencies, temperatures, throttling."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SYSTEM = Path("/sys/devices/system/cpu")
# Arm's part numbers, as its manuals of the cores give them for MIDR_EL1.
PARTS = {
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD44: "Cortex-X1",
    0xD46: "Cortex-A510",
    0xD47: "Cortex-A710",
    0xD49: "Neoverse-N2",
    0xD4B: "Cortex-A78C",
    0xD4D: "Cortex-A715",
    0xD4F: "Neoverse-V2",
    0xD80: "Cortex-A520",
    0xD81: "Cortex-A720",
}
ARM = 0x41
# The bits of Raspberry Pi's get_throttled; 16 higher: since the start.
THROTTLED = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


def text(path: Path) -> str:
    """A file of the system in one line, or nothing where there is none."""
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""


def number(path: Path) -> int | None:
    try:
        return int(text(path), 0)
    except ValueError:
        return None


def processor() -> str:
    """The processor's own name, or the machine's type where it tells none."""
    for line in text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def board() -> str:
    """The board's name in the device tree, or the processor's where there is no tree."""
    return text(Path("/proc/device-tree/model")) or processor()


def governors() -> str:
    """How frequencies are chosen, or that nobody tells."""
    paths = SYSTEM.glob("cpu[0-9]*/cpufreq/scaling_governor")
    return ", ".join(sorted({text(path) for path in paths} - {""})) or "not known"


def load() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]


@dataclass(frozen=True)
class Kind:
    """Processors of one kind, by their numbers."""

    name: str
    processors: tuple[int, ...]
    capacity: int | None
    """Of a processor, as the kernel sees it: 1024 is the fastest."""
    highest_khz: int | None

    def __str__(self) -> str:
        facts = [f"capacity {self.capacity}" if self.capacity else "", f"{(self.highest_khz or 0) / 1e6:.2f} GHz"]
        known = ", ".join(fact for fact in facts if fact and fact != "0.00 GHz")
        return f"{len(self.processors)} x {self.name}" + (f" ({known})" if known else "")


def kinds() -> list[Kind]:
    """The kinds of processors that this process may use, the slowest first."""
    names = _names()
    found: dict[tuple[str, int | None, int | None], list[int]] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        folder = SYSTEM / f"cpu{cpu}"
        capacity, highest = number(folder / "cpu_capacity"), number(folder / "cpufreq/cpuinfo_max_freq")
        found.setdefault((names.get(cpu) or processor(), capacity, highest), []).append(cpu)
    order = sorted(found.items(), key=lambda item: (item[0][1] or 0, item[0][2] or 0))
    return [Kind(name, tuple(cpus), capacity, highest) for (name, capacity, highest), cpus in order]


def _names() -> dict[int, str]:
    """By /proc/cpuinfo, which has a paragraph for each processor."""
    names: dict[int, str] = {}
    for paragraph in text(Path("/proc/cpuinfo")).split("\n\n"):
        pairs = (line.split(":", 1) for line in paragraph.splitlines() if ":" in line)
        told = {key.strip(): value.strip() for key, value in pairs}
        if "processor" not in told or "CPU part" not in told:
            continue
        maker, part = int(told.get("CPU implementer", "0"), 0), int(told["CPU part"], 0)
        known = PARTS.get(part) if maker == ARM else None
        names[int(told["processor"])] = known or f"part {part:#x} of maker {maker:#x}"
    return names


def state(processors: tuple[int, ...]) -> dict[str, object]:
    """What may slow these processors down at this moment."""
    frequencies = {str(cpu): number(SYSTEM / f"cpu{cpu}/cpufreq/scaling_cur_freq") for cpu in processors}
    thermal = Path("/sys/class/thermal")
    zones = {
        f"{zone.name} {text(zone / 'type')}".strip(): degrees / 1000
        for zone in sorted(thermal.glob("thermal_zone*"))
        if (degrees := number(zone / "temp")) is not None
    }
    # Each step takes something away from what it cools.
    cooling = {
        f"{device.name} {text(device / 'type')}".strip(): step
        for device in sorted(thermal.glob("cooling_device*"))
        if (step := number(device / "cur_state"))
    }
    return {
        "khz": {cpu: khz for cpu, khz in frequencies.items() if khz is not None},
        "celsius": zones,
        "cooling": cooling,
        "throttled": throttled(),
        "load": load(),
    }


def throttled() -> list[str] | None:
    """What a Raspberry Pi says of its throttling; None where nobody tells."""
    told = text(Path("/sys/devices/platform/soc/soc:firmware/get_throttled"))
    if not told and shutil.which("vcgencmd"):
        told = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True).stdout.strip()
    try:
        flags = int(told.split("=")[-1], 16)
    except ValueError:
        return None
    now = [word for bit, word in THROTTLED.items() if flags >> bit & 1]
    return now + [f"{word} since the start" for bit, word in THROTTLED.items() if flags >> (bit + 16) & 1]
