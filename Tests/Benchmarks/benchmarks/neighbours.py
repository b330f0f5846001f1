"""Busy neighbours and read bandwidth: what a memory-bound figure has to be seen against."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("read_bandwidth.c")


class Bandwidth:
    """Measures streaming reads of 256 MB with a small C program, built into `folder`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("clang")
        if compiler is None:
            raise FileNotFoundError("no C compiler: neither cc nor clang is on the PATH")
        self.program = folder / "read_bandwidth"
        native = [] if os.uname().machine == "aarch64" else ["-march=native"]
        subprocess.run([compiler, "-O3", *native, "-pthread", str(SOURCE), "-o", str(self.program)], check=True)

    def gigabytes_per_second(self, threads: int) -> float:
        """10^9 bytes a second, the median of eight passes."""
        shown = subprocess.run([str(self.program), str(threads)], capture_output=True, text=True, check=True)
        return float(shown.stdout)


# Ends with its parent, however that ends.
SPIN = """
import os
os.sched_setaffinity(0, [{core}])
while os.getppid() == {parent}:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def busy(cores: list[int]) -> Iterator[None]:
    """A spinning process pinned to each of `cores`."""
    spinners = []
    try:
        for core in cores:
            code = SPIN.format(core=core, parent=os.getpid())
            spinners.append(subprocess.Popen([sys.executable, "-c", code]))
        time.sleep(0.3)
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def cores(count: int) -> list[int]:
    """The first `count` cores that this process may use."""
    return sorted(os.sched_getaffinity(0))[:count]
