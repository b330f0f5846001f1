"""Post-training quantization side by side: float, Martlet's int8, and ONNX Runtime's quantize_static in six ways.

    python -m benchmarks.quantizer [--tools TOOLS] [--only NAME]

EfficientNet-Lite0 in float is calibrated on the corpus' 143 pictures of `imagenet` and counted on the 357 of
`imagenet_eval`. Pictures are brought to 224 pixels with Pillow (bicubic, shorter side 256, central square), so that all
have the same pixels; the last lines have Martlet's own decoder and resize, on the pictures as they are. ONNX Runtime
quantizes to Q/DQ with int8 weights per channel, calibrates by MinMax, Percentile or Entropy, with activations in int8
or uint8, and runs with all optimizations; the seconds of a method are those of its first line, since the second uses
its ranges again.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from harness import corpus
from harness.options import Options
from harness.pictures import Labelled, crop, write
from harness.programs import Failed, programs, run

from .side_by_side import Bound, Line, Result, Subject, compare, report

SIZE = 224
PIXELS = ("--mean", "127", "--std", "128", "--resize", "crop", "--shorter-side", "256")
MODEL = "efficientnet_lite0_fp32.onnx"


def cropped(dataset: str, folder: Path) -> Labelled:
    return write(folder / dataset, ((crop(path, SIZE, SIZE), label) for path, label in corpus.labelled(dataset)))


def efficientnet(folder: Path) -> Subject:
    return Subject(
        name="efficientnet_lite0",
        model=corpus.CORPUS / "models" / MODEL,
        calibration=cropped("imagenet", folder),
        evaluation=cropped("imagenet_eval", folder),
        mean=(127.0,) * 3,
        std=(128.0,) * 3,
        bound=Bound(below_float=3, above_best=1),
    )


def own_pixels(tools: str, subject: Subject, folder: Path, result: Result) -> None:
    """Adds the line of Martlet on the pictures as they are."""
    target, images = folder / "own-pixels.martlet", corpus.CORPUS / "images"
    start = time.monotonic()
    run([tools, "quantize", str(subject.model), "--calibrate", str(images / "imagenet"), "-o", str(target), *PIXELS])
    seconds = time.monotonic() - start
    data = images / "imagenet_eval"
    labels = ["--labels", str(data / "labels.csv"), "--json", *PIXELS]
    found = json.loads(run([tools, "evaluate", str(target), str(data), "--against", str(subject.model), *labels]))
    against = found["against"]
    agreed = round(against["agreement"] * found["count"])
    result.lines.append(Line("float, martlet-tools, own pixels", against["top1_count"]))
    result.lines.append(Line("int8, martlet-tools, own pixels", found["top1_count"], agreed, seconds))


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_only()
    options = parser.parse_args()
    corpus.require()
    tools = programs(options).tools
    results, failures = [], []
    with tempfile.TemporaryDirectory(prefix="martlet-quantizer-") as name:
        if options.only in "efficientnet_lite0":
            try:
                subject = efficientnet(Path(name))
                results.append(compare(tools, subject, Path(name)))
                own_pixels(tools, subject, Path(name), results[-1])
            except Failed as failure:
                failures.append(str(failure))
    return report(results, failures)


if __name__ == "__main__":
    sys.exit(main())
