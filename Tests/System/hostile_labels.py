"""A model whose labels, names and provenance would control a terminal.

python3 Tests/System/hostile_labels.py MODEL.martlet OUT.martlet      MODEL: of ten classes
"""

import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Harness"))
from harness.martlet_file import read_sections, write_sections  # noqa: E402

HOSTILE = [
    b"\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    b"a\nclassify: no such line\n   0.9999  cat",
    b'"},{"x":"',
    b"\xff\xfe\x80not UTF-8",
    b"",
    "\u202e turned \u2066".encode(),
    "\x9b31m C1".encode(),
    b"\r overwrites",
    b"tab\t\x7f",
    "fin \u00e9 \u65e5\u672c".encode(),
]


def hostile(section: str, content: bytes) -> bytes:
    match section:
        case "labels":
            ends = [sum(len(label) for label in HOSTILE[:index]) for index in range(len(HOSTILE) + 1)]
            return struct.pack(f"<{len(ends)}I", *ends) + b"".join(HOSTILE)
        case "provenance":
            return b"source: \x1b]0;prov\x07evil\nsource-sha256: \x1b[31m\nconverter: x\x1b[5m\n"
        case "names":
            return content.replace(b"i", b"\x1b")
        case _:
            return content


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    write_sections(target, source, [(name, hostile(name, content)) for name, content in read_sections(source)])


main()
