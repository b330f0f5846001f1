"""Whether all runtimes run the same network: one made-up input for all of them, and how far their outputs are apart."""

from __future__ import annotations

import json
import random
import tempfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .contender import Failed, Martlet, Peer

CODES = {"int8": "b", "uint8": "B", "int32": "i", "float32": "f"}
LIMIT = 64
"""Steps of an output's 255. Runtimes round differently, in some layers by a step, and the rest of the network adds to
that; another network, or inputs in another order, give differences of half the range."""


def differences(martlet: Martlet, peers: Sequence[Peer], failed: Any) -> dict[str, float]:
    """The largest difference of each runtime's outputs from Martlet's, in steps of the output's int8 grid."""
    described = json.loads(martlet.run("inspect", str(martlet.model), "--json"))
    rng = random.Random(15)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="martlet-agree-") as name:
        folder = Path(name)
        inputs = [folder / f"in{k}" for k, _ in enumerate(described["inputs"])]
        for path, tensor in zip(inputs, described["inputs"], strict=True):
            path.write_bytes(_made_up(rng, tensor))
        wanted = [folder / f"wanted{k}" for k, _ in enumerate(described["outputs"])]
        asked = [word for path in inputs for word in ("--input", str(path))]
        martlet.run("infer", str(martlet.model), *asked, *(word for path in wanted for word in ("--output", str(path))))
        for peer in peers:
            given = [folder / f"given{k}" for k, _ in enumerate(wanted)]
            request = {"infer": [str(p) for p in inputs], "given": described["inputs"], "to": [str(p) for p in given]}
            try:
                types = peer.ask(request)["outputs"]
            except Failed as failure:
                failed(f"not compared: {failure}")
                continue
            found[peer.name] = max(
                _apart(ours, theirs, tensor, dtype)
                for ours, theirs, tensor, dtype in zip(wanted, given, described["outputs"], types, strict=True)
            )
    return found


def _made_up(rng: random.Random, tensor: dict[str, Any]) -> bytes:
    """Random values over all of the tensor's int8 range."""
    if tensor["type"] != "float32":
        return rng.randbytes(tensor["byte_count"])
    quantized = array("b", rng.randbytes(tensor["byte_count"] // 4))
    return array("f", [(q - tensor["zero_point"]) * tensor["scale"] for q in quantized]).tobytes()


def _apart(ours: Path, theirs: Path, tensor: dict[str, Any], dtype: str) -> float:
    mine, other = array(CODES[tensor["type"]], ours.read_bytes()), array(CODES[dtype], theirs.read_bytes())
    if len(mine) != len(other):
        raise Failed(f"an output has {len(other)} values instead of {len(mine)}")
    scale, zero = tensor.get("scale", 1), tensor.get("zero_point", 0)
    real = lambda values: values if values.typecode == "f" else [(q - zero) * scale for q in values]
    return max(abs(a - b) for a, b in zip(real(mine), real(other), strict=True)) / scale
