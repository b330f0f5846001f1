"""Counts of a peer depend on nothing of Martlet: they are taken once and kept beside the peer's unpacked files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from .counting import Block, Counted, Figures


def digest(parts: Iterable[bytes]) -> str:
    """The name of what was made from these."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:32]


def kept(path: Path, count: Callable[[], Counted]) -> Counted:
    """What stands in the file, or is counted now and put there."""
    if path.exists():
        facts = json.loads(path.read_text())
        blocks = tuple(Block(**{**block, "code": tuple(block["code"])}) for block in facts["blocks"])
        return Counted(Figures(**facts["figures"]), blocks, facts["printed"])
    found = count()
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    blocks = [asdict(block) for block in found.blocks]
    part.write_text(json.dumps({"figures": asdict(found.figures), "blocks": blocks, "printed": found.printed}))
    part.replace(path)
    return found
