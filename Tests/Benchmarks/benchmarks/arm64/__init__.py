"""Martlet on arm64 without an arm64 processor: counted in QEMU's user-mode emulation, beside LiteRT's arm64 build."""
