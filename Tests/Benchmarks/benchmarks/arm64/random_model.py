"""A language model with random weights and two of SmolLM2-135M's layers: what a token takes in them is what it takes in
those of the real one.

    python -m benchmarks.arm64.random_model FOLDER      writes it as a Hugging Face folder

The tokenizer, the vocabulary and how values are made are those of Tests/Fixtures/language/llama-tied.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from oracle.tiny_language import FOLDER, Model

HIDDEN, INTERMEDIATE, HEADS, KEY_HEADS, HEAD = 576, 1536, 9, 3, 64
ORIGIN = FOLDER / "llama-tied"


def shape(name: str, vocabulary: int) -> list[int]:
    """Of a tensor by its name."""
    kinds = {
        "embed_tokens": [vocabulary, HIDDEN],
        "q_proj": [HEADS * HEAD, HIDDEN],
        "k_proj": [KEY_HEADS * HEAD, HIDDEN],
        "v_proj": [KEY_HEADS * HEAD, HIDDEN],
        "o_proj": [HIDDEN, HEADS * HEAD],
        "gate_proj": [INTERMEDIATE, HIDDEN],
        "up_proj": [INTERMEDIATE, HIDDEN],
        "down_proj": [HIDDEN, INTERMEDIATE],
    }
    return next((found for kind, found in kinds.items() if f".{kind}." in name), [HIDDEN])


def write(target: Path) -> None:
    configuration = json.loads((ORIGIN / "config.json").read_text())
    configuration |= {
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS,
        "head_dim": HEAD,
    }
    facts = json.loads((ORIGIN / "model.json").read_text())
    tensors = []
    for name, before, mean, deviation in facts["tensors"]:
        wanted = shape(name, configuration["vocab_size"])
        # Sums of more products stay as large as they were.
        scale = 1.0 if len(before) == 1 or "embed" in name else (before[1] / wanted[1]) ** 0.5
        tensors.append([name, wanted, mean, deviation * scale])
    with tempfile.TemporaryDirectory(prefix="martlet-random-") as folder:
        place = Path(folder) / "model"
        shutil.copytree(ORIGIN, place)
        (place / "config.json").write_text(json.dumps(configuration))
        (place / "model.json").write_text(json.dumps(facts | {"tensors": tensors}))
        Model(place).write(target)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
