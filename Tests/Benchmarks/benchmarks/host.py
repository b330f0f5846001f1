"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from harness.programs import ROOT


def processor() -> str:
    """The processor's own name, or the machine's type where it tells none."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def revision() -> str:
    shown = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or "unknown"


def header(*more: str) -> str:
    """Processor, cores, load and versions: without them a time says nothing."""
    load = os.getloadavg()[0]
    facts = [f"{processor()}, {os.cpu_count()} cores, load {load:.2f}", f"Martlet {revision()}", *more]
    return "\n".join(f"- {fact}" for fact in facts) + "\n"
