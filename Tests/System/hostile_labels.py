"""A model whose labels, names and provenance would control a terminal.

    PYTHONPATH=Tests/Oracle python3 Tests/System/hostile_labels.py MODEL.martlet OUT.martlet      MODEL: of ten classes
"""

import struct
import sys
from pathlib import Path

from oracle.xxh64 import xxh64

NAMES, LABELS, PROVENANCE = 6, 7, 9
HOSTILE = [
    b"\x1b]0;owned\x07\x1b[2J\x1b[31mred", b"a\nclassify: no such line\n   0.9999  cat", b'"},{"x":"', b"\xff\xfe\x80not UTF-8",
    b"", "\u202e turned \u2066".encode(), "\x9b31m C1".encode(), b"\r overwrites", b"tab\t\x7f", "fin \u00e9 \u65e5\u672c".encode(),
]


def main() -> None:
    source = Path(sys.argv[1]).read_bytes()
    magic, version, count = struct.unpack_from("<QII", source)
    sections = []
    for index in range(count):
        kind, _, offset, length, _ = struct.unpack_from("<IIQQQ", source, 32 + 32 * index)
        sections.append((kind, source[offset : offset + length]))
    out = bytearray((32 + 32 * count + 63) // 64 * 64)
    records = b""
    for kind, content in sections:
        if kind == LABELS:
            ends = [sum(len(label) for label in HOSTILE[:index]) for index in range(len(HOSTILE) + 1)]
            content = struct.pack(f"<{len(ends)}I", *ends) + b"".join(HOSTILE)
        elif kind == PROVENANCE:
            content = b"source: \x1b]0;prov\x07evil\nsource-sha256: \x1b[31m\nconverter: x\x1b[5m\n"
        elif kind == NAMES:
            content = content.replace(b"i", b"\x1b")
        out += bytes(-len(out) % 64)
        records += struct.pack("<IIQQQ", kind, 0, len(out), len(content), xxh64(content))
        out += content
    out[:32] = struct.pack("<QIIQQ", magic, version, count, len(out), xxh64(records, len(out)))
    out[32 : 32 + len(records)] = records
    Path(sys.argv[2]).write_bytes(out)


main()
