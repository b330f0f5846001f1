"""Small tokenizers of the kinds that the supported families have, trained on a few lines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

CORPUS = [
    "The martlet is the heraldic swift that never touches the ground; it is drawn without feet.",
    "A small language model reads the text, turns it into tokens and predicts the next of them.",
    "In 1,987 cases out of 2,048 the first answer was right, and it wasn't the longest one.",
    "def add(first, second):\n    return first + second\n\nprint(add(10, 32))  # forty-two",
    "Der schnelle braune Fuchs springt über den faulen Hund; l'été dernier, c'était déjà fini.",
    "We think that they're there, that there is nothing to it, and that the others then think the same thing.",
]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


@dataclass(frozen=True)
class Kind:
    """One kind of tokenizer; tokens below `first_ordinary` are control and byte tokens."""

    size: int
    special: tuple[str, ...]
    beginning: str | None
    ends: tuple[str, ...]
    pattern: str | None  # byte-level with this pre-tokenizer; None: SentencePiece with byte fallback
    prefix: bool = False  # SentencePiece: a space goes before the text
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def first_ordinary(self) -> int:
        """Byte-level vocabularies have their control tokens at the end."""
        return len(self.special) + 256 if self.pattern is None else 0

    def special_ids(self) -> dict[str, Any]:
        base = 0 if self.pattern is None else self.size
        where = {text: base + i for i, text in enumerate(self.special)}
        ends = [where[text] for text in self.ends]
        ids: dict[str, Any] = {"eos_token_id": ends[0] if len(ends) == 1 else ends}
        return ids | ({"bos_token_id": where[self.beginning]} if self.beginning else {})


TOKENIZERS = {
    "llama2": Kind(340, ("<unk>", "<s>", "</s>"), "<s>", ("</s>",), None, True),
    "gemma": Kind(342, ("<pad>", "<eos>", "<bos>", "<unk>"), "<bos>", ("<eos>",), None),
    "llama3": Kind(
        316,
        ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"),
        "<|begin_of_text|>",
        ("<|end_of_text|>", "<|eot_id|>"),
        LLAMA3,
    ),
    "qwen": Kind(326, ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), None, ("<|im_end|>",), QWEN),
}


def trained(kind: Kind) -> tuple[list[str], list[list[str]]]:
    """Ordinary tokens and merges of a BPE trained on the corpus."""
    tokenizer = Tokenizer(models.BPE())
    if kind.pattern is not None:
        size, alphabet = kind.size, pre_tokenizers.ByteLevel.alphabet()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(kind.pattern), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    else:
        size, alphabet = kind.size - kind.first_ordinary, []
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    made = json.loads(tokenizer.to_str())["model"]
    order = sorted(made["vocab"], key=made["vocab"].get)
    assert len(order) == size, f"{len(order)} tokens instead of {size}"
    return order, [list(merge) for merge in made["merges"]]


def tokenizer_json(kind: Kind) -> dict[str, Any]:
    order, merges = trained(kind)
    if kind.pattern is None:
        order = [*kind.special, *(f"<0x{byte:02X}>" for byte in range(256)), *order]
        base = 0
    else:
        base = len(order)
    made: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": base + i,
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for i, text in enumerate(kind.special)
        ],
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {text: i for i, text in enumerate(order)},
            "merges": merges,
        },
    }
    made |= _byte_level(kind) if kind.pattern is not None else _sentence_piece(kind)
    if kind.pattern is None:
        made["model"] |= {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
    if kind.beginning:
        made["post_processor"] = _beginning(kind)
    return made


def _byte_level(kind: Kind) -> dict[str, Any]:
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": kind.pattern}, "behavior": "Isolated", "invert": False}
    return {
        "normalizer": None if kind.beginning else {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
        "post_processor": level,
        "decoder": level | {"add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    }


def _sentence_piece(kind: Kind) -> dict[str, Any]:
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    prepend = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace]}
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    decoders = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if kind.prefix:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {
        "normalizer": prepend if kind.prefix else replace,
        "pre_tokenizer": None if kind.prefix else split,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": decoders},
    }


def _beginning(kind: Kind) -> dict[str, Any]:
    first = {"SpecialToken": {"id": kind.beginning, "type_id": 0}}
    number = kind.special_ids()["bos_token_id"]
    return {
        "type": "TemplateProcessing",
        "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {kind.beginning: {"id": kind.beginning, "ids": [number], "tokens": [kind.beginning]}},
    }


def write_tokenizers(folder: Path) -> None:
    for name, kind in TOKENIZERS.items():
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        text = json.dumps(tokenizer_json(kind), ensure_ascii=False, separators=(",", ":"))
        (target / "tokenizer.json").write_text(text + "\n")
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": kind.beginning,
            "eos_token": kind.ends[0],
            "add_bos_token": kind.beginning is not None,
            "clean_up_tokenization_spaces": False,
        }
        (target / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")
