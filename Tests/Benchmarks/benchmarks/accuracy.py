"""Right answers on the corpus' labelled data: Martlet and LiteRT's reference kernels on the same tensors.

    Tools/bench accuracy [--only NAME] [--json FILE]

The tensors are made with Pillow: ImageNet's pictures by the central 87.5 %, the others whole. The last column is
`martlet classify` on the pictures themselves, through Martlet's own decoder and resize: ImageNet's by the largest
centred square.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from harness import corpus
from harness.options import Options
from harness.programs import Failed, Setting, infer, programs, read_raw, run
from harness.reference import Reference

PICTURES_PER_CALL = 50


@dataclass
class Count:
    """Right answers of one model on its data set."""

    model: str
    dataset: str
    inputs: int
    right_reference: int
    right_martlet: int
    differing_inputs: int
    right_classify: int | None


def answers(setting: Setting, model: Path, tensors: Sequence[np.ndarray], like: np.ndarray) -> list[np.ndarray]:
    """Martlet's outputs for these inputs, two processes at a time."""

    def one(value: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory(prefix="martlet-accuracy-") as name:
            source, target = Path(name) / "in", Path(name) / "out"
            value.tofile(source)
            infer(setting, model, [source], [target])
            return read_raw(target, like)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, tensors))


def classified(setting: Setting, model: Path, paths: Sequence[Path]) -> list[int]:
    """The first class that `martlet classify --json` gives for each picture."""
    found: list[int] = []
    for start in range(0, len(paths), PICTURES_PER_CALL):
        part = [str(path) for path in paths[start : start + PICTURES_PER_CALL]]
        text = run([*setting.runner, "classify", str(model), *part, "--top", "1", "--json"]).decode()
        found += [int(picture["scores"][0]["index"]) for picture in json.loads(text)["pictures"]]
    return found


def count(network: corpus.Network, model: Path, setting: Setting, pictures: bool) -> Count:
    dataset = corpus.DATA[network.name]
    offset = corpus.LABEL_OFFSET.get(dataset, 0)
    boundary = network.boundaries()[0][0]
    files = corpus.labelled(dataset)
    tensors = [corpus.tensor(path, boundary, dataset) for path, _ in files]
    reference = Reference(network.content)
    wanted = [reference.run([value])[0] for value in tensors]
    actual = answers(setting, model, tensors, wanted[0])
    labels = [label + offset for _, label in files]
    right = lambda outputs: sum(int(np.argmax(o)) == label for o, label in zip(outputs, labels, strict=True))
    own = None
    if pictures and dataset != "kws01":
        found = classified(setting, model, [path for path, _ in files])
        own = sum(index == label for index, label in zip(found, labels, strict=True))
    differing = sum(a.tobytes() != w.tobytes() for a, w in zip(actual, wanted, strict=True))
    return Count(network.name, dataset, len(files), right(wanted), right(actual), differing, own)


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_only()
    parser.add_argument("--no-classify", action="store_true", help="leave out the column of martlet classify")
    parser.add_json("counts")
    options = parser.parse_args()
    corpus.require()
    tested = programs(options)
    print(
        "| model | data | inputs | LiteRT reference | Martlet, same tensors | outputs that differ | martlet classify |"
    )
    print("|---|---|---:|---:|---:|---:|---:|")
    counts, problems = [], 0
    with tempfile.TemporaryDirectory(prefix="martlet-accuracy-") as folder:
        for network in (n for n in corpus.models() if n.name in corpus.DATA and options.only in n.name):
            model = Path(folder) / f"{network.name}.martlet"
            try:
                fit = corpus.FIT.get(corpus.DATA[network.name], "stretch")
                tested.convert(network.path, model, "--resize", fit)
                row = count(network, model, tested.settings[0], not options.no_classify)
            except Failed as failure:
                print(f"{network.name}: {failure}", file=sys.stderr)
                problems += 1
                continue
            counts.append(row)
            problems += row.differing_inputs > 0 or row.right_martlet != row.right_reference
            own = "-" if row.right_classify is None else row.right_classify
            print(
                f"| {row.model} | {row.dataset} | {row.inputs} | {row.right_reference} | {row.right_martlet} "
                f"| {row.differing_inputs} | {own} |",
                flush=True,
            )
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(row) for row in counts], indent=2) + "\n")
    print("the counts are equal" if not problems else f"{problems} models failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
