"""How often int8 keys and values leave the most likely token what it is with float ones, the weights being float.

    Tools/bench cache [MODEL...] [--tokens 1200] [--least 98.3]

Three texts, each evaluated twice from an empty cache: the Debian handbook (english.py), the GNU GPL 3 as Debian's
base-files has it, and the source of Python's difflib. A MODEL is whatever martlet-tools converts; without one it is
SmolLM2-135M-Instruct (heads of 64) and a small model with heads of 128, which is trained for it on the first half of
the handbook (cache_model.py; it needs the environment of OpenVINO GenAI, and is left out without). A model with heads
of 256 is Gemma 3 270M. The perplexity that int8 adds is over the same tokens.

It fails where less than --least percent agree.
"""

from __future__ import annotations

import difflib
import json
import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.options import Options
from harness.programs import CACHE, Failed, Programs, programs, run
from harness.tables import table

from . import english, genai
from .host import header
from .perplexity import losses, plain

FOLDER = CACHE / "language"
SMOLLM2 = FOLDER / "SmolLM2-135M-Instruct.Q4_1.gguf"
HEADS_OF_128 = FOLDER / "heads-of-128"
GPL = Path("/usr/share/common-licenses/GPL-3")
TYPES = ("f32", "int8")
LIMIT_S = 3600


@dataclass
class Agreement:
    """Of one model on one text."""

    model: str
    head_size: int
    text: str
    tokens: int
    equal: int
    perplexities: list[float]  # of the second token and what follows, by TYPES

    @property
    def percent(self) -> float:
        return 100 * self.equal / self.tokens

    def row(self) -> list[str]:
        before, after = self.perplexities
        return [
            self.model,
            f"{self.head_size}",
            self.text,
            f"{self.equal} of {self.tokens}",
            f"{self.percent:.2f} %",
            f"{before:.4f}",
            f"{after:.4f}",
            f"{(after / before - 1) * 100:+.3f} %",
        ]


def texts(folder: Path) -> dict[str, Path]:
    """By name. Of the handbook the second half: the first one may have been a model's training."""
    whole = FOLDER / "english.txt"
    if not whole.is_file():
        english.write(whole)
    handbook = folder / "handbook.txt"
    paragraphs = whole.read_text(encoding="utf-8").split("\n\n")
    handbook.write_text("\n\n".join(paragraphs[len(paragraphs) // 2 :]), encoding="utf-8")
    return {"handbook": handbook, "GPL 3": GPL, "difflib": Path(difflib.__file__)}


def evaluated(tested: Programs, model: Path, ids: list[int], kind: str, target: Path) -> tuple[np.ndarray, float]:
    """The most likely token behind each, and the text's perplexity."""
    command = [tested.tools, "logits", str(model), "--tokens", " ".join(map(str, ids)), "--kv-cache", kind]
    run([*command, "--threads", "2", "-o", str(target)], timeout_s=LIMIT_S)
    try:
        logits = np.memmap(target, np.float32, "r").reshape(len(ids), -1)
        # Row by row: of a large vocabulary they are gigabytes.
        best = np.array([row.argmax() for row in logits])
        lost = [losses(logits[i : i + 1], np.array(ids[i + 1 : i + 2]))[0] for i in range(len(ids) - 1)]
        return best, math.exp(np.mean(lost))
    finally:
        target.unlink()


def measure(tested: Programs, source: Path, folder: Path, count: int) -> list[Agreement]:
    model, found = folder / "model.martlet", []
    tested.convert(source, model, "--weights", "f32")
    head_size = json.loads(run([tested.martlet, "inspect", str(model), "--json"]))["head_size"]
    for name, path in texts(folder).items():
        ids = [int(word) for word in run([tested.martlet, "tokenize", str(model), str(path)]).split()][:count]
        told = [evaluated(tested, model, ids, kind, folder / "logits") for kind in TYPES]
        equal = int((told[0][0] == told[1][0]).sum())
        found.append(Agreement(plain(source), head_size, name, len(ids), equal, [value for _, value in told]))
        print(f"{found[-1].model}, {name}: {found[-1].percent:.2f} %", file=sys.stderr)
    return found


def trained() -> Path | None:
    if not (HEADS_OF_128 / "model.safetensors").is_file():
        if not genai.available():
            print("without heads of 128: no torch to train a model with", file=sys.stderr)
            return None
        command = [str(genai.PYTHON), "-W", "ignore", "-m", "benchmarks.cache_model", str(HEADS_OF_128)]
        run([*command, str(FOLDER / "english.txt")], timeout_s=LIMIT_S)
    return HEADS_OF_128


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="GGUF files or folders")
    parser.add_programs()
    parser.add_argument("--tokens", type=int, default=1200, help="of each text (default: 1200)")
    parser.add_argument("--least", type=float, default=98.3, help="percent (default: 98.3)")
    options = parser.parse_args()
    tested = programs(options)
    print(header("float weights; most likely tokens with int8 keys and values equal to those with float ones"))
    found: list[Agreement] = []
    try:
        with tempfile.TemporaryDirectory(prefix="martlet-cache-") as name:
            folder = Path(name)
            texts(folder)
            for source in options.models or [path for path in (SMOLLM2, trained()) if path]:
                found += measure(tested, source, folder, options.tokens)
    except Failed as failure:
        print(f"FAILED: {failure}")
        return 1
    columns = ["model", "head", "text", "equal", "agree", "perplexity f32", "int8", "added"]
    print(table(columns, [each.row() for each in found]))
    few = [each for each in found if each.percent < options.least]
    for each in few:
        print(f"FAILED: {each.model}, {each.text}: {each.percent:.2f} % agree, {options.least} % is asked for")
    return 1 if few else 0


if __name__ == "__main__":
    sys.exit(main())
