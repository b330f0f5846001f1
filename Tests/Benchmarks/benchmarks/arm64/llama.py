"""llama.cpp's arm64 builds in the emulator, by `Tests/Benchmarks/counting/llama.c`: Tools/arm64.sh makes them.

Their counts depend on nothing of Martlet but the token ids: they are kept beside the builds. They change by some
hundred instructions from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.programs import run

from ..llama import FILE_TYPES
from ..perplexity import plain
from .counting import Counted, difference, emulate
from .kept import digest, kept
from .places import EMULATOR, LLAMA, PLUGIN, SYSROOT
from .sets import SETS, InstructionSet

LIMIT_S = 3600


def remade(source: Path, folder: Path, kind: str) -> Path:
    """As `perplexity.remade`, which needs a build for this machine: the weights in `kind`, F32 from the source, every
    other from that. Files of either are used by both."""
    target = folder / f"{plain(source)}.{kind}.gguf"
    if not target.is_file():
        origin = source if kind == "F32" else remade(source, folder, "F32")
        partial = target.with_suffix(".part")
        program = [*EMULATOR, SETS[0].cpu, str(LLAMA / SETS[0].name / "llama")]
        run([*program, "quantize", str(origin), str(partial), str(FILE_TYPES[kind])], timeout_s=LIMIT_S)
        partial.rename(target)
    return target


class Peer:
    """A model in the build for one set."""

    def __init__(self, isa: InstructionSet, model: Path, has_caches: bool) -> None:
        self._isa, self._model, self._has_caches = isa, model, has_caches
        self.program = LLAMA / isa.name / "llama"

    def prefill(self, ids: Sequence[int], begin: int) -> Counted:
        """A token of a prompt, in one batch, behind the first `begin`."""
        whole = self._counted(ids, len(ids), 0)
        return difference(whole, self._counted(ids, begin, 0), len(ids) - begin)

    def decode(self, prompt: Sequence[int], following: Sequence[int]) -> Counted:
        """A token of those that follow one at a time."""
        whole = self._counted([*prompt, *following], len(prompt), len(following))
        return difference(whole, self._counted(prompt, len(prompt), 0), len(following))

    def _counted(self, ids: Sequence[int], prompt: int, following: int) -> Counted:
        facts = [prompt, following, *ids[: prompt + following]]
        name = digest(
            (
                self.program.read_bytes(),
                PLUGIN.read_bytes(),
                f"{self._model.name} {self._model.stat().st_size}".encode(),
                repr((self._isa, facts, self._has_caches)).encode(),
            )
        )
        command = ["./llama", "run", "model.gguf", *map(str, facts)]
        files = {"llama": self.program, "model.gguf": self._model}

        def count() -> Counted:
            return emulate(self._isa, SYSROOT, PLUGIN, None, command, files, has_caches=self._has_caches)

        return kept(LLAMA / "counted" / f"{name}.json", count)
