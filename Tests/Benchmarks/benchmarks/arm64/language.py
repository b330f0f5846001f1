"""Counts of a language model on arm64, in QEMU's user-mode emulation: instructions, loads and stores of a token of a
prompt and of a token that follows, Martlet beside llama.cpp's arm64 builds, on armv8.0 (neon), with dot products and
with i8mm; where the instructions go, and llvm-mca's cycles of the hottest loops.

    Tools/bench arm64-language [MODEL.gguf] --isa dotprod --weights int8 --loops

Prefill: tokens 65 to 260 of a prompt, the difference of two runs by 196. Decode: 16 tokens behind a prompt of 64, the
difference by 16 (--tokens 64,260,16). Martlet's includes choosing a token and writing it, llama.cpp's is bare
`llama_decode`. Both get the same token ids: a made-up prompt, and behind it what Martlet chooses. llama.cpp has the
same weights as Q8_0 for int8 and Q4_0 for int4, remade from the same file. Martlet's figures are the same on every
machine and under any load, llama.cpp's nearly so: they are counted once and kept. A set takes minutes of an idle core
for each format. Simulated caches (--caches) are those of Tools/bench arm64; with them it takes three times as long.
The default model is SmolLM2-135M-Instruct.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.options import Options
from harness.programs import CACHE, Failed, build_path, run

from ..host import revision
from ..language import TYPES
from ..perplexity import plain
from . import report
from .counting import Counted, difference, emulate
from .hotspots import Symbols, lines, loops, profile
from .llama import Peer, remade
from .pipeline import Tools
from .places import BUILT, EMULATOR, LLVM, PLUGIN, SYSROOT
from .sets import SETS, InstructionSet

FOLDER = CACHE / "language"
MODEL = FOLDER / "SmolLM2-135M-Instruct.Q4_1.gguf"  # Tools/arm64.sh fetches it
LIMIT_S = 3600


@dataclass(frozen=True)
class Span:
    """Tokens of a prompt of which those between are counted, and how many are counted that follow `begin`."""

    begin: int
    end: int
    following: int


class Martlet:
    """A converted model in an arm64 build."""

    def __init__(self, program: Path, model: Path, span: Span, has_caches: bool) -> None:
        self._program, self._model, self._span, self._has_caches = program, model, span, has_caches
        self._counted = cache(self._count)

    def prefill(self, isa: InstructionSet, ids: Sequence[int]) -> Counted:
        """The token that is chosen at the end is chosen in both runs."""
        short = self._counted(isa, tuple(ids[: self._span.begin]), 1)
        return difference(self._counted(isa, tuple(ids), 1), short, self._span.end - self._span.begin)

    def decode(self, isa: InstructionSet, prompt: Sequence[int]) -> Counted:
        """The last token of a text is not computed."""
        whole = self._counted(isa, tuple(prompt), self._span.following + 1)
        return difference(whole, self._counted(isa, tuple(prompt), 1), self._span.following)

    def vocabulary(self) -> int:
        """How many ids there are."""
        return int(self._told("inspect", str(self._model), "--json")["vocabulary"])

    def following(self, prompt: Sequence[int]) -> list[int]:
        """What it chooses behind a prompt, the same on any set."""
        wanted = self._span.following
        found = self._told(*self._generate(str(self._model), prompt, wanted + 1), "--json")["tokens"]
        if len(found) != wanted + 1:
            raise Failed(f"the model ends its text after {len(found)} tokens")
        return found[:wanted]

    def _told(self, *arguments: str) -> dict[str, Any]:
        return json.loads(run([*EMULATOR, SETS[1].cpu, str(self._program), *arguments], timeout_s=LIMIT_S))

    def _count(self, isa: InstructionSet, ids: tuple[int, ...], most: int) -> Counted:
        files = {"martlet": self._program, "model.martlet": self._model}
        command = ["./martlet", *self._generate("model.martlet", ids, most)]
        return emulate(isa, SYSROOT, PLUGIN, None, command, files, has_caches=self._has_caches)

    @staticmethod
    def _generate(model: str, ids: Sequence[int], most: int) -> list[str]:
        text = " ".join(map(str, ids))
        return ["generate", model, "--threads", "1", "--tokens", text, "--max-tokens", str(most)]


def made_up(count: int, ids: int) -> list[int]:
    """The same every time: of Python's random numbers only these stay as they are from release to release."""
    numbers = random.Random(1)
    return [int(numbers.random() * ids) for _ in range(count)]


def described(counted: Counted, isa: InstructionSet, program: Path, tools: Tools) -> tuple[Any, Any, Any]:
    """Figures, profile and loops."""
    code, symbols = lines(counted.blocks), Symbols(program)
    found = [report.describe(loop, isa.scheduled, tools, symbols.name) for loop in loops(code, symbols.name)[:6]]
    return asdict(counted.figures), profile(code, symbols), found


def progress(text: str, begun: float) -> None:
    print(f"{time.monotonic() - begun:5.0f} s: {text}", file=sys.stderr, flush=True)


def count(options: argparse.Namespace, weights: str, sets: Sequence[InstructionSet], tools: Tools) -> list[Any]:
    """One format on all sets."""
    begun, kind, results = time.monotonic(), TYPES[weights], []
    options.folder.mkdir(parents=True, exist_ok=True)
    model = options.folder / f"{options.model.stem}.{weights}.arm64.martlet"
    progress(f"{weights}: converting", begun)
    run([options.tools, "convert", str(options.model), "-o", str(model), "--weights", weights], timeout_s=LIMIT_S)
    ours = Martlet(options.martlet, model, options.tokens, options.caches)
    ids = made_up(options.tokens.end, ours.vocabulary())
    prompt = ids[: options.tokens.begin]
    following = ours.following(prompt) if "decode" in options.phases else []
    if not options.no_llama:
        progress(f"{weights}: {kind} of the same weights", begun)
        theirs = remade(options.model, options.folder, kind)
    for isa in sets:
        for phase in options.phases:
            progress(f"{weights}, {isa.name}, {phase}: Martlet", begun)
            found = ours.prefill(isa, ids) if phase == "prefill" else ours.decode(isa, prompt)
            result: dict[str, Any] = {"model": f"{weights} {phase}", "isa": isa.name, "peer_name": f"llama.cpp {kind}"}
            result["martlet"], result["profile"], result["loops"] = described(found, isa, options.martlet, tools)
            if not options.no_llama:
                progress(f"{weights}, {isa.name}, {phase}: llama.cpp {kind}", begun)
                peer = Peer(isa, theirs, options.caches)
                found = peer.prefill(ids, len(prompt)) if phase == "prefill" else peer.decode(prompt, following)
                described_peer = described(found, isa, peer.program, tools)
                result["peer"], result["peer_profile"], result["peer_loops"] = described_peer
            print(report.hot(result, isa, options.loops), flush=True)
            results.append(result)
    return results


def parsed() -> argparse.Namespace:
    parser = Options(__doc__)
    parser.add_argument("model", type=Path, nargs="?", default=MODEL, help="a GGUF file")
    parser.add_argument("--martlet", type=Path, default=BUILT, help="an arm64 build with symbols (default: this one's)")
    parser.add_argument("--tools", default=str(build_path() / "martlet-tools"), help="path of martlet-tools")
    parser.add_argument("--isa", default=",".join(isa.name for isa in SETS), help="separated by commas (default: all)")
    parser.add_argument("--weights", default="int8,int4", help="formats, separated by commas")
    parser.add_argument("--phases", default="prefill,decode", help="separated by commas")
    parser.add_argument(
        "--tokens", default="64,260,16", help="prompt from, to; and following tokens (default: 64,260,16)"
    )
    parser.add_argument("--caches", action="store_true", help="cache misses too")
    parser.add_argument("--no-llama", action="store_true", help="Martlet alone")
    parser.add_argument("--loops", action="store_true", help="also the assembly of the loops, and llama.cpp's loops")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where GGUF files are kept")
    parser.add_json()
    options = parser.parse_args()
    for name, all_of_it in (("isa", [isa.name for isa in SETS]), ("weights", TYPES), ("phases", ("prefill", "decode"))):
        wanted = getattr(options, name).split(",")
        setattr(options, name, wanted)
        if unknown := set(wanted) - set(all_of_it):
            parser.error(f"--{name}: {', '.join(unknown)}: there are {', '.join(all_of_it)}")
    options.tokens = Span(*map(int, options.tokens.split(",")))
    return options


def main() -> int:
    options, tools = parsed(), Tools(LLVM)
    sets = [isa for isa in SETS if isa.name in options.isa]
    span = options.tokens
    about = f"{plain(options.model)}, tokens {span.begin + 1} to {span.end} of a prompt"
    about += f"; {span.following} behind {span.begin}"
    print(f"- counted in the emulator, one thread; {tools.version()} for cycles\n- Martlet {revision()}\n- {about}\n")
    results = []
    try:
        for weights in options.weights:
            results += count(options, weights, sets, tools)
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    for isa in sets:
        rows = [result for result in results if result["isa"] == isa.name]
        print(report.figures(rows, isa, "llama.cpp", "a token"))
    if options.json:
        facts = {"martlet": revision(), "model": options.model.name, "llvm": tools.version(), "results": results}
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
