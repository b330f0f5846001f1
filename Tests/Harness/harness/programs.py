"""The programs under test: `martlet` on this machine or in an emulator, and `martlet-tools`."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
# Where large files that are made once are kept; as the scripts in Tools have it.
CACHE = Path(
    os.environ.get("MARTLET_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "martlet"
).expanduser()
TIMEOUT_S = 300


class Failed(Exception):
    """A program ended with an error, or gave something else than it should; the text is its own line."""


@dataclass(frozen=True)
class Setting:
    """How a model is run: by which program, on which instruction set ("" is the program's own choice), on N threads."""

    runner: tuple[str, ...]
    isa: str = ""
    threads: int = 1

    def __str__(self) -> str:
        emulated = "qemu " if "qemu" in self.runner[0] else ""
        cpu = self.runner[self.runner.index("-cpu") + 1] + " " if "-cpu" in self.runner else ""
        return f"{emulated}{cpu}{self.isa or 'best'} x{self.threads}"


@dataclass(frozen=True)
class Programs:
    """The paths of the programs and the settings to run each model in."""

    tools: str
    martlet: str
    settings: tuple[Setting, ...] = field(default=())

    def convert(self, source: Path, target: Path, *options: str) -> None:
        run([self.tools, "convert", str(source), "-o", str(target), *options])


def run(command: Sequence[str], environment: dict[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> bytes:
    """Runs a program to its end and returns what it printed; its last line of complaint becomes the error."""
    try:
        done = subprocess.run(
            command, capture_output=True, env={**os.environ, **(environment or {})}, timeout=timeout_s
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"no end after {timeout_s:g} s") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.decode(errors="replace").strip().splitlines() if line]
        raise Failed(f"exit {done.returncode}: {lines[0][:300] if lines else 'no message'}")
    return done.stdout


def infer(setting: Setting, model: Path, inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """`martlet infer`: raw tensors in, raw tensors out."""
    command = [*setting.runner, "infer", str(model), "--threads", str(setting.threads)]
    for path in inputs:
        command += ["--input", str(path)]
    for path in outputs:
        command += ["--output", str(path)]
    run(command, {"MARTLET_ISA": setting.isa} if setting.isa else None)


def read_raw(path: Path, like: np.ndarray) -> np.ndarray:
    """A raw tensor file as an array of the expected type and shape."""
    values = np.fromfile(path, like.dtype)
    if path.stat().st_size != like.nbytes:
        raise Failed(f"the output has {path.stat().st_size} bytes instead of {like.nbytes}")
    return values.reshape(like.shape)


def difference(actual: np.ndarray, wanted: np.ndarray) -> str | None:
    """Where two tensors differ first and by how much at most, or None. Floats are compared as bits."""
    if actual.tobytes() == wanted.tobytes():
        return None
    bits = f"u{wanted.dtype.itemsize}"
    where = np.flatnonzero(actual.reshape(-1).view(bits) != wanted.reshape(-1).view(bits))
    index = tuple(int(i) for i in np.unravel_index(where[0], wanted.shape)) if wanted.ndim else ()
    largest = np.abs(actual.astype(np.float64) - wanted.astype(np.float64)).max()
    return (
        f"{len(where)} of {wanted.size} differ, first at {list(index)}: {actual[index]} instead of {wanted[index]}, "
        f"largest difference {largest:g}"
    )


def programs(options: argparse.Namespace) -> Programs:
    """What `Options.add_programs` asked for."""
    martlet, tools = options.martlet, options.tools
    if not tools or not (martlet or options.runner):
        built = build_path()
        martlet, tools = martlet or str(built / "martlet"), tools or str(built / "martlet-tools")
    runners = [tuple(shlex.split(text)) for text in options.runner] or [(str(martlet),)]
    settings = [
        Setting(runner, isa, int(threads))
        for runner in runners
        for isa in options.isa.split(",")
        for threads in options.threads.split(",")
    ]
    return Programs(str(tools), str(martlet or runners[0][-1]), tuple(settings))


def build_path() -> Path:
    """Where SwiftPM leaves this checkout's release build."""
    return ROOT / ".build" / "release"
