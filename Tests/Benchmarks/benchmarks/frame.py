"""A camera's frame to a model's int8 input, beside OpenCV on one thread.

    Tools/bench frame [--rounds 15] [--picture FILE] [--same COMMAND]... [--json FILE]

OpenCV's way is cvtColor (or imdecode), resize, normalise and quantize in numpy's float32; its INTER_AREA is the
antialiased filter, like Martlet's; INTER_LINEAR reads four pixels for one of the result and misses all the others. The
picture is brought to 1280x720 first. Each round runs each side once for about a tenth of a second, in turns; a time is
the median over the rounds of the rounds' medians, a ratio the median of the rounds' ratios. The difference is that from
INTER_AREA's values: its mean, the mean of its size, and the largest.

With --same, which takes another martlet-frames (of the device build, or in an emulator), nothing is measured: both must
give the same tensors, of one channel and of three, smaller and larger than the frame.

opencv-python-headless is installed into the Python environment by this measure alone.
"""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from harness.options import Options
from harness.programs import ROOT, Failed, build_path, run
from harness.tables import table

from .host import header, processor, revision

OPENCV = "opencv-python-headless==5.0.0.93"
WIDTH, HEIGHT, SIDE = 1280, 720, 224
MILLISECONDS = 100
# What the ratio to INTER_AREA must be at least.
WANTED = {"YUYV": 3.0, "MJPEG 4:2:2": 2.0, "MJPEG 4:2:0": 2.0}
Array = np.ndarray


def opencv() -> Any:
    """OpenCV, installed if it is not there, on one thread."""
    try:
        cv2 = import_module("cv2")
    except ImportError:
        print(f"installing {OPENCV}", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", OPENCV]
        subprocess.run(pip, check=True)
        cv2 = import_module("cv2")
    cv2.setNumThreads(1)
    return cv2


@dataclass(frozen=True)
class Frame:
    """One kind of frame: its bytes as a camera sends them, and OpenCV's way to its pixels."""

    name: str
    format: str
    data: bytes
    channels: int
    pixels: Callable[[], Array]


def frames(cv2: Any, picture: Path) -> list[Frame]:
    """The picture in several formats; BT.601 in limited range, as OpenCV has it."""
    bgr = cv2.imread(str(picture))
    if bgr is None:
        raise Failed(f"{picture}: no picture")
    bgr = cv2.resize(bgr, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    planes = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    y, chroma = planes[:HEIGHT], planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    yuyv = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    yuyv[..., 0] = y
    yuyv[:, 0::2, 1], yuyv[:, 1::2, 1] = chroma[0].repeat(2, 0), chroma[1].repeat(2, 0)
    uyvy = np.ascontiguousarray(yuyv[..., ::-1])
    nv12 = np.concatenate([y, np.stack([chroma[0], chroma[1]], -1).reshape(HEIGHT // 2, WIDTH)])
    rgbx = np.dstack([rgb, rgb[..., :1]])
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)

    def jpeg(sampling: int) -> Array:
        options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
        return cv2.imencode(".jpg", bgr, options)[1]

    def decode(data: Array) -> Callable[[], Array]:
        return lambda: cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    half, quarter = jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422), jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    return [
        Frame("YUYV", "YUYV", yuyv.tobytes(), 3, lambda: cv2.cvtColor(yuyv, cv2.COLOR_YUV2RGB_YUYV)),
        Frame("UYVY", "UYVY", uyvy.tobytes(), 3, lambda: cv2.cvtColor(uyvy, cv2.COLOR_YUV2RGB_UYVY)),
        Frame("NV12", "NV12", nv12.tobytes(), 3, lambda: cv2.cvtColor(nv12, cv2.COLOR_YUV2RGB_NV12)),
        Frame("YU12", "YU12", planes.tobytes(), 3, lambda: cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420)),
        Frame("RGB24", "RGB3", rgb.tobytes(), 3, lambda: rgb),
        Frame("RGBX", "XB24", rgbx.tobytes(), 3, lambda: cv2.cvtColor(rgbx, cv2.COLOR_RGBA2RGB)),
        Frame("GREY", "GREY", grey.tobytes(), 1, lambda: grey),
        Frame("MJPEG 4:2:2", "MJPG", half.tobytes(), 3, decode(half)),
        Frame("MJPEG 4:2:0", "MJPG", quarter.tobytes(), 3, decode(quarter)),
    ]


def tensor(pixels: Array) -> Array:
    """Normalised to -1...1 in float32, then quantized with scale 1 / 127.5 and zero point -0.5: pixel - 128."""
    real = (pixels.astype(np.float32) - np.float32(127.5)) * np.float32(1 / 127.5)
    return np.clip(np.rint(real * np.float32(127.5) - np.float32(0.5)), -128, 127).astype(np.int8)


class Sides:
    """The two programs on one frame."""

    def __init__(self, cv2: Any, program: Path, frame: Frame, folder: Path) -> None:
        self.cv2, self.program, self.frame = cv2, program, frame
        self.source, self.target = folder / "frame.bin", folder / "tensor.bin"
        self.source.write_bytes(frame.data)

    def peer(self, filter: int) -> Array:
        return tensor(self.cv2.resize(self.frame.pixels(), (SIDE, SIDE), interpolation=filter))

    def peer_ms(self, filter: int, runs: int) -> float:
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self.peer(filter)
            times.append((time.perf_counter() - start) * 1e3)
        return statistics.median(times)

    def martlet_ms(self, runs: int) -> float:
        sizes = [WIDTH, HEIGHT, SIDE, SIDE, self.frame.channels, runs]
        command = [str(self.program), str(self.source), self.frame.format, *map(str, sizes), str(self.target)]
        return int(run(command).split()[0]) / 1e6

    def values(self) -> Array:
        return np.fromfile(self.target, np.int8)


def measure(sides: Sides, rounds: int) -> dict[str, Any]:
    area, linear = sides.cv2.INTER_AREA, sides.cv2.INTER_LINEAR
    ways: dict[str, Callable[[int], float]] = {
        "martlet": sides.martlet_ms,
        "area": lambda runs: sides.peer_ms(area, runs),
        "linear": lambda runs: sides.peer_ms(linear, runs),
    }
    runs = {name: int(min(max(MILLISECONDS / max(way(3), 1e-3), 3), 1000)) for name, way in ways.items()}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way(runs[name]))
    difference = sides.values().astype(int) - sides.peer(area).reshape(-1).astype(int)
    ratios = {n: [b / a for a, b in zip(found["martlet"], found[n], strict=True)] for n in ("area", "linear")}
    return {
        "frame": sides.frame.name,
        **{f"{name}_ms": statistics.median(times) for name, times in found.items()},
        **{f"times_{name}": statistics.median(times) for name, times in ratios.items()},
        "times_area_lowest": min(ratios["area"]),
        "times_area_highest": max(ratios["area"]),
        "mean_difference": float(difference.mean()),
        "mean_size_of_difference": float(np.abs(difference).mean()),
        "largest_difference": int(np.abs(difference).max()),
    }


def differing(program: Path, others: list[str], frame: Frame, folder: Path) -> list[str]:
    """The sizes and channels where another program gives another tensor."""
    source, target = folder / "frame.bin", folder / "tensor.bin"
    source.write_bytes(frame.data)
    found = []
    for width, height, channels in [(SIDE, SIDE, 3), (SIDE, SIDE, 1), (97, HEIGHT + 31, 3), (97, HEIGHT + 31, 1)]:
        tensors = []
        for command in [str(program), *others]:
            sizes = [WIDTH, HEIGHT, width, height, channels, 1]
            run([*shlex.split(command), str(source), frame.format, *map(str, sizes), str(target)])
            tensors.append(target.read_bytes())
        found += [f"{frame.name} to {width}x{height}x{channels}"] if len(set(tensors)) > 1 else []
    return found


def compare(program: Path, others: list[str], kinds: list[Frame]) -> int:
    with tempfile.TemporaryDirectory(prefix="martlet-frame-") as folder:
        found = [text for frame in kinds for text in differing(program, others, frame, Path(folder))]
    for text in found:
        print(f"FAILED {text}: another tensor", file=sys.stderr)
    print(f"{4 * len(kinds) - len(found)} passed, {len(found)} failed")
    return 1 if found else 0


def print_table(results: list[dict[str, Any]]) -> None:
    columns = ["frame", "Martlet ms", "INTER_AREA ms", "times as fast", "rounds' range", "INTER_LINEAR ms"]
    columns += ["times as fast", "mean difference", "mean size", "largest"]
    rows = [
        [
            r["frame"],
            f"{r['martlet_ms']:.3f}",
            f"{r['area_ms']:.2f}",
            f"{r['times_area']:.1f}",
            f"{r['times_area_lowest']:.1f}-{r['times_area_highest']:.1f}",
            f"{r['linear_ms']:.2f}",
            f"{r['times_linear']:.1f}",
            f"{r['mean_difference']:+.3f}",
            f"{r['mean_size_of_difference']:.3f}",
            str(r["largest_difference"]),
        ]
        for r in results
    ]
    print(table(columns, rows), flush=True)


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("--frames", help="path of martlet-frames (default: the release build of this checkout)")
    parser.add_argument("--picture", type=Path, default=ROOT / "Models" / "photos" / "cat.jpg")
    parser.add_rounds(15)
    parser.add_argument("--same", action="append", default=[], help="a whole command of another martlet-frames; repeat")
    parser.add_json()
    options = parser.parse_args()
    cv2 = opencv()
    program = Path(options.frames) if options.frames else build_path() / "martlet-frames"
    sizes = f"{WIDTH}x{HEIGHT} to {SIDE}x{SIDE}, {options.rounds} rounds in turns"
    if options.same:
        try:
            return compare(program, options.same, frames(cv2, options.picture))
        except Failed as failure:
            print(f"frame: {failure}", file=sys.stderr)
            return 1
    print(header(f"OpenCV {cv2.__version__}, one thread", sizes))
    try:
        with tempfile.TemporaryDirectory(prefix="martlet-frame-") as folder:
            results = [
                measure(Sides(cv2, program, frame, Path(folder)), options.rounds)
                for frame in frames(cv2, options.picture)
            ]
    except Failed as failure:
        print(f"frame: {failure}", file=sys.stderr)
        return 1
    print_table(results)
    if options.json:
        facts = {"processor": processor(), "martlet": revision(), "opencv": cv2.__version__, "results": results}
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n")
    slow = [r["frame"] for r in results if r["times_area"] < WANTED.get(r["frame"], 0)]
    far = [r["frame"] for r in results if r["mean_size_of_difference"] > 1]
    for name in slow:
        print(f"{name}: less than {WANTED[name]:g} times as fast", file=sys.stderr)
    for name in far:
        print(f"{name}: more than 1 away in the mean", file=sys.stderr)
    return 1 if slow or far else 0


if __name__ == "__main__":
    sys.exit(main())
