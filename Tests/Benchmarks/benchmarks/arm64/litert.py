"""LiteRT's arm64 build under an arm64 Python in the emulator: Tools/arm64.sh unpacks both.

Its counts depend on nothing of Martlet: they are kept beside the unpacked files.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from .counting import Counted, emulate
from .hotspots import Mappings
from .kept import digest, kept
from .sets import InstructionSet

INSIDE = Path(__file__).with_name("inside.py")


def counted(isa: InstructionSet, peer: Path, plugin: Path, content: bytes, runs: int) -> Counted:
    """A .tflite model's inference, counted now or before."""
    name = digest(
        (content, plugin.read_bytes(), INSIDE.read_bytes(), (peer / ".wanted").read_bytes(), repr(isa).encode())
    )
    path = peer / "counted" / f"{name}-{runs}.json"
    return without_python(kept(path, lambda: _count(isa, peer, plugin, content, runs)))


def without_python(found: Counted) -> Counted:
    """Less what Python's own code takes for a call, some 4,000 instructions; its misses stay in."""
    mappings = Mappings(found.printed)
    outside = [block for block in found.blocks if mappings.file(block.address).startswith("python")]
    inside = tuple(block for block in found.blocks if not mappings.file(block.address).startswith("python"))
    figures = replace(
        found.figures,
        instructions=found.figures.instructions - round(sum(block.count * len(block.code) for block in outside)),
        loads=found.figures.loads - round(sum(block.count * block.loads for block in outside)),
        stores=found.figures.stores - round(sum(block.count * block.stores for block in outside)),
    )
    return Counted(figures, inside, found.printed)


def _count(isa: InstructionSet, peer: Path, plugin: Path, content: bytes, runs: int) -> Counted:
    with tempfile.TemporaryDirectory(prefix="martlet-litert-") as name:
        folder = Path(name)
        (folder / "model").write_bytes(content)
        root = folder / "root"
        root.mkdir()
        for path in (peer / "root").iterdir():
            (root / path.name).symlink_to(path)
        describe_processor(root, isa)
        environment = {
            "PYTHONHOME": "arm64/usr",
            "PYTHONPATH": "site",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = ["arm64/usr/bin/python3.11", "inside.py", "model.tflite", str(runs)]
        files = {"inside.py": INSIDE, "model.tflite": folder / "model", "arm64": root, "site": peer / "site"}
        return emulate(isa, root, plugin, runs, command, files, environment)


def describe_processor(root: Path, isa: InstructionSet) -> None:
    """The files by which LiteRT knows its processor: those of this machine would make it end."""
    lines = {
        "processor": "0",
        "BogoMIPS": "108.00",
        "Features": isa.features,
        "CPU implementer": "0x41",
        "CPU architecture": "8",
        "CPU variant": "0x0",
        "CPU part": f"{isa.part:#05x}",
        "CPU revision": "0",
    }
    cpu = "sys/devices/system/cpu"
    files = {
        "proc/cpuinfo": "".join(f"{key}\t: {value}\n" for key, value in lines.items()) + "\n",
        f"{cpu}/possible": "0\n",
        f"{cpu}/present": "0\n",
        f"{cpu}/online": "0\n",
        f"{cpu}/cpu0/regs/identification/midr_el1": f"{0x410F0000 | isa.part << 4:#018x}\n",
    }
    for index, (level, kind, kib, ways) in enumerate(
        [(1, "Data", 32, 4), (1, "Instruction", 32, 4), (2, "Unified", 512, 8)]
    ):
        facts = {"level": level, "type": kind, "size": f"{kib}K", "ways_of_associativity": ways}
        facts |= {"coherency_line_size": 64, "number_of_sets": kib * 16 // ways, "shared_cpu_list": "0"}
        files |= {f"{cpu}/cpu0/cache/index{index}/{key}": f"{value}\n" for key, value in facts.items()}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
