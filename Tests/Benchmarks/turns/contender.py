"""What takes part: Martlet, a process for each turn, and other runtimes, each in a process of its own.

A runtime's threads may spin for a while after an inference; its process is stopped whenever it is not its turn.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

TIMEOUT_S = 900
LIBRARY = Path(__file__).resolve().parents[1]
# Where oneDNN looks for the best instruction set that it may use.
ISA_LIMIT = "ONEDNN_MAX_CPU_ISA"
LIMITS = {"avx2": {ISA_LIMIT: "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"}}
LIMITED = ("OpenVINO",)
"""The runtimes that can be held to an instruction set: XNNPACK in LiteRT and MLAS in ONNX Runtime have no switch."""
SUFFIXES = {"LiteRT": (".tflite",), "ONNX Runtime": (".onnx",), "OpenVINO": (".tflite", ".onnx")}


class Failed(Exception):
    """Somebody cannot take part, for the reason that the text gives in one line."""


@dataclass(frozen=True)
class Place:
    """Where contenders run: on which processors (all, where there are none), and behind which command, an emulator."""

    processors: tuple[int, ...] = ()
    runner: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        return {"preexec_fn": partial(os.sched_setaffinity, 0, self.processors)} if self.processors else {}


class Martlet:
    """`martlet bench` with one model: each turn loads it anew, warms up and runs it, each time on another input."""

    runtime = "Martlet"
    detail = ""
    is_limited = True

    def __init__(
        self, command: Sequence[str], model: Path, threads: int, isa: str = "", place: Place | None = None
    ) -> None:
        self.command, self.model, self.threads = tuple(command), model, threads
        self.environment = {**os.environ, **({"MARTLET_ISA": isa} if isa else {})}
        self.place = place or Place()
        self.isa = ""

    @property
    def name(self) -> str:
        return self.runtime

    def run(self, *arguments: str) -> str:
        command = [*self.place.runner, *self.command, *arguments]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=self.environment,
                timeout=TIMEOUT_S,
                **self.place.options(),
            )
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise Failed(f"Martlet: no end after {TIMEOUT_S} s") from error
        if done.returncode != 0:
            raise Failed(f"Martlet: {(done.stderr.strip().splitlines() or [ending(done.returncode)])[-1]}")
        return done.stdout

    def median_ms(self, runs: int) -> float:
        """The median latency of a turn of so many inferences."""
        asked = ["bench", str(self.model), "--threads", str(self.threads), "--runs", str(runs), "--json"]
        told = json.loads(self.run(*asked))
        self.isa = told["isa"]
        return float(told["latency_ms"]["median"])

    def close(self) -> None:
        """There is no process between turns."""


class Peer:
    """Another runtime with one model, stopped until it is asked."""

    def __init__(
        self,
        runtime: str,
        model: Path,
        threads: int,
        isa: str = "",
        place: Place | None = None,
        site: Path | None = None,
    ) -> None:
        self.runtime, self.model, self.threads = runtime, model, threads
        self.is_limited = isa not in LIMITS or runtime in LIMITED
        place = place or Place()
        self.complaints = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            [*worker(runtime, place), str(model), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            env={**surroundings(site), **LIMITS.get(isa, {})},
            **place.options(),
        )
        self.pending = b""
        try:
            told = self._answer()
        except Failed:
            self.close()
            raise
        self.version, self.detail = told["version"], told["detail"]

    @property
    def name(self) -> str:
        """Of the runtime, and of the file where it runs more than one kind."""
        kind = f" {self.model.suffix[1:]}" if len(SUFFIXES[self.runtime]) > 1 else ""
        return self.runtime + kind

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Lets the process run until it has answered."""
        assert self.process.stdin
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Failed(f"{self.name}: {ending(self.process.wait())}") from error
        return self._answer()

    def median_ms(self, runs: int) -> float:
        """The median latency of a turn of so many inferences."""
        return float(self.ask({"runs": runs})["median_ms"])

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], TIMEOUT_S)[0]:
                raise Failed(f"{self.name}: no answer after {TIMEOUT_S} s")
            read = os.read(self.process.stdout.fileno(), 65536)
            if not read:
                self.complaints.seek(0)
                said = self.complaints.read().strip().splitlines()
                raise Failed(f"{self.name}: {said[-1] if said else ending(self.process.wait())}")
            self.pending += read
        line, self.pending = self.pending.split(b"\n", 1)
        self.process.send_signal(signal.SIGSTOP)
        told = json.loads(line)
        if "error" in told:
            raise Failed(f"{self.name}: {told['error']}")
        return told

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.complaints):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


Contender = Martlet | Peer


def worker(runtime: str, place: Place) -> list[str]:
    return [*place.runner, sys.executable, "-W", "ignore", "-m", "turns.worker", runtime]


def surroundings(site: Path | None) -> dict[str, str]:
    """The environment of a worker: where it finds this package and, in `site`, those of the runtimes."""
    paths = [str(LIBRARY), *([str(site)] if site else []), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def available(runtime: str, place: Place, site: Path | None) -> str:
    """The version of a runtime that can be loaded here."""
    command = worker(runtime, place)
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings(site), timeout=TIMEOUT_S)
    told = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"error": ending(done.returncode)}
    if "error" in told:
        raise Failed(told["error"])
    return told["version"]


def peers(
    files: Sequence[Path], threads: int, failed: Callable[[str], None], without: Sequence[str] = (), **options: Any
) -> list[Peer]:
    """Every runtime with every file that it reads; `failed` is told of those that cannot run it."""
    found = []
    for path in files:
        for runtime, suffixes in SUFFIXES.items():
            if path.suffix not in suffixes or runtime in without:
                continue
            try:
                found.append(Peer(runtime, path, threads, **options))
            except Failed as failure:
                failed(f"{failure} (on {threads} thread{'s' if threads > 1 else ''})")
    return found


def ending(status: int) -> str:
    """How a process ended, in words."""
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit {status}"
