"""Writes language/: tiny language models of every supported family, and what transformers computes with them.

    pip install -r requirements-language.txt
    python make_language_models.py [NAME...]

float32 on the CPU, eager attention. The weights follow from the tensors' names (Tests/Oracle/oracle/tiny_language.py).
Greedy text is taken from a prompt at which no step is a near tie, the text is varied and no end token comes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import transformers
from language_recipes import RECIPES, Recipe, older_configuration
from make_tokenizers import TOKENIZERS, write_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Oracle"))
from oracle.tiny_language import FULL_EVERY, Model, Tensor, sampled_columns  # noqa: E402

FOLDER = Path(__file__).parent / "language"
COUNT, PROMPT, GREEDY = 112, 40, 64
MARGIN, DISTINCT = 4e-3, 10
TEXT = "The martlet, a small bird of 1,234 flights, never lands: Grüße aus 東京!\n\tif x == 10:  return  'déjà vu' 🐦"


def distribution(name: str, shape: tuple[int, ...], family: str) -> Tensor:
    """Weights whose outputs are about as large as their inputs; norms about 1, or 0 where the family adds 1."""
    gemma = family.startswith("gemma")
    if "norm" in name:
        # Gemma's stream starts with large embeddings: layers and head must be heard beside them.
        louder = 3.0 if name == "model.norm.weight" else 1.0 if "post_" in name else 0.0
        return Tensor(name, shape, louder if gemma else 1.0, 0.25)
    if name.endswith("bias"):
        return Tensor(name, shape, 0.0, 0.5)
    if "embed_tokens" in name or "lm_head" in name:
        return Tensor(name, shape, 0.0, 0.08 if gemma else 0.25)
    return Tensor(name, shape, 0.0, round(1.3 / shape[1] ** 0.5, 4))


def load(folder: Path) -> torch.nn.Module:
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    return model.eval()


@torch.no_grad()
def logits(model: torch.nn.Module, tokens: np.ndarray) -> np.ndarray:
    """[count, vocabulary], one pass without a cache."""
    return model(torch.tensor(tokens[None].astype(np.int64)), use_cache=False).logits[0].numpy()


@torch.no_grad()
def greedy(model: torch.nn.Module, prompt: np.ndarray, end: list[int]) -> np.ndarray | None:
    """Greedy tokens, or None where a step is a near tie, an end token comes or the text turns in circles."""
    tokens = list(prompt)
    for _ in range(GREEDY):
        last = logits(model, np.array(tokens))[-1]
        best = np.sort(last)[-2:]
        if best[1] - best[0] < MARGIN or int(last.argmax()) in end:
            return None
        tokens.append(int(last.argmax()))
    found = np.array(tokens[len(prompt) :])
    return found if len(set(found.tolist())) >= DISTINCT else None


def quantized(values: torch.Tensor, bits: int, group: int) -> torch.Tensor:
    """Symmetric rounding in groups along the last dimension; a shorter group may close a row."""
    limit = 2 ** (bits - 1) - 1
    rounded = []
    for part in values.split(group, -1):
        scale = part.abs().amax(-1, keepdim=True).clamp_min(1e-12) / limit
        rounded.append((part / scale).round().clamp(-limit - 1, limit) * scale)
    return torch.cat(rounded, -1)


@contextmanager
def fake_quantization(model: torch.nn.Module, bits: int, head_size: int) -> Iterator[None]:
    """Weights of `bits` in groups of 32; activations, keys and values of 8 bits: what a quantized run may lose."""
    hooks = []
    saved = {name: value.clone() for name, value in model.state_dict().items()}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Embedding | torch.nn.Linear):
            module.weight.data = quantized(module.weight.data, bits, 32)
        if isinstance(module, torch.nn.Linear):
            hooks.append(module.register_forward_pre_hook(lambda _, given: (quantized(given[0], 8, 32),)))
            if name.endswith(("k_proj", "v_proj")):
                hooks.append(module.register_forward_hook(lambda _, __, out: quantized(out, 8, head_size)))
    model.tie_weights()
    yield
    for hook in hooks:
        hook.remove()
    model.load_state_dict(saved)


def simulation(
    model: torch.nn.Module, bits: int, head_size: int, tokens: np.ndarray, wanted: np.ndarray
) -> tuple[float, float, float]:
    """RMS and largest error in units of the logits' standard deviation, and the share of equal most likely tokens."""
    with fake_quantization(model, bits, head_size):
        found = logits(model, tokens)
    error = (found - wanted) / wanted.std()
    agreed = (found.argmax(1) == wanted.argmax(1)).mean()
    return float(np.sqrt((error**2).mean())), float(np.abs(error).max()), float(agreed)


def make(recipe: Recipe) -> None:
    target = FOLDER / recipe.name
    target.mkdir(parents=True, exist_ok=True)
    older = older_configuration(recipe)
    (target / "config-4.json").write_text(json.dumps(older, indent=1) + "\n")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "config.json").write_text(json.dumps(older))
        configuration = AutoConfig.from_pretrained(place)
        empty = AutoModelForCausalLM.from_config(configuration)
        shapes = {key: tuple(value.shape) for key, value in empty.state_dict().items()}
        if configuration.tie_word_embeddings:
            shapes.pop("lm_head.weight")
        tensors = [distribution(key, shape, recipe.family) for key, shape in shapes.items()]
        configuration.architectures = older["architectures"]
        configuration.dtype = older["torch_dtype"]
        configuration.save_pretrained(target)
        lines = ",\n  ".join(json.dumps([t.name, list(t.shape), t.mean, t.deviation]) for t in tensors)
        (target / "model.json").write_text(
            f'{{"transformers": "{transformers.__version__}", "tokenizer": "{recipe.tokenizer}",'
            f' "dtype": "{recipe.dtype}", "shards": {recipe.shards},\n "tensors": [\n  {lines}]}}\n'
        )
        for number, folder in enumerate([place / "new", place / "older"]):
            Model(target).write(folder, older=number == 1)
        model, same = load(place / "new"), load(place / "older")
        expected = results(model, same, place / "new", recipe)
    np.savez_compressed(target / "expected.npz", **expected)


def results(model: torch.nn.Module, same: torch.nn.Module, folder: Path, recipe: Recipe) -> dict[str, np.ndarray]:
    special = TOKENIZERS[recipe.tokenizer].special_ids()
    end = special["eos_token_id"]
    first = TOKENIZERS[recipe.tokenizer].first_ordinary
    random = np.random.default_rng(5)
    draw = lambda count: random.integers(first, TOKENIZERS[recipe.tokenizer].size, count).astype(np.int32)
    tokens = draw(COUNT)
    wanted = logits(model, tokens)
    assert (wanted == logits(same, tokens)).all(), "the older configuration means something else"
    for prompt in (draw(PROMPT) for _ in range(60)):
        found = greedy(model, prompt, end if isinstance(end, list) else [end])
        if found is not None:
            break
    else:
        raise SystemExit(f"{recipe.name}: no prompt with clear greedy steps")
    head_size = model.config.head_dim if getattr(model.config, "head_dim", None) else recipe.sizes[0] // recipe.sizes[3]
    loss = {8: simulation(model, 8, head_size, tokens, wanted), 4: simulation(model, 4, head_size, tokens, wanted)}
    deviation = np.abs(logits(model.double(), tokens) - wanted).max()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    columns = np.stack([sampled_columns(i, recipe.vocabulary) for i in range(COUNT)])
    print(
        f"{recipe.name:15} std {wanted.std():.2f}, float64 {deviation:.1e}, "
        f"{len(set(found.tolist()))} distinct of {GREEDY}, "
        + ", ".join(f"int{b} rms {e[0]:.3f} largest {e[1]:.2f} agrees {e[2]:.2f}" for b, e in loss.items()),
        flush=True,
    )
    return {
        "tokens": tokens.astype(np.int16),
        "full": wanted[::FULL_EVERY],
        "samples": np.take_along_axis(wanted, columns, 1),
        "largest": wanted.argmax(1).astype(np.int16),
        "deviation": np.float32(wanted.std()),
        "prompt": prompt.astype(np.int16),
        "greedy": found.astype(np.int16),
        "text": np.frombuffer(TEXT.encode(), np.uint8),
        "text_tokens": np.array(tokenizer(TEXT)["input_ids"], np.int16),
        "simulated": np.array([loss[8], loss[4]], np.float32),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these models")
    names = parser.parse_args().names
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    write_tokenizers(FOLDER / "tokenizers")
    for recipe in RECIPES:
        if not names or recipe.name in names:
            make(recipe)
    return 0


if __name__ == "__main__":
    sys.exit(main())
