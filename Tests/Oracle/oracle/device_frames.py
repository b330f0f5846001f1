"""Photos as a camera's frames, and what a model says of them.

    device_frames make FOLDER PHOTO...     each photo at 320x240 as RGB3, YUYV, NV12, MJPG, PPM, the first one in every
                                           other format of a camera too; for vivid's loop at 640x480
    device_frames compare FOLDER --martlet M --frames F --model MODEL... [--expect "PHOTO=LABEL|LABEL"]...

`compare` reads what the device said of each frame (FOLDER/MODEL.PHOTO.FORMAT.json, one decision) and of the PPM
(FOLDER/MODEL.PHOTO.file.json), and holds it against this machine: martlet-frames brings the same bytes into the tensor,
`martlet infer` gives all scores, and the five best are found here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from harness.options import Options

SMALL = (320, 240)
LOOP = (640, 480)
FORMATS = ("RGB3", "YUYV", "NV12", "MJPG")
# Of the first photo alone. Grey is not among them: martlet-frames takes it for full range, a camera's is limited.
OTHERS = ("YU12", "422P", "UYVY", "BGR3", "AB24", "AR24", "BGR4")
LOOPS = ("RGB3", "YUYV")
# What the loop camera does not take; vivid's loop does.
OTHER_LOOPS = ("NV16", "NV21", "NV24", "NV42", "VYUY", "XB24", "XR24")


def ycbcr(pixels: np.ndarray) -> np.ndarray:
    """BT.601, limited range; how it is rounded does not matter: both sides read the same bytes."""
    matrix = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
    values = pixels.astype(np.float64) @ matrix.T + np.array([16, 128, 128])
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def encoded(fourcc: str, pixels: np.ndarray) -> bytes:
    """A picture with even sides as V4L2 describes the format, without padding."""
    planes = ycbcr(pixels)
    luma, halved, quartered = planes[..., 0], planes[:, 0::2, 1:], planes[0::2, 0::2, 1:]
    packed = np.stack([luma, halved.reshape(luma.shape)], -1)
    match fourcc:
        case "RGB3":
            return pixels.tobytes()
        case "BGR3":
            return pixels[..., ::-1].tobytes()
        case "AB24" | "XB24":
            return np.dstack([pixels, luma]).tobytes()
        case "AR24" | "XR24" | "BGR4":
            return np.dstack([pixels[..., ::-1], luma]).tobytes()
        case "YUYV":
            return packed.tobytes()
        case "UYVY":
            return packed[..., ::-1].tobytes()
        case "VYUY":
            # Cr where UYVY has Cb.
            swapped = np.stack([halved[..., ::-1].reshape(luma.shape), luma], -1)
            return swapped.tobytes()
        case "NV12":
            return luma.tobytes() + quartered.tobytes()
        case "NV16":
            return luma.tobytes() + halved.tobytes()
        case "NV24":
            return luma.tobytes() + planes[..., 1:].tobytes()
        case "NV42":
            return luma.tobytes() + planes[..., :0:-1].tobytes()
        case "NV21":
            return luma.tobytes() + quartered[..., ::-1].tobytes()
        case "YU12":
            return luma.tobytes() + quartered[..., 0].tobytes() + quartered[..., 1].tobytes()
        case "422P":
            return luma.tobytes() + halved[..., 0].tobytes() + halved[..., 1].tobytes()
        case _:
            raise ValueError(fourcc)


def write_frames(folder: Path, photo: Path, is_first: bool) -> None:
    with Image.open(photo) as opened:
        picture = opened.convert("RGB")
    small = picture.resize(SMALL, Image.Resampling.LANCZOS)
    pixels = np.asarray(small)
    name = photo.stem
    for fourcc in FORMATS + (OTHERS if is_first else ()):
        if fourcc != "MJPG":
            (folder / f"{name}.{fourcc}").write_bytes(encoded(fourcc, pixels))
    small.save(folder / f"{name}.MJPG", "JPEG", quality=90, subsampling="4:2:2")
    small.save(folder / f"{name}.ppm")
    whole = picture.resize(LOOP, Image.Resampling.LANCZOS)
    whole.save(folder / f"{name}.MJPG.large", "JPEG", quality=90, subsampling="4:2:2")
    large = np.asarray(whole)
    for fourcc in LOOPS + (OTHER_LOOPS if is_first else ()):
        (folder / f"{name}.{fourcc}.loop").write_bytes(encoded(fourcc, large))


class Host:
    """The commands of this machine, and one model."""

    def __init__(self, martlet: Path, frames: Path, model: Path, work: Path) -> None:
        self.martlet, self.frames, self.model, self.work = martlet, frames, model, work
        shown = json.loads(self.run(martlet, "inspect", model, "--json"))
        self.input, self.output = shown["inputs"][0], shown["outputs"][0]

    @staticmethod
    def run(*words: object) -> str:
        return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout

    def raw_scores(self, frame: Path, fourcc: str, size: tuple[int, int]) -> np.ndarray:
        """All scores of a frame, stretched to the model's input, as int8."""
        _, height, width, channels = self.input["shape"]
        tensor, scores = self.work / "tensor", self.work / "scores"
        self.run(self.frames, frame, fourcc, *size, width, height, channels, 1, tensor)
        values = np.fromfile(tensor, np.int8)
        if self.input["type"] == "float32":
            # The model's own step from a number to int8 must give the tensor back.
            real = (values.astype(np.float64) - self.input["zero_point"]) * self.input["scale"]
            real.astype(np.float32).tofile(tensor)
        self.run(self.martlet, "infer", self.model, "--input", tensor, "--output", scores)
        if self.output["type"] == "float32":
            real = np.fromfile(scores, np.float32).astype(np.float64)
            return np.rint(real / self.output["scale"] + self.output["zero_point"]).astype(np.int8)
        return np.fromfile(scores, np.int8)


class Comparison:
    def __init__(self) -> None:
        self.passed = self.failed = 0

    def check(self, holds: bool, what: str) -> None:
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what}")

    def equal(self, what: str, found: object, wanted: object) -> None:
        self.check(found == wanted, f"{what}: {found}, not {wanted}")


def best(raw: np.ndarray) -> list[tuple[int, int]]:
    """The five best as (class, raw), the first of equals first."""
    order = np.argsort(-raw.astype(int), kind="stable")[:5]
    return [(int(index), int(raw[index])) for index in order]


def decision(path: Path) -> list[dict] | None:
    """The scores of the first decision in a file; None if there is none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return json.loads(lines[0])["scores"] if lines else None


def compare_model(folder: Path, host: Host, expected: dict[str, str], report: Comparison) -> None:
    name = host.model.stem
    photos = sorted({path.stem for path in folder.glob("*.ppm")})
    for photo in photos:
        is_first = (folder / f"{photo}.{OTHERS[0]}").exists()
        loops = [f"{fourcc}.loop" for fourcc in LOOPS + (OTHER_LOOPS if is_first else ())]
        for fourcc in (*FORMATS, *(OTHERS if is_first else ()), *loops):
            what = f"{name}, {photo} as {fourcc}"
            seen = decision(folder / f"{name}.{photo}.{fourcc}.json")
            if seen is None:
                report.check(False, f"{what}: no decision")
                continue
            size = LOOP if fourcc.endswith(".loop") else SMALL
            raw = host.raw_scores(folder / f"{photo}.{fourcc}", fourcc.split(".")[0], size)
            report.equal(what, [(score["index"], score["raw"]) for score in seen], best(raw))
            if photo in expected and not fourcc.endswith(".loop"):
                report.check(seen[0]["label"] in expected[photo].split("|"), f"{what}: it is no {seen[0]['label']}")
        # Red, green, blue from a camera and from a file, the model's own way of fitting it.
        shown = json.loads((folder / f"{name}.{photo}.file.json").read_text())["pictures"][0]["scores"]
        seen = decision(folder / f"{name}.{photo}.own.json") or []
        told = [(score["label"], score["index"], score["score"]) for score in seen]
        report.equal(f"{name}, {photo} from a file", told, [(s["label"], s["index"], s["score"]) for s in shown])


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("step", choices=["make", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--martlet", type=Path)
    parser.add_argument("--frames", type=Path)
    parser.add_argument("--model", type=Path, action="append", default=[])
    parser.add_argument("--expect", action="append", default=[], metavar="PHOTO=LABEL|LABEL")
    options = parser.parse_args()
    if options.step == "make":
        for index, photo in enumerate(options.photos):
            write_frames(options.folder, photo, index == 0)
        return 0
    report = Comparison()
    expected = dict(entry.split("=", 1) for entry in options.expect)
    for index, model in enumerate(options.model):
        host = Host(options.martlet, options.frames, model, options.folder)
        compare_model(options.folder, host, expected if index == 0 else {}, report)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
