"""The models that make_language_models.py makes, as configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from make_tokenizers import TOKENIZERS

CONTEXT, WINDOW = 256, 24
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LLAMA3["original_max_position_embeddings"] = 64
LINEAR = {"rope_type": "linear", "factor": 4.0}


@dataclass(frozen=True)
class Recipe:
    """A model to make; `older` are the keys of transformers 4 in place of `rope_parameters`."""

    name: str
    family: str
    tokenizer: str
    sizes: tuple[int, int, int, int, int]  # hidden, feed-forward, layers, heads, key-value heads
    vocabulary: int
    more: dict[str, Any] = field(default_factory=dict)
    dtype: str = "F32"
    shards: int = 1


RECIPES = [
    Recipe("llama-tied", "llama", "llama2", (64, 160, 2, 4, 4), 350, {"tie_word_embeddings": True}),
    Recipe("llama-separate", "llama", "llama3", (128, 344, 2, 8, 2), 333, {"tie_word_embeddings": False}, "F16"),
    Recipe("llama-linear", "llama", "llama2", (96, 176, 2, 6, 3), 345, {"head_dim": 32, "rope_scaling": LINEAR}),
    Recipe(
        "llama-llama3", "llama", "llama3", (64, 192, 3, 4, 1), 320, {"rope_scaling": LLAMA3, "rope_theta": 5e5}, "BF16"
    ),
    Recipe("mistral", "mistral", "llama2", (64, 192, 3, 4, 1), 352, {"head_dim": 32, "sliding_window": WINDOW}),
    Recipe("mistral-whole", "mistral", "llama2", (64, 160, 2, 4, 2), 343, {"sliding_window": None}, "BF16"),
    Recipe("qwen2-tied", "qwen2", "qwen", (96, 208, 3, 6, 2), 337, {"tie_word_embeddings": True, "rope_theta": 1e6}),
    Recipe("qwen2-separate", "qwen2", "qwen", (64, 172, 2, 2, 1), 330, {"tie_word_embeddings": False}, "BF16", 2),
    Recipe("qwen3", "qwen3", "qwen", (64, 192, 3, 4, 2), 341, {"head_dim": 32, "tie_word_embeddings": True}),
    Recipe("qwen3-wide", "qwen3", "qwen", (80, 240, 2, 5, 1), 329, {"head_dim": 48, "tie_word_embeddings": False}),
    Recipe("gemma", "gemma", "gemma", (64, 192, 3, 4, 1), 346, {"head_dim": 32}),
    Recipe(
        "gemma2",
        "gemma2",
        "gemma",
        (64, 192, 4, 4, 2),
        347,
        {
            "head_dim": 32,
            "query_pre_attn_scalar": 32,
            "attn_logit_softcapping": 4.0,
            "final_logit_softcapping": 5.0,
            "sliding_window": WINDOW,
        },
    ),
    Recipe(
        "gemma3",
        "gemma3_text",
        "gemma",
        (64, 192, 7, 4, 1),
        349,
        {
            "head_dim": 32,
            "query_pre_attn_scalar": 32,
            "sliding_window": WINDOW,
            "sliding_window_pattern": 6,
        },
    ),
    Recipe(
        "gemma3-scaled",
        "gemma3_text",
        "gemma",
        (96, 224, 4, 6, 2),
        344,
        {
            "head_dim": 16,
            "query_pre_attn_scalar": 24,
            "sliding_window": WINDOW,
            "sliding_window_pattern": 3,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
            "rope_theta": 1e6,
            "rope_local_base_freq": 1e4,
        },
        "BF16",
    ),
]


def older_configuration(recipe: Recipe) -> dict[str, Any]:
    """config.json with the keys that models on the Hub have had since transformers 4."""
    hidden, feed_forward, layers, heads, groups = recipe.sizes
    special = TOKENIZERS[recipe.tokenizer].special_ids()
    classes = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3", "gemma2": "Gemma2"}
    classes["gemma"] = "Gemma"
    values = {
        "architectures": [classes.get(recipe.family, "Gemma3") + "ForCausalLM"],
        "model_type": recipe.family,
        "hidden_size": hidden,
        "intermediate_size": feed_forward,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "vocab_size": recipe.vocabulary,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6 if recipe.family != "llama" else 1e-5,
        "torch_dtype": {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[recipe.dtype],
        **special,
    }
    if recipe.family == "gemma":
        values["hidden_act"] = "gelu"  # As the first folders have it, and mean the other.
    elif recipe.family.startswith("gemma"):
        values["hidden_activation"] = "gelu_pytorch_tanh"
    else:
        values |= {"hidden_act": "silu", "rope_theta": 10000.0}
    if recipe.family.startswith("qwen"):
        values |= {"use_sliding_window": False, "sliding_window": WINDOW, "max_window_layers": 1}
    return values | recipe.more
