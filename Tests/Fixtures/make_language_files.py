"""Writes language-files/: tiny language models of every format and family, and what their importers must make of them.

    pip install torch transformers==5.24.0 gguf==0.19.0 safetensors==0.8.0
    python make_language_files.py

expected.json holds the numbers that transformers reads from each config.json, and per tensor the first digits of the
SHA-256 of its float32 values: rotary embedding in halves, norms as what multiplies. The GGUF files hold the same
weights.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

FOLDER = Path(__file__).parent / "language-files"
RANDOM = np.random.default_rng(7)
LAYERS = 2
SIZES = dict(
    vocab_size=12,
    hidden_size=8,
    intermediate_size=12,
    num_hidden_layers=LAYERS,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=64,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=None,
)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=500000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
GEMMA_ROPE = dict(
    full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0),
    sliding_attention=dict(rope_type="default", rope_theta=10000.0),
)
MIXED = ["full_attention", "sliding_attention"]

# Name of the layer's weight: in transformers, in GGUF. Gemma's differ, see `layer_names`.
LAYER = {
    "attentionNorm": ("input_layernorm.weight", "attn_norm.weight"),
    "query": ("self_attn.q_proj.weight", "attn_q.weight"),
    "key": ("self_attn.k_proj.weight", "attn_k.weight"),
    "value": ("self_attn.v_proj.weight", "attn_v.weight"),
    "queryBias": ("self_attn.q_proj.bias", "attn_q.bias"),
    "keyBias": ("self_attn.k_proj.bias", "attn_k.bias"),
    "valueBias": ("self_attn.v_proj.bias", "attn_v.bias"),
    "queryNorm": ("self_attn.q_norm.weight", "attn_q_norm.weight"),
    "keyNorm": ("self_attn.k_norm.weight", "attn_k_norm.weight"),
    "attentionOutput": ("self_attn.o_proj.weight", "attn_output.weight"),
    "feedForwardNorm": ("post_attention_layernorm.weight", "ffn_norm.weight"),
    "gate": ("mlp.gate_proj.weight", "ffn_gate.weight"),
    "up": ("mlp.up_proj.weight", "ffn_up.weight"),
    "down": ("mlp.down_proj.weight", "ffn_down.weight"),
}
GEMMA_NORMS = {
    "postAttentionNorm": ("post_attention_layernorm.weight", "post_attention_norm.weight"),
    "feedForwardNorm": ("pre_feedforward_layernorm.weight", "ffn_norm.weight"),
    "postFeedForwardNorm": ("post_feedforward_layernorm.weight", "post_ffw_norm.weight"),
}


def digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, dtype="<f4").tobytes()).hexdigest()[:16]


def tensors_of(model: torch.nn.Module, family: str) -> dict[str, tuple[str, np.ndarray]]:
    """Our name to GGUF's name and the values as they are multiplied."""
    gemma = family.startswith("gemma")
    state = {name: value.detach().float().numpy() for name, value in model.state_dict().items()}
    prefix = "model." if "model.embed_tokens.weight" in state else "model.language_model."
    shift = np.float32(1 if gemma else 0)
    names = LAYER | GEMMA_NORMS if family in ("gemma2", "gemma3") else LAYER
    found = {
        "embedding": ("token_embd.weight", state[prefix + "embed_tokens.weight"]),
        "outputNorm": ("output_norm.weight", state[prefix + "norm.weight"] + shift),
    }
    for layer in range(LAYERS):
        for ours, (theirs, ggml) in names.items():
            value = state.get(f"{prefix}layers.{layer}.{theirs}")
            if value is not None:
                value = value + shift if ours.endswith("Norm") else value
                found[f"{layer}.{ours}"] = (f"blk.{layer}.{ggml}", value)
    head = state["lm_head.weight"]
    if not np.array_equal(head, found["embedding"][1]):
        found["head"] = ("output.weight", head)
    return found


def numbers(config: transformers.PretrainedConfig, model: torch.nn.Module, family: str, tied: bool) -> dict:
    text = config.get_text_config()
    gemma = family.startswith("gemma")
    inner = getattr(model.model, "language_model", model.model)
    if family == "gemma3":
        full = inner.rotary_emb.full_attention_inv_freq
        local = inner.rotary_emb.sliding_attention_inv_freq.tolist()
    else:
        full, local = inner.rotary_emb.inv_freq, None
    attention = inner.layers[0].self_attn
    kinds = getattr(text, "layer_types", None)
    window = getattr(text, "sliding_window", None)
    windowed = [kind == "sliding_attention" for kind in kinds] if kinds else [window is not None] * LAYERS
    return {
        "family": family,
        "vocabularySize": text.vocab_size,
        "hiddenSize": text.hidden_size,
        "layerCount": text.num_hidden_layers,
        "headCount": text.num_attention_heads,
        "keyValueHeadCount": text.num_key_value_heads,
        "headSize": attention.head_dim,
        "feedForwardSize": text.intermediate_size,
        "contextLength": text.max_position_embeddings,
        "normEpsilon": text.rms_norm_eps,
        "window": window if any(windowed) else None,
        "isWindowed": windowed,
        "attentionScale": attention.scaling,
        "attentionSoftCap": getattr(text, "attn_logit_softcapping", None),
        "outputSoftCap": getattr(text, "final_logit_softcapping", None),
        "embeddingScale": float(inner.embed_tokens.embed_scale) if gemma else 1.0,
        "isHeadTied": tied,
        "inverseFrequencies": full.tolist(),
        "localInverseFrequencies": local,
    }


def write_gguf(
    name: str, architecture: str, config: transformers.PretrainedConfig, tensors: dict, llama3: list | None
) -> None:
    text = config.get_text_config()
    writer = gguf.GGUFWriter(FOLDER / f"{name}.gguf", architecture)
    writer.add_block_count(text.num_hidden_layers)
    writer.add_context_length(text.max_position_embeddings)
    writer.add_embedding_length(text.hidden_size)
    writer.add_feed_forward_length(text.intermediate_size)
    writer.add_head_count(text.num_attention_heads)
    writer.add_head_count_kv(text.num_key_value_heads)
    writer.add_layer_norm_rms_eps(text.rms_norm_eps)
    head_size = tensors["0.query"][1].shape[0] // text.num_attention_heads
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    rope = text.rope_parameters
    rope = rope.get("full_attention", rope)
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if architecture in ("gemma2", "gemma3"):
        writer.add_sliding_window(text.sliding_window)
        writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in text.layer_types])
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(text.attn_logit_softcapping)
        writer.add_final_logit_softcapping(text.final_logit_softcapping)
    for ours, (theirs, values) in tensors.items():
        if architecture == "llama" and ours.split(".")[-1] in ("query", "key"):
            # llama.cpp turns neighbours: of each head, rows 0, half, 1, half + 1, ...
            heads = values.shape[0] // head_size
            values = values.reshape(heads, 2, head_size // 2, -1).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(theirs, np.ascontiguousarray(values))
    if llama3:
        plain = 1.0 / rope["rope_theta"] ** (np.arange(0, head_size, 2) / head_size)
        factors = plain / np.array(llama3, dtype=np.float64)
        writer.add_tensor("rope_freqs.weight", factors.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def model(
    name: str, kind: type, config: transformers.PretrainedConfig, family: str, dtype: torch.dtype, shards: bool = False
) -> dict:
    torch.manual_seed(len(name))
    made = kind(config).to(dtype)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.5)
    made.tie_weights()
    folder = FOLDER / name
    made.save_pretrained(folder, max_shard_size="5KB" if shards else "1GB")
    for file in folder.iterdir():
        file.chmod(0o644)
    if shards:
        assert (folder / "model.safetensors.index.json").exists()
    # What the file says, not what was meant; in float32, as Martlet computes.
    loaded = kind.from_pretrained(folder, dtype=torch.float32)
    tensors = tensors_of(made, family)
    expected = numbers(loaded.config, loaded, family, tied="head" not in tensors)
    expected["tensors"] = {ours: digest(values) for ours, (_, values) in tensors.items()}
    llama3 = expected["inverseFrequencies"] if name == "llama3" else None
    if name != "gemma3-vision" and family != "mistral":
        write_gguf(name, family, loaded.config, tensors, llama3)
    return expected


def models() -> dict:
    t = transformers
    single, half, brain = torch.float32, torch.float16, torch.bfloat16
    gemma = SIZES | dict(head_dim=6, query_pre_attn_scalar=6, sliding_window=5)
    gemma3 = gemma | dict(rope_parameters=GEMMA_ROPE, layer_types=MIXED)
    wide = dict(head_dim=8, num_key_value_heads=2)
    window = SIZES | dict(use_sliding_window=True, sliding_window=7, max_window_layers=1)
    vision = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8)
    vision |= dict(patch_size=4)
    both = t.Gemma3Config(text_config=t.Gemma3TextConfig(**gemma3), vision_config=vision, mm_tokens_per_image=1)
    return {
        "llama": model("llama", t.LlamaForCausalLM, t.LlamaConfig(**SIZES), "llama", single),
        "llama3": model(
            "llama3",
            t.LlamaForCausalLM,
            t.LlamaConfig(**SIZES | wide, rope_parameters=LLAMA3, tie_word_embeddings=True),
            "llama",
            brain,
        ),
        "mistral": model("mistral", t.MistralForCausalLM, t.MistralConfig(**SIZES, sliding_window=9), "mistral", half),
        "qwen2": model("qwen2", t.Qwen2ForCausalLM, t.Qwen2Config(**window), "qwen2", brain),
        "qwen3": model("qwen3", t.Qwen3ForCausalLM, t.Qwen3Config(**SIZES, head_dim=6), "qwen3", single, shards=True),
        "gemma": model("gemma", t.GemmaForCausalLM, t.GemmaConfig(**SIZES | dict(head_dim=6)), "gemma", brain),
        "gemma2": model("gemma2", t.Gemma2ForCausalLM, t.Gemma2Config(**gemma), "gemma2", brain),
        "gemma3": model("gemma3", t.Gemma3ForCausalLM, t.Gemma3TextConfig(**gemma3), "gemma3", brain),
        "gemma3-vision": model("gemma3-vision", t.Gemma3ForConditionalGeneration, both, "gemma3", brain),
    }


def llama2c(separate: bool) -> dict:
    """A checkpoint in the order of llama2.c's legacy export; values as they lie there, and in halves."""
    dim, heads, pairs = (8, 2, 1) if separate else (16, 4, 2)
    hidden, vocabulary, context = 12, 12, 8
    size = dim // heads
    data = struct.pack("<7i", dim, hidden, LAYERS, heads, pairs, -vocabulary if separate else vocabulary, context)
    expected = {}

    def add(name: str, shape: tuple, turned: int = 0) -> None:
        nonlocal data
        each = RANDOM.normal(0, 1, shape).astype("<f4")
        data += each.tobytes()
        layers = enumerate(each) if name[0] == "." else [("", each)]
        for layer, values in layers:
            if turned:
                values = values.reshape(turned, size // 2, 2, -1).swapaxes(1, 2).reshape(values.shape)
            expected[f"{layer}{name}"] = digest(values)

    add("embedding", (vocabulary, dim))
    add(".attentionNorm", (LAYERS, dim))
    add(".query", (LAYERS, dim, dim), heads)
    add(".key", (LAYERS, pairs * size, dim), pairs)
    add(".value", (LAYERS, pairs * size, dim))
    add(".attentionOutput", (LAYERS, dim, dim))
    add(".feedForwardNorm", (LAYERS, dim))
    add(".gate", (LAYERS, hidden, dim))
    add(".down", (LAYERS, dim, hidden))
    add(".up", (LAYERS, hidden, dim))
    add("outputNorm", (dim,))
    data += bytes(context * size * 4)
    if separate:
        add("head", (vocabulary, dim))
    (FOLDER / ("llama2c-head.bin" if separate else "llama2c.bin")).write_bytes(data)
    return expected


def block_types() -> None:
    """Random blocks of every type that is read, with finite scales, and their values by the package `gguf`."""
    writer = gguf.GGUFWriter(FOLDER / "types.gguf", "llama")
    expected = {}
    types = "F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q4_K Q5_K Q6_K".split()
    scales = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2]}
    scales |= {"Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
    for name in types:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        rows, columns = (2, 256) if name.endswith("K") else (2, 64)
        if elements == 1:
            data = RANDOM.normal(0, 3, (rows, 40)).astype(np.float32)
            raw = data if name == "F32" else gguf.quants.quantize(data, kind)
        else:
            raw = RANDOM.integers(0, 256, (rows, columns // elements * size), dtype=np.uint8)
            blocks = raw.reshape(-1, size)
            for offset in scales[name]:
                half = RANDOM.normal(0, 1, len(blocks)).astype(np.float16)
                blocks[:, offset : offset + 2] = half.view(np.uint8).reshape(-1, 2)
        writer.add_tensor(name, raw, raw_dtype=kind)
        expected[name] = np.ascontiguousarray(gguf.quants.dequantize(raw, kind).astype(np.float32))
        assert np.isfinite(expected[name]).all()
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, FOLDER / "types.safetensors")
    (FOLDER / "types.safetensors").chmod(0o644)


def metadata() -> None:
    """One key of every type of value, no tensors, as a vocabulary without weights has it."""
    writer = gguf.GGUFWriter(FOLDER / "metadata.gguf", "none")
    writer.add_uint8("a.u8", 200)
    writer.add_int8("a.i8", -3)
    writer.add_uint16("a.u16", 60000)
    writer.add_int16("a.i16", -30000)
    writer.add_uint32("a.u32", 4000000000)
    writer.add_int32("a.i32", -2000000000)
    writer.add_uint64("a.u64", 2**64 - 1)
    writer.add_int64("a.i64", -(2**63))
    writer.add_float32("a.f32", 0.1)
    writer.add_float64("a.f64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_string("a.string", "käse")
    writer.add_array("a.integers", [3, -4])
    writer.add_array("a.reals", [0.5, -1.5])
    writer.add_array("a.booleans", [True, False])
    writer.add_array("a.strings", ["", "b c"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    block_types()
    metadata()
    expected = {"models": models(), "llama2c": llama2c(False), "llama2c-head": llama2c(True)}
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")
