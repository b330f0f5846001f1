"""Where the scripts put what counting on arm64 takes."""

from __future__ import annotations

from harness.programs import CACHE, ROOT

SYSROOT = CACHE / "sysroot-arm64"
LITERT = CACHE / "arm64-litert"
LLAMA = CACHE / "arm64-llama"
LLVM = CACHE / "llvm-19"
PLUGIN = ROOT / ".build-device" / "count.so"  # Tools/bench compiles it
BUILT = ROOT / ".build-embedded-aarch64" / "aarch64-none-none-elf" / "release" / "martlet"
EMULATOR = ("qemu-aarch64-static", "-L", str(SYSROOT), "-cpu")  # a processor and a program behind it, without counting
