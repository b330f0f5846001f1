"""Writes tiny language models into a folder: seeds for the fuzzers.

python -m oracle.language_seeds FOLDER

FOLDER/language holds what the importers' fuzzer reads: a byte that says which format, and a file. FOLDER/sources holds
models with tokenizers of every kind, to be converted for the loader's fuzzer.
"""

from __future__ import annotations

import json
import shutil
import struct
import sys
from pathlib import Path

from harness.options import Options

FIXTURES = Path(__file__).resolve().parents[2] / "Fixtures" / "language-files"


def importer_seeds(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)

    def write(kind: int, name: str, source: Path) -> None:
        (folder / name).write_bytes(bytes([kind]) + source.read_bytes())

    for source in sorted(FIXTURES.rglob("*")):
        stem, parent = source.stem, source.parent.name
        if source.suffix == ".gguf":
            write(0, f"gguf-{stem}", source)
        elif source.suffix == ".safetensors":
            write(1, f"safetensors-{stem if parent == FIXTURES.name else parent}", source)
        elif source.suffix == ".bin":
            write(2, f"llama2c-{stem}", source)
        elif source.name == "config.json":
            write(3, f"config-{parent}", source)


def llama2c_tokenizer(count: int) -> bytes:
    texts = ["<unk>", "\n<s>\n", "\n</s>\n", "<0x0A>", "<0xFF>", " ", "a", "b", "ab", " a", "bc", "abc", "é"]
    texts = (texts + [chr(0x3B1 + i) for i in range(max(0, count - len(texts)))])[:count]
    encoded = [text.encode() for text in texts]
    body = b"".join(struct.pack("<fi", -float(rank), len(text)) + text for rank, text in enumerate(encoded))
    return struct.pack("<i", max(map(len, encoded))) + body


def hugging_face_tokenizer(model: dict, pre_tokenizer: dict | None, normalizer: dict | None) -> str:
    special = [
        {"id": i, "content": text, "special": True, "normalized": False}
        | {"single_word": False, "lstrip": False, "rstrip": i == 1}
        for i, text in enumerate(["<s>", "</s>"])
    ]
    return json.dumps(
        {
            "version": "1.0",
            "added_tokens": special,
            "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer,
            "post_processor": None,
            "decoder": None,
            "model": model,
        }
    )


def loader_sources(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ["llama2c", "llama2c-head"]:
        source = FIXTURES / f"{name}.bin"
        shutil.copy(source, folder / f"{name}.bin")
        vocabulary = abs(struct.unpack_from("<7i", source.read_bytes())[5])
        (folder / f"{name}.tokenizer").write_bytes(llama2c_tokenizer(vocabulary))
    words = ["<s>", "</s>", "a", "b", "c", "ab", "abc", "Ġ", "Ġa", "Ã", "©", "é"]
    bytes_model = {
        "type": "BPE",
        "vocab": {word: i for i, word in enumerate(words)},
        "merges": [["a", "b"], ["ab", "c"], ["Ġ", "a"]],
    }
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    pieces = [[word.replace("Ġ", "▁"), -float(i)] for i, word in enumerate(words)]
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    for name, tokenizer in {
        "qwen2": hugging_face_tokenizer(bytes_model, level, {"type": "NFC"}),
        "llama": hugging_face_tokenizer(unigram, metaspace, None),
        "gemma3": None,
        "gemma2": None,
        "qwen3": None,
        "mistral": None,
    }.items():
        shutil.copytree(FIXTURES / name, folder / name, dirs_exist_ok=True)
        if tokenizer is not None:
            (folder / name / "tokenizer.json").write_text(tokenizer)


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    importer_seeds(options.folder / "language")
    loader_sources(options.folder / "sources")
    return 0


if __name__ == "__main__":
    sys.exit(main())
