"""The arguments of the commands in `oracle` and `benchmarks`: what several of them take is said here once."""

from __future__ import annotations

import argparse
from pathlib import Path


class Options(argparse.ArgumentParser):
    """A parser whose help is the module's own text."""

    def __init__(self, text: str | None) -> None:
        super().__init__(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)

    def add_programs(self, threads: str = "1") -> None:
        """What to test and in which settings; `programs.programs` reads it."""
        self.add_argument("--martlet", help="path of martlet (default: the release build of this checkout)")
        self.add_argument("--tools", help="path of martlet-tools (default: the same build)")
        self.add_argument(
            "--runner",
            action="append",
            default=[],
            help="a whole command instead of --martlet, such as 'qemu-aarch64-static -L DIR -cpu max martlet'; "
            "repeat for several",
        )
        self.add_argument(
            "--isa", default="", help="instruction sets, separated by commas (default: the program's choice)"
        )
        self.add_argument("--threads", default=threads, help=f"numbers, separated by commas (default: {threads})")

    def add_only(self, what: str = "models") -> None:
        self.add_argument("--only", default="", help=f"only {what} whose name contains this text")

    def add_json(self, what: str = "figures") -> None:
        self.add_argument("--json", help=f"also write the {what} to this file")

    def add_random(self, count: int | None = None, what: str = "cases") -> None:
        """`--seed`, and `--count` where the number of cases is free."""
        self.add_argument("--seed", type=int, default=1, help="of the random numbers (default: 1)")
        if count is not None:
            self.add_argument("--count", type=int, default=count, help=f"{what} (default: {count})")

    def add_jobs(self) -> None:
        self.add_argument("--jobs", type=int, default=2, help="at a time (default: 2)")

    def add_rounds(self, count: int) -> None:
        self.add_argument("--rounds", type=int, default=count, help=f"measurements in turns (default: {count})")

    def add_details(self, count: int, what: str) -> None:
        self.add_argument("--details", type=int, default=count, help=f"lines printed for each failing {what}")

    def add_keep(self, what: str) -> None:
        self.add_argument("--keep", type=Path, help=f"a folder for the {what} that fail")
