"""Tokens per second of a language model in Martlet, llama.cpp and OpenVINO GenAI, measured in turns.

    Tools/bench language MODEL.gguf [--threads 1,2] [--weights int8,int4] [--rounds 5] [--no-busy] [--json FILE]

Each round measures the memory's read bandwidth, `martlet bench` and each peer, another one first in each: a prompt of
512 tokens, and 128 tokens one at a time from an empty cache, as llama-bench has them; another prompt in each round for
the peers. llama.cpp: bare `llama_decode`, no sampling, on the same weights as Q8_0 for int8 and Q4_0 for int4, remade
from the same file. OpenVINO GenAI: its pipeline with dynamic quantization in groups of 64, which also chooses each
token, on the same weights in int8 (a scale for each row) or int4 (groups of 64), exported from the float file.

Figures are medians over the rounds. In each round the fastest peer counts; a ratio is the median of the rounds'
ratios, so that a neighbour's load weighs on all alike. The share of the bandwidth is tokens per second times the bytes
of the weights, all of which a token reads. Busy: a spinning process on each core that the threads use.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.options import Options
from harness.programs import CACHE, Failed, Setting, programs, run
from harness.tables import table

from . import genai, llama
from .host import header, processor, revision
from .neighbours import Bandwidth, busy, cores
from .perplexity import plain, remade

TYPES = {"int8": "Q8_0", "int4": "Q4_0"}  # llama.cpp's
PHASES = ("prefill", "decode")
MARTLET = "Martlet"
PROMPT, DECODED, DECODED_BUSY = 512, 128, 24
PAUSE_S = 0.5  # a peer's threads may spin for a while after a run
LIMIT_S = 1800
Peer = llama.Llama | genai.GenAI


@dataclass
class Rates:
    """Tokens per second of each round."""

    prefill: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)


@dataclass
class Measurement:
    """All runtimes with one number of threads and one format, with or without neighbours."""

    weights: str
    threads: int
    is_busy: bool
    bytes: dict[str, int]  # of the weights, by runtime
    rates: dict[str, Rates] = field(default_factory=lambda: {"Martlet": Rates()})
    bandwidth: list[float] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)  # Martlet's other figures

    def fastest(self, phase: str) -> list[tuple[float, str]]:
        """Of the peers in each round."""
        columns = [
            [(rate, name) for rate in getattr(self.rates[name], phase)] for name in self.rates if name != MARTLET
        ]
        return [max(row) for row in zip(*columns, strict=False)]

    def ratios(self, phase: str) -> list[float]:
        return [mine / best for mine, (best, _) in zip(getattr(self.rates[MARTLET], phase), self.fastest(phase))]

    def line(self) -> str:
        """For who waits: a minute passes between two of them."""
        setting = f"{self.weights} x{self.threads}{' busy' if self.is_busy else ''}"
        return setting + "".join(
            f"; {name} {number(median(rates.prefill), '.0f')} prefill, {number(median(rates.decode), '.0f')} decode"
            for name, rates in self.rates.items()
        )

    def share(self, name: str) -> float | None:
        """Of the read bandwidth, while decoding: the median of the rounds' own."""
        pairs = zip(self.rates[name].decode, self.bandwidth, strict=False)
        found = [rate * self.bytes[name] / (width * 1e9) for rate, width in pairs]
        return statistics.median(found) if found else None

    def facts(self) -> dict[str, Any]:
        return {
            "weights": self.weights,
            "threads": self.threads,
            "busy": self.is_busy,
            "weight_bytes": self.bytes,
            "bandwidth_gb_per_s": self.bandwidth,
            "rounds": {name: {"prefill": r.prefill, "decode": r.decode} for name, r in self.rates.items()},
            **{f"{phase}_ratio": median(self.ratios(phase)) for phase in PHASES},
            **{f"{phase}_fastest": usual(self.fastest(phase)) for phase in PHASES},
            "bandwidth_share": {name: self.share(name) for name in self.rates},
            "martlet": self.last,
        }


def usual(best: list[tuple[float, str]]) -> str:
    """The name that was the fastest most often."""
    return statistics.mode(name for _, name in best) if best else "-"


def median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def martlet(setting: Setting, model: Path, result: Measurement) -> None:
    """One `martlet bench`."""
    environment = {"MARTLET_ISA": setting.isa} if setting.isa else None
    command = [*setting.runner, "bench", str(model), "--threads", str(setting.threads), "--json"]
    found = json.loads(run(command, environment, timeout_s=LIMIT_S))
    result.rates[MARTLET].prefill.append(float(found["prefill_tokens_per_s"]))
    result.rates[MARTLET].decode.append(float(found["decode_tokens_per_s"]))
    result.last = {key: found.get(key) for key in ("time_to_first_token_ms", "arena_bytes", "peak_rss_bytes")}
    result.bytes[MARTLET] = int(found.get("weights_bytes") or model.stat().st_size)


def peer(name: str, model: Peer, result: Measurement, seed: int) -> None:
    rates = result.rates[name]
    rates.prefill.append(model.prefill_rate(PROMPT, seed))
    time.sleep(PAUSE_S)
    rates.decode.append(model.decode_rate(DECODED_BUSY if result.is_busy else DECODED, seed + 1))


def measure(
    setting: Setting, model: Path | None, others: dict[str, Peer], result: Measurement, width: Bandwidth, count: int
) -> Measurement:
    """`count` rounds. A round's bandwidth is measured without the neighbours: it is the memory's."""
    runs: list[Callable[[int], None]] = []
    if model:
        runs.append(lambda seed: martlet(setting, model, result))
    for name, other in others.items():
        runs.append(lambda seed, name=name, other=other: peer(name, other, result, seed))
    for number in range(count):
        result.bandwidth.append(width.gigabytes_per_second(setting.threads))
        first = number % len(runs)
        for each in runs[first:] + runs[:first]:
            time.sleep(PAUSE_S)
            with busy(cores(setting.threads)) if result.is_busy else nullcontext():
                each(2 * number + 1)
    return result


def number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def print_table(results: list[Measurement]) -> None:
    names = list(dict.fromkeys(name for result in results for name in result.rates))
    columns = ["weights, threads"]
    for phase in PHASES:
        columns += [f"{phase} {names[0]}", *names[1:], "fastest peer", "ratio", "range"]
    columns += ["GB/s read", *(f"share {name}" for name in names)]
    rows = []
    for result in results:
        row = [f"{result.weights} x{result.threads}{' busy' if result.is_busy else ''}"]
        for phase in PHASES:
            row += [number(median(getattr(result.rates.get(name, Rates()), phase)), ".1f") for name in names]
            ratios = result.ratios(phase)
            row += [
                usual(result.fastest(phase)),
                number(median(ratios), ".2f"),
                f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else "-",
            ]
        row.append(number(median(result.bandwidth), ".1f"))
        row += [number(result.share(name), ".0%") if name in result.rates else "-" for name in names]
        rows.append(row)
    print(f"\nTokens per second:\n\n{table(columns, rows)}", flush=True)


def print_neighbours(results: list[Measurement]) -> None:
    """What busy neighbours leave of each runtime's speed."""
    quiet = {(r.weights, r.threads): r for r in results if not r.is_busy}
    rows = []
    for result in (r for r in results if r.is_busy and (r.weights, r.threads) in quiet):
        for name in result.rates:
            row = [f"{result.weights} x{result.threads}", name]
            for phase in PHASES:
                before = median(getattr(quiet[result.weights, result.threads].rates[name], phase))
                after = median(getattr(result.rates[name], phase))
                row.append(f"{after / before:.0%}" if before and after else "-")
            rows.append(row)
    if rows:
        columns = ["with busy neighbours", "who", *PHASES]
        print(f"\nSpeed left (a fair half of the processor is 50 %):\n\n{table(columns, rows)}")


def print_memory(results: list[Measurement]) -> None:
    rows = [
        [
            f"{r.weights} x{r.threads}",
            f"{r.bytes[MARTLET] / 1e6:.1f}",
            ", ".join(f"{size / 1e6:.1f} {name}" for name, size in r.bytes.items() if name != MARTLET) or "-",
            number(r.last.get("time_to_first_token_ms"), ".1f"),
            number((r.last.get("arena_bytes") or 0) / 1e6, ".1f"),
            number((r.last.get("peak_rss_bytes") or 0) / 1e6, ".1f"),
        ]
        for r in results
        if r.last and not r.is_busy
    ]
    if rows:
        columns = ["", "weights MB", "peers' MB", "first token ms", "arena MB", "peak resident MB"]
        print(f"\nMartlet's memory:\n\n{table(columns, rows)}")


def plan(settings: tuple[Setting, ...], with_busy: bool) -> list[tuple[Setting, bool]]:
    """Every setting quiet; the one with the most threads also with neighbours."""
    most = max(settings, key=lambda setting: setting.threads)
    return [(setting, False) for setting in settings] + ([(most, True)] if with_busy else [])


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_programs(threads="1,2")
    parser.add_argument("--weights", default="int8,int4", help="formats, separated by commas")
    parser.add_rounds(5)
    parser.add_argument("--folder", type=Path, default=CACHE / "language", help="where GGUF files are kept")
    parser.add_argument("--no-busy", action="store_true", help="without the neighbours")
    parser.add_argument("--peer-only", action="store_true", help="without Martlet")
    parser.add_json()
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    tested = programs(options)
    facts = [llama.version()] + ([llama.features()] if llama.available() else [])
    facts.insert(0, genai.version() if genai.available() else "no OpenVINO GenAI")
    print(header(*facts, f"{plain(options.model)}, {options.rounds} rounds in turns, medians"))
    results: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="martlet-language-") as name:
        width = Bandwidth(Path(name))
        for weights in options.weights.split(","):
            model = None if options.peer_only else Path(name) / f"{weights}.martlet"
            try:
                if model:
                    tested.convert(options.model, model, "--weights", weights)
                for setting, is_busy in plan(tested.settings, not options.no_busy):
                    results.append(one(options, setting, model, weights, is_busy, width))
                    print(results[-1].line(), file=sys.stderr)
            except (Failed, llama.LlamaError) as failure:
                print(f"FAILED {weights}: {failure}", file=sys.stderr)
                return 1
    print_table(results)
    print_neighbours(results)
    print_memory(results)
    if options.json:
        whole = {"processor": processor(), "martlet": revision(), "peers": facts[:2], "features": facts[-1]}
        whole["results"] = [result.facts() for result in results]
        Path(options.json).write_text(json.dumps(whole, indent=2) + "\n")
    return 0


def one(
    options: argparse.Namespace, setting: Setting, model: Path | None, weights: str, is_busy: bool, width: Bandwidth
) -> Measurement:
    """Peers are loaded anew for each setting and warmed up, as llama-bench does."""
    result = Measurement(weights, setting.threads, is_busy, {})
    others: dict[str, Peer] = {}
    try:
        if llama.available():
            path = remade(options.model, options.folder, TYPES[weights])
            others["llama.cpp"] = llama.Llama(path, setting.threads, PROMPT + DECODED)
        if genai.available():
            load_genai(others, options, weights, setting.threads)
        if not others and not model:
            raise Failed("nobody is there to be measured")
        for name, other in others.items():
            result.rates[name] = Rates()
            result.bytes[name] = other.weight_bytes
            other.prefill_rate(PROMPT, 0)
            other.decode_rate(4, 0)
        return measure(setting, model, others, result, width, options.rounds)
    finally:
        for other in others.values():
            other.close()


def load_genai(others: dict[str, Peer], options: argparse.Namespace, weights: str, threads: int) -> None:
    """The rest goes on without it, where it cannot run the model."""
    try:
        source = float_file(options.model, options.folder)
        others["OpenVINO"] = genai.GenAI(genai.exported(source, options.folder, weights), threads)
    except Failed as failure:
        print(f"without OpenVINO GenAI: {failure}", file=sys.stderr)


def float_file(model: Path, folder: Path) -> Path:
    """What transformers reads best: the same weights in float32, if llama.cpp can make it."""
    made = folder / f"{plain(model)}.F32.gguf"
    return remade(model, folder, "F32") if llama.available() or made.is_file() else model


if __name__ == "__main__":
    sys.exit(main())
