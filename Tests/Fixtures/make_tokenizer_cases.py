"""Writes tokenizers/: small vocabularies, their sections `tokenizer`, and token ids that others give for some texts.

    python make_tokenizer_cases.py MARTLET_TOOLS

The vocabularies of Hugging Face's kind are those of language/tokenizers, of which `tokenizers` says the ids; those of
SentencePiece are trained here on the same lines, and SentencePiece says them. Bytes that are no UTF-8 reach both as
Python's errors="replace" has them. The sections are what MARTLET_TOOLS makes of each: tests of the core read nothing
else.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
from make_tokenizers import CORPUS
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Harness"))
from harness.martlet_file import read_sections  # noqa: E402

FOLDER = Path(__file__).parent / "tokenizers"

# Vocabulary of language/tokenizers, and one of its control tokens.
HUGGING_FACE = {
    "byte-level": ("llama3", "<|eot_id|>"),
    "byte-level-nfc": ("qwen", "<|im_start|>"),
    "ranked": ("gemma", "<eos>"),
    "ranked-prefix": ("llama2", "</s>"),
}
SENTENCE_PIECE: dict[str, dict[str, Any]] = {
    "scored": {"model_type": "bpe", "user_defined_symbols": ["<|user|>"]},
    "scored-bare": {"model_type": "bpe", "byte_fallback": False, "add_dummy_prefix": False, "vocab_size": 140},
    "unigram": {"model_type": "unigram", "user_defined_symbols": ["<|user|>"], "vocab_size": 360},
    "unigram-tidy": {
        "model_type": "unigram",
        "byte_fallback": False,
        "remove_extra_whitespaces": True,
        "vocab_size": 100,
    },
}
TEXTS = [
    b"",
    b" ",
    b"a",
    b"The martlet never touches the ground.",
    b"  two  spaces,\ttabs and\n\nlines\r\n ",
    b"1,987 of 2048; they're 100% right, and it wasn't: x+=10",
    "Grüße, l'été déjà: e\u0301 is \u00e9, \u212b is \u00c5".encode(),
    "東京 🐦 \u200d مرحبا".encode(),
    "\u2581under\u2581 the \ufffd line".encode(),
    b"\x00\x01\x7f",
    b"cut \xe2\x82",
    b"\xff\xfe stray \x80 bytes \xc0\xaf and \xed\xa0\x80",
    b"then " * 40,
]


def hugging_face(vocabulary: str) -> tuple[Path, Callable[[str, bool], list[int]], Callable[[list[int]], str]]:
    path = Path(__file__).parent / "language" / "tokenizers" / vocabulary / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))

    def encode(text: str, parses_special: bool) -> list[int]:
        tokenizer.encode_special_tokens = not parses_special
        return tokenizer.encode(text).ids

    return path, encode, lambda ids: tokenizer.decode(ids)


def sentence_piece(name: str) -> tuple[Path, Callable[[str, bool], list[int]], Callable[[list[int]], str]]:
    settings = {
        "vocab_size": 400,
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "num_threads": 1,
        "minloglevel": 2,
        **SENTENCE_PIECE[name],
    }
    path = FOLDER / f"{name}.model"
    with path.open("wb") as file:
        lines = [line for text in CORPUS for line in text.split("\n") if line]
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=file, **settings)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return path, lambda text, _: [processor.bos_id(), *processor.encode(text)], processor.decode


def section(tools: str, source: Path) -> bytes:
    """The section `tokenizer` of the file that the converter makes."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "tokenizer.martlet"
        subprocess.run([tools, "convert", "--tokenizer-only", source, "-o", target], check=True, capture_output=True)
        return dict(read_sections(target))["tokenizer"]


def main() -> int:
    tools = sys.argv[1]
    FOLDER.mkdir(exist_ok=True)
    expected = []
    for name in [*HUGGING_FACE, *SENTENCE_PIECE]:
        vocabulary, control = HUGGING_FACE.get(name, (None, None))
        path, encode, decode = hugging_face(vocabulary) if vocabulary else sentence_piece(name)
        is_bare = name in SENTENCE_PIECE and not SENTENCE_PIECE[name].get("byte_fallback", True)
        (FOLDER / f"{name}.section").write_bytes(section(tools, path))
        texts = [(text, False) for text in TEXTS]
        if control:
            spelled = f"one {control}two{control}".encode()
            texts += [(spelled, False), (spelled, True)]
        else:
            texts.append((b"one <|user|> two<|user|>", False))
        cases = []
        for text, parses_special in texts:
            ids = encode(text.decode(errors="replace"), parses_special)
            # What the unknown token stands for is everybody's own matter.
            back = None if is_bare and 0 in ids else decode(ids)
            cases.append({"text": text.hex(), "special": parses_special, "ids": ids, "back": back})
        source = str(path.relative_to(Path(__file__).parent))
        expected.append({"name": name, "source": source, "cases": cases})
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in expected)
    (FOLDER / "expected.json").write_text(f"[\n{lines}\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
