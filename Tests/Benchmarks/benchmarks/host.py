"""What the numbers were measured on."""

from __future__ import annotations

import os
import subprocess

from harness.programs import ROOT
from turns.machine import governors, load, processor

__all__ = ["header", "processor", "revision"]


def revision() -> str:
    shown = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or "unknown"


def header(*more: str) -> str:
    """Processor, cores, governor, load and versions: without them a time says nothing."""
    machine = f"{processor()}, {os.cpu_count()} cores, governor {governors()}, load {load():.2f}"
    return "\n".join(f"- {fact}" for fact in (machine, f"Martlet {revision()}", *more)) + "\n"
