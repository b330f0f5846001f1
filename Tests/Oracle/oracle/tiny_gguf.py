"""A tiny language model as a GGUF file, written after the format's specification (ggml, docs/gguf.md).

The names and conventions are those of llama.cpp's converters: norms hold what multiplies, query and key rows of the
architecture `llama` are interleaved, llama3's rotary scaling is a tensor of factors, missing tokens are padded.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .tiny_language import FOLDER, Model, stored

ALIGNMENT = 32
ARCHITECTURES = {
    "llama": "llama",
    "mistral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
}
KINDS = {"F32": 0, "F16": 1, "BF16": 30}
BYTE_LEVEL = {"llama3": "llama-bpe", "qwen": "qwen2"}
NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = 1, 2, 3, 5, 6
LAYER_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def can_be_gguf(model: Model) -> bool:
    """GGUF has no place for another attention scale than 1/sqrt(head size), nor for another pattern of windows than the
    architecture's own; Mistral's window is not heeded there."""
    found = model.configuration
    if found["model_type"] == "mistral" and found["sliding_window"]:
        return False
    if found.get("query_pre_attn_scalar", found.get("head_dim")) != found.get("head_dim"):
        return False
    return found["model_type"] != "gemma3_text" or found["sliding_window_pattern"] == 6


def metadata(model: Model) -> dict[str, Any]:
    found = model.configuration
    name = ARCHITECTURES[found["model_type"]]
    heads = found["num_attention_heads"]
    head_size = found.get("head_dim") or found["hidden_size"] // heads
    values: dict[str, Any] = {
        "general.architecture": name,
        "general.name": model.name,
        "general.alignment": ALIGNMENT,
        f"{name}.context_length": found["max_position_embeddings"],
        f"{name}.embedding_length": found["hidden_size"],
        f"{name}.block_count": found["num_hidden_layers"],
        f"{name}.feed_forward_length": found["intermediate_size"],
        f"{name}.attention.head_count": heads,
        f"{name}.attention.head_count_kv": found["num_key_value_heads"],
        f"{name}.attention.key_length": head_size,
        f"{name}.attention.value_length": head_size,
        f"{name}.attention.layer_norm_rms_epsilon": float(found["rms_norm_eps"]),
        f"{name}.rope.dimension_count": head_size,
        f"{name}.vocab_size": found["vocab_size"],
    }
    rope = found["rope_parameters"].get("full_attention", found["rope_parameters"])
    values[f"{name}.rope.freq_base"] = float(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        values |= {f"{name}.rope.scaling.type": "linear", f"{name}.rope.scaling.factor": float(rope["factor"])}
    if "sliding_window" in found and name.startswith("gemma"):
        values[f"{name}.attention.sliding_window"] = found["sliding_window"]
    if name == "gemma2":
        values[f"{name}.attn_logit_softcapping"] = float(found["attn_logit_softcapping"])
        values[f"{name}.final_logit_softcapping"] = float(found["final_logit_softcapping"])
    return values | tokenizer(model)


def tokenizer(model: Model) -> dict[str, Any]:
    name = model.facts["tokenizer"]
    parsed = json.loads((FOLDER / "tokenizers" / name / "tokenizer.json").read_text())
    texts = dict(parsed["model"]["vocab"]) | {token["content"]: token["id"] for token in parsed["added_tokens"]}
    special = {token["id"] for token in parsed["added_tokens"]}
    size = model.vocabulary
    tokens = [f"[PAD{i}]" for i in range(size)]
    types = [UNUSED] * size
    for text, number in texts.items():
        tokens[number] = text
        is_byte = name not in BYTE_LEVEL and text.startswith("<0x")
        types[number] = CONTROL if number in special else BYTE if is_byte else NORMAL
    found = model.configuration
    ends = found["eos_token_id"]
    values: dict[str, Any] = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.eos_token_id": ends[0] if isinstance(ends, list) else ends,
        "tokenizer.ggml.add_bos_token": found.get("bos_token_id") is not None,
    }
    if found.get("bos_token_id") is not None:
        values["tokenizer.ggml.bos_token_id"] = found["bos_token_id"]
    if isinstance(ends, list):
        values["tokenizer.ggml.eot_token_id"] = ends[1]
    if name in BYTE_LEVEL:
        values |= {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": BYTE_LEVEL[name]}
        return values | {"tokenizer.ggml.merges": [" ".join(merge) for merge in parsed["model"]["merges"]]}
    types[texts["<unk>"]] = UNKNOWN
    # The better score is merged first: an ordinary token's is its rank, counted down.
    scores = [-float(i) if kind == NORMAL else 0.0 for i, kind in enumerate(types)]
    values |= {"tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": scores, "tokenizer.ggml.pre": "default"}
    return values | {
        "tokenizer.ggml.unknown_token_id": texts["<unk>"],
        "tokenizer.ggml.add_space_prefix": name == "llama2",
    }


def interleaved(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head: pair i is rows 2i and 2i+1 instead of i and i + half."""
    return values.reshape(heads, 2, -1, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def tensors(model: Model) -> Iterator[tuple[str, np.ndarray, str]]:
    """Name, values and type of each tensor; vectors are always F32."""
    found, kind = model.configuration, model.facts["dtype"]
    is_gemma = found["model_type"].startswith("gemma")
    for tensor in model.tensors:
        values = tensor.values(kind)
        name, ending = tensor.name.rsplit(".", 1)
        parts = name.removeprefix("model.").split(".", 2)
        if "norm" in name and is_gemma:
            values = values + np.float32(1)
        if ARCHITECTURES[found["model_type"]] == "llama" and parts[-1] in ("self_attn.q_proj", "self_attn.k_proj"):
            heads = "num_attention_heads" if "q_proj" in name else "num_key_value_heads"
            values = interleaved(values, found[heads])
        has_post_norms = is_gemma and found["model_type"] != "gemma"
        yield f"{_renamed(parts, has_post_norms)}.{ending}", values, kind if values.ndim == 2 else "F32"
    rope = found["rope_parameters"]
    if rope.get("rope_type") == "llama3":
        yield "rope_freqs.weight", llama3_factors(rope, found), "F32"


def _renamed(parts: list[str], has_post_norms: bool) -> str:
    if parts[0] != "layers":
        return {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}[parts[0]]
    after = "post_attention_norm" if has_post_norms else "ffn_norm"
    return f"blk.{parts[1]}.{after if parts[2] == 'post_attention_layernorm' else LAYER_NAMES[parts[2]]}"


def llama3_factors(rope: dict[str, Any], found: dict[str, Any]) -> np.ndarray:
    """What each pair's frequency is divided by: 1 for short waves, the factor for long ones, between them a mixture."""
    head_size = found.get("head_dim") or found["hidden_size"] // found["num_attention_heads"]
    waves = 2 * np.pi * rope["rope_theta"] ** (np.arange(0, head_size, 2) / head_size)
    low, high, context = rope["low_freq_factor"], rope["high_freq_factor"], rope["original_max_position_embeddings"]
    smooth = np.clip((context / waves - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / rope["factor"] + smooth)).astype(np.float32)


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> bytes:
    """The type's number and the value: uint32, float32, bool, string or an array of int32, float32 or strings."""
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    kind = {int: 5, float: 6, str: 8}[type(value[0])]
    head = struct.pack("<IIQ", 9, kind, len(value))
    if kind == 8:
        return head + b"".join(map(_text, value))
    return head + np.array(value, "<i4" if kind == 5 else "<f4").tobytes()


def write_gguf(model: Model, target: Path) -> None:
    facts, found = metadata(model), list(tensors(model))
    parts = [struct.pack("<4sIQQ", b"GGUF", 3, len(found), len(facts))]
    parts += [_text(key) + _value(value) for key, value in facts.items()]
    data = bytearray()
    for name, values, kind in found:
        data += bytes(-len(data) % ALIGNMENT)
        shape = values.shape[::-1]
        parts.append(_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, KINDS[kind], len(data)))
        data += stored(values, kind)
    head = b"".join(parts)
    target.write_bytes(head + bytes(-len(head) % ALIGNMENT) + bytes(data))
