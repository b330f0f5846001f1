"""A small language model with heads of 128, trained on a text: no real one is at hand that is small enough.

    python -m benchmarks.cache_model FOLDER TEXT [STEPS]

A Hugging Face folder: the architecture of Llama, byte-level BPE, four layers of one key-value head and two query heads.
Some minutes of a core. It runs in OpenVINO GenAI's environment, which has torch and transformers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY, HIDDEN, INTERMEDIATE, LAYERS, HEADS, HEAD = 2048, 256, 768, 4, 2, 128
LENGTH, BATCH, STEPS, RATE = 160, 8, 500, 3e-3
END = "<|end|>"


def main() -> int:
    target, text = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8")
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else STEPS
    paragraphs = text.split("\n\n")
    text = "\n\n".join(paragraphs[: len(paragraphs) // 2])
    bytes_bpe = ByteLevelBPETokenizer()
    bytes_bpe.train_from_iterator([text], vocab_size=VOCABULARY, special_tokens=[END], show_progress=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_bpe._tokenizer, eos_token=END)
    ids = torch.tensor(bytes_bpe.encode(text).ids)
    torch.manual_seed(1)
    # A thread that waits for one that the system does not run spins.
    torch.set_num_threads(1)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=INTERMEDIATE,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=1,
            head_dim=HEAD,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for step in range(steps):
        starts = torch.randint(len(ids) - LENGTH, (BATCH,))
        batch = torch.stack([ids[start : start + LENGTH] for start in starts])
        loss = model(batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            print(f"step {step + 1} of {steps}: loss {loss.item():.3f}", file=sys.stderr, flush=True)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
