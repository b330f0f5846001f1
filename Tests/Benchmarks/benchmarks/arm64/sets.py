"""The instruction sets that are counted: a processor of the emulator for each, and those whose cycles are asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InstructionSet:
    """An instruction set by Martlet's name for it."""

    name: str
    cpu: str  # the emulator's
    features: str  # as Linux names them in /proc/cpuinfo
    part: int  # the processor's number there, implementer 0x41 (Arm)
    scheduled: tuple[str, ...]  # processors with it, whose pipelines llvm-mca knows


SETS = (
    InstructionSet(
        "neon",
        "cortex-a53",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid",
        0xD03,
        ("cortex-a53", "cortex-a55", "cortex-a72", "neoverse-n1"),
    ),
    InstructionSet(
        "dotprod",
        "cortex-a76",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
        0xD0B,
        ("cortex-a55", "cortex-a76", "neoverse-n1"),
    ),
    # Plain `max` has SVE and SME: LiteRT uses SME, which no board of interest has.
    InstructionSet(
        "i8mm",
        "max,sve=off,sme=off",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp i8mm bf16",
        0xD4D,
        ("cortex-a510", "neoverse-n2", "neoverse-v1"),
    ),
)
