"""OpenVINO GenAI as a peer of Tools/bench language: a process of a Python of its own (`genai_worker`), stopped whenever
it is not its turn. Tools/bench installs it; `available` says whether it is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

from harness.programs import CACHE, Failed, run
from turns.contender import ending

FOLDER = CACHE / "genai"
PYTHON = FOLDER / "bin" / "python"
BITS = {"int8": 8, "int4": 4}
LIMIT_S = 3600


def available() -> bool:
    return (FOLDER / ".requirements").is_file()


def version() -> str:
    """By what was installed."""
    wanted = (FOLDER / ".requirements").read_text().splitlines()
    return next(line for line in wanted if line.startswith("openvino-genai"))


def exported(source: Path, folder: Path, weights: str) -> Path:
    """OpenVINO's files, made once from the float GGUF file."""
    target = folder / f"{source.name.split('.')[0]}.{weights}.openvino"
    if not (target / "openvino_model.xml").is_file():
        part = target.with_suffix(".part")
        command = [*_worker(), "export", str(source), str(part), str(BITS[weights])]
        run(command, timeout_s=LIMIT_S)
        part.rename(target)
    return target


def _worker() -> list[str]:
    return [str(PYTHON), "-W", "ignore", "-m", "benchmarks.genai_worker"]


class GenAI:
    """A model, loaded for so many threads."""

    def __init__(self, files: Path, threads: int) -> None:
        self.weight_bytes = (files / "openvino_model.bin").stat().st_size
        self._process = subprocess.Popen(
            [*_worker(), "run", str(files), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._pending = b""
        try:
            self._answer()
        except Failed:
            self.close()
            raise

    def prefill_rate(self, count: int, seed: int) -> float:
        return float(self._ask({"prefill": count, "seed": seed})["rate"])

    def decode_rate(self, count: int, seed: int) -> float:
        return float(self._ask({"decode": count, "seed": seed})["rate"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        while b"\n" not in self._pending:
            if not select.select([self._process.stdout], [], [], LIMIT_S)[0]:
                raise Failed(f"OpenVINO GenAI: no answer after {LIMIT_S} s")
            read = os.read(self._process.stdout.fileno(), 65536)
            if not read:
                raise Failed(f"OpenVINO GenAI: {ending(self._process.wait())}")
            self._pending += read
        line, self._pending = self._pending.split(b"\n", 1)
        self._process.send_signal(signal.SIGSTOP)
        told = json.loads(line)
        if "error" in told:
            raise Failed(f"OpenVINO GenAI: {told['error']}")
        return told

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
