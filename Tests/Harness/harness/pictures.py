"""Pictures with labels, brought to a model's size with Pillow, so that every runtime sees the very same pixels."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


def crop(path: Path, width: int, height: int) -> np.ndarray:
    """The centre of the picture in RGB, after its shorter side is 8/7 of the model's (256 for 224); bicubic."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    factor = min(width, height) * 8 / 7 / min(picture.size)
    size = tuple(max(round(side * factor), least) for side, least in zip(picture.size, (width, height), strict=True))
    picture = picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return np.asarray(picture.crop((left, top, left + width, top + height)))


@dataclass(frozen=True)
class Labelled:
    """A folder of PNGs with their labels.csv."""

    folder: Path

    @property
    def table(self) -> Path:
        return self.folder / "labels.csv"

    def rows(self) -> list[tuple[Path, int]]:
        with open(self.table, newline="") as file:
            return [(self.folder / name, int(label)) for name, label in csv.reader(file)]

    def labels(self) -> np.ndarray:
        return np.array([label for _, label in self.rows()])

    def tensors(self, mean: Sequence[float], std: Sequence[float]) -> list[np.ndarray]:
        """The pictures as an ONNX model with channels first wants them."""
        return [_tensor(path, np.array(mean, np.float32), np.array(std, np.float32)) for path, _ in self.rows()]


def _tensor(path: Path, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    with Image.open(path) as opened:
        values = (np.asarray(opened).astype(np.float32) - mean) / std
    values = values[..., None] if values.ndim == 2 else values
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def write(folder: Path, pictures: Iterable[tuple[np.ndarray, int]]) -> Labelled:
    """Saves pixels with their labels as PNGs, which lose nothing."""
    folder.mkdir(parents=True)
    lines = []
    for number, (pixels, label) in enumerate(pictures):
        name = f"{number:04d}.png"
        Image.fromarray(pixels).save(folder / name)
        lines.append(f"{name},{label}\n")
    (folder / "labels.csv").write_text("".join(lines))
    return Labelled(folder)
