"""Tiny language models with random weights, as Hugging Face folders, and what `transformers` computes with them.

Tests/Fixtures/language/NAME holds a configuration, the names and shapes of the tensors and the expected results; the
weights follow from their names, so that a dozen models of up to seven layers take little room. This module needs numpy
alone; Tests/Fixtures/make_language_models.py made the folders.
"""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.programs import ROOT

FOLDER = ROOT / "Tests" / "Fixtures" / "language"
SAMPLES = 8  # logits kept of every position
FULL_EVERY = 16  # positions whose logits are kept whole


@dataclass(frozen=True)
class Tensor:
    """A tensor's name and shape, and the distribution of its values."""

    name: str
    shape: tuple[int, ...]
    mean: float
    deviation: float

    def values(self, kind: str) -> np.ndarray:
        """About normal: the sum of four 16-bit pieces of PCG64's raw numbers, which no release of numpy may change.
        The values are such that `kind` (F32, F16 or BF16) holds them exactly."""
        count = int(np.prod(self.shape))
        raw = np.random.PCG64(zlib.crc32(self.name.encode())).random_raw(count)
        total = sum(((raw >> np.uint64(16 * i)) & np.uint64(0xFFFF)).astype(np.float64) for i in range(4))
        unit = (total - 2 * 65535) / (65536 / np.sqrt(3))
        return _rounded((self.mean + self.deviation * unit).astype(np.float32), kind).reshape(self.shape)


def _rounded(values: np.ndarray, kind: str) -> np.ndarray:
    if kind == "F16":
        return values.astype(np.float16).astype(np.float32)
    if kind == "BF16":
        bits = values.view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return values


def stored(values: np.ndarray, kind: str) -> bytes:
    """The bytes of a tensor in a safetensors file."""
    if kind == "F16":
        return values.astype("<f2").tobytes()
    if kind == "BF16":
        return (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    return values.astype("<f4").tobytes()


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], kind: str) -> None:
    """The format: eight bytes of length, a JSON header padded to eight bytes, the values."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    parts, offset = [], 0
    for name, values in tensors.items():
        data = stored(values, kind)
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        parts.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def sampled_columns(position: int, vocabulary: int) -> np.ndarray:
    """The entries of a position's logits that are kept; together the positions reach every entry of the vocabulary."""
    return (position * 7 + np.arange(SAMPLES) * (vocabulary // SAMPLES)) % vocabulary


@dataclass(frozen=True)
class Model:
    """One folder of Tests/Fixtures/language."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def facts(self) -> dict[str, Any]:
        """`model.json`: tokenizer, number format, shards and tensors."""
        return json.loads((self.folder / "model.json").read_text())

    @cached_property
    def configuration(self) -> dict[str, Any]:
        return json.loads((self.folder / "config.json").read_text())

    @cached_property
    def expected(self) -> dict[str, np.ndarray]:
        """tokens, full [n, vocabulary], samples [count, 8], largest [count], prompt, greedy, text, text_tokens,
        deviation, int8_rms, int4_rms."""
        with np.load(self.folder / "expected.npz") as file:
            return {name: file[name] for name in file.files}

    @property
    def vocabulary(self) -> int:
        return int(self.configuration["vocab_size"])

    @property
    def tensors(self) -> list[Tensor]:
        return [Tensor(name, tuple(shape), mean, std) for name, shape, mean, std in self.facts["tensors"]]

    @property
    def has_older_configuration(self) -> bool:
        return (self.folder / "config-4.json").is_file()

    def write(self, target: Path, older: bool = False) -> None:
        """The Hugging Face folder. `older`: config.json with the keys of transformers 4, as most models on the Hub."""
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / ("config-4.json" if older else "config.json"), target / "config.json")
        for file in (FOLDER / "tokenizers" / self.facts["tokenizer"]).iterdir():
            shutil.copyfile(file, target / file.name)
        self._name_all_rows(target / "tokenizer.json")
        kind = self.facts["dtype"]
        values = {tensor.name: tensor.values(kind) for tensor in self.tensors}
        shards = self.facts["shards"]
        if shards == 1:
            write_safetensors(target / "model.safetensors", values, kind)
            return
        names = list(values)
        where: dict[str, str] = {}
        for number in range(shards):
            file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
            part = {name: values[name] for name in names[number::shards]}
            write_safetensors(target / file, part, kind)
            where |= dict.fromkeys(part, file)
        total = sum(len(stored(value, kind)) for value in values.values())
        index = {"metadata": {"total_size": total}, "weight_map": where}
        (target / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))

    def _name_all_rows(self, path: Path) -> None:
        """Gives each row of the vocabulary a token: transformers may choose any row, Martlet only those with one."""
        document = json.loads(path.read_text())
        known = {*document["model"]["vocab"].values(), *(token["id"] for token in document["added_tokens"])}
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
        for row in sorted(set(range(self.vocabulary)) - known):
            document["added_tokens"].append({"id": row, "content": f"<unused{row}>", **flags})
        path.write_text(json.dumps(document, ensure_ascii=False))


def models() -> list[Model]:
    return [Model(folder.parent) for folder in sorted(FOLDER.glob("*/model.json"))]
