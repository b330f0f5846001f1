"""A .martlet file taken apart and put together, with its hashes made right again. Needs nothing but Python."""

from __future__ import annotations

import struct
from pathlib import Path

from .xxh64 import xxh64

# Their kinds are 1, 2, ...
SECTIONS = (
    "manifest tensors operators plan weights names labels pixels provenance tokenizer chat signature language"
).split()
_HEADER, _RECORD = 32, struct.Struct("<IIQQQ")


def read_sections(path: Path) -> list[tuple[str, bytes]]:
    """Name and content, in the file's order."""
    file = path.read_bytes()
    (count,) = struct.unpack_from("<I", file, 12)
    sections = []
    for index in range(count):
        kind, _, offset, length, _ = _RECORD.unpack_from(file, _HEADER + _RECORD.size * index)
        sections.append((SECTIONS[kind - 1], file[offset : offset + length]))
    return sections


def write_sections(path: Path, like: Path, sections: list[tuple[str, bytes]]) -> None:
    """A file with these sections, and the header of `like`."""
    start = _HEADER + _RECORD.size * len(sections)
    table, body = bytearray(), bytearray()
    for name, content in sections:
        body += bytes(-(start + len(body)) % 64)
        table += _RECORD.pack(SECTIONS.index(name) + 1, 0, start + len(body), len(content), xxh64(content))
        body += content
    header = bytearray(like.read_bytes()[:_HEADER])
    length = start + len(body)
    struct.pack_into("<IQQ", header, 12, len(sections), length, xxh64(bytes(table), length))
    path.write_bytes(header + table + body)
