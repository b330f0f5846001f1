"""Small nets for scikit-learn's digits, trained with PyTorch and exported to ONNX; both are optional."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn

SIZE = 32
MEAN, STD = 127.5, 127.5
OPSET = 17
EPOCHS, BATCH, RATE = 6, 32, 0.004
CALIBRATION, EVALUATION = 100, 500


class Convolution(nn.Sequential):
    """A convolution, a batch normalization and an activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, activation: nn.Module, **options: int) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False, **options)
        super().__init__(convolution, nn.BatchNorm2d(outputs), activation)


def vgg() -> nn.Module:
    """Convolutions and max pools, one after another."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 48)):
        layers += [Convolution(inputs, outputs, 3, nn.ReLU()), Convolution(outputs, outputs, 3, nn.ReLU())]
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * 16, 64), nn.ReLU(), nn.Linear(64, 10))


class Excite(nn.Module):
    """Squeeze-and-excite with a sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 4, 1)
        self.excite = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = nn.functional.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.excite(nn.functional.silu(self.squeeze(mean))))


class Mixed(nn.Module):
    """Branches that are concatenated, grouped and depthwise convolutions, and activations that are no clamps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, 24, 3, nn.SiLU(), stride=2)
        self.depthwise = Convolution(24, 24, 5, nn.GELU(), groups=24)
        self.grouped = Convolution(24, 24, 3, nn.SiLU(), groups=4)
        self.pool = nn.AvgPool2d(2, stride=2)
        self.short = Convolution(24, 16, 1, nn.GELU())
        self.excite = Excite(64)
        self.mix = Convolution(64, 64, 1, nn.SiLU())
        self.last = Convolution(64, 64, 3, nn.GELU(), groups=64)
        self.overlap = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([self.depthwise(x), self.grouped(x), self.short(x)], 1)
        x = self.excite(self.pool(x))
        x = self.mix(x)
        x = self.overlap(x + self.last(x))
        return self.head(x.mean((2, 3)))


NETS = {"digits_vgg": vgg, "digits_mixed": Mixed}


@dataclass(frozen=True)
class Digits:
    """The digits as pictures of SIZE x SIZE, RGB, in an order of their own."""

    pixels: np.ndarray  # uint8, N x SIZE x SIZE x 3
    labels: np.ndarray

    @staticmethod
    def load() -> Digits:
        data = load_digits()
        order = np.random.default_rng(5).permutation(len(data.target))
        pixels = np.stack([_picture(image) for image in data.images[order]])
        return Digits(pixels, data.target[order])

    @property
    def calibration(self) -> Iterator[tuple[np.ndarray, int]]:
        return self._part(0, CALIBRATION)

    @property
    def evaluation(self) -> Iterator[tuple[np.ndarray, int]]:
        return self._part(CALIBRATION, CALIBRATION + EVALUATION)

    def _part(self, start: int, end: int) -> Iterator[tuple[np.ndarray, int]]:
        return zip(self.pixels[start:end], map(int, self.labels[start:end]), strict=True)

    def training(self) -> tuple[Tensor, Tensor]:
        """Neither the pictures for calibration nor those to count on."""
        start = CALIBRATION + EVALUATION
        values = (self.pixels[start:].astype(np.float32) - MEAN) / STD
        return torch.from_numpy(values.transpose(0, 3, 1, 2).copy()), torch.from_numpy(self.labels[start:])


def _picture(image: np.ndarray) -> np.ndarray:
    grey = Image.fromarray(np.minimum(image * 16, 255).astype(np.uint8))
    return np.asarray(grey.resize((SIZE, SIZE), Image.Resampling.BICUBIC).convert("RGB"))


def train(name: str, digits: Digits, target: Path) -> None:
    """Trains a net for a few seconds and writes it as an ONNX model."""
    torch.manual_seed(1)
    net = NETS[name]()
    pixels, labels = digits.training()
    optimizer = torch.optim.AdamW(net.parameters(), RATE)
    steps = EPOCHS * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(labels))[: len(labels) // BATCH * BATCH].split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(pixels[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
    export(net.eval(), target)


def export(net: nn.Module, target: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an exporter that is being replaced
        torch.onnx.export(
            net,
            (torch.zeros(1, 3, SIZE, SIZE),),
            str(target),
            input_names=["input"],
            output_names=["scores"],
            opset_version=OPSET,
            dynamo=False,
        )
