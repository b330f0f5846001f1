"""Latency of every corpus model in Martlet, LiteRT and ONNX Runtime, measured in turns.

    Tools/bench vision [--threads 1,2] [--rounds 7] [--only NAME] [--json FILE]

Each round runs every runtime once, for about --milliseconds; a figure is the median over the rounds of the rounds'
medians, and the ratio is the median of the rounds' ratios, so that a neighbour's load weighs on both alike.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import corpus
from harness.options import Options
from harness.programs import Failed, Setting, programs, run
from harness.tables import table

from .host import header, processor, revision
from .peers import LiteRT, OnnxRuntime, Peer

# The same net as an ONNX file.
ONNX = {
    "micro_kws_m_quantized": "micro_kws_m_static_qdq.onnx",
    "efficientnet_lite0_int8_qdq": "efficientnet_lite0_int8_qdq.onnx",
}
PAUSE_S = 0.02  # a peer's threads may spin for a while after a run


def martlet_ms(setting: Setting, model: Path, runs: int) -> float:
    """The median latency of one `martlet bench`."""
    environment = {"MARTLET_ISA": setting.isa} if setting.isa else None
    text = run(
        [*setting.runner, "bench", str(model), "--threads", str(setting.threads), "--runs", str(runs), "--json"],
        environment,
    )
    return float(json.loads(text)["latency_ms"]["median"])


def rounds(setting: Setting, model: Path, peers: list[Peer], count: int, milliseconds: float) -> dict[str, list[float]]:
    """The median latency of each runtime in each round."""

    def runs(latency: float) -> int:
        return int(min(max(milliseconds / max(latency, 1e-4), 5), 5000))

    expected = {"Martlet": martlet_ms(setting, model, 10), **{p.name: statistics.median(p.times(5)) for p in peers}}
    found: dict[str, list[float]] = {name: [] for name in expected}
    for _ in range(count):
        time.sleep(PAUSE_S)
        found["Martlet"].append(martlet_ms(setting, model, runs(expected["Martlet"])))
        for peer in peers:
            time.sleep(PAUSE_S)
            found[peer.name].append(statistics.median(peer.times(runs(expected[peer.name]))))
    return found


def measure(network: corpus.Network, model: Path, setting: Setting, count: int, milliseconds: float) -> dict[str, Any]:
    peers: list[Peer] = [LiteRT(network.path, setting.threads)] if network.path.suffix == ".tflite" else []
    if network.name in ONNX:
        peers.append(OnnxRuntime(corpus.CORPUS / "models" / ONNX[network.name], setting.threads))
    found = rounds(setting, model, peers, count, milliseconds)
    mine = found["Martlet"]
    result: dict[str, Any] = {
        "model": network.name,
        "threads": setting.threads,
        "isa": setting.isa or None,
        "martlet_ms": statistics.median(mine),
        "peers": {},
    }
    for peer in peers:
        ratios = [a / b for a, b in zip(mine, found[peer.name], strict=True)]
        result["peers"][peer.name] = {
            "latency_ms": statistics.median(found[peer.name]),
            "ratio": statistics.median(ratios),
            "ratio_lowest": min(ratios),
            "ratio_highest": max(ratios),
        }
    return result


def print_table(results: list[dict[str, Any]], threads: int) -> None:
    columns = [
        "model",
        "Martlet ms",
        "LiteRT ms",
        "Martlet / LiteRT",
        "rounds' range",
        "ONNX Runtime ms",
        "Martlet / ORT",
    ]
    rows = []
    for result in (r for r in results if r["threads"] == threads):
        litert, onnx = result["peers"].get(LiteRT.name), result["peers"].get(OnnxRuntime.name)
        rows.append(
            [
                result["model"],
                f"{result['martlet_ms']:.3f}",
                f"{litert['latency_ms']:.3f}" if litert else "-",
                f"{litert['ratio']:.2f}" if litert else "-",
                f"{litert['ratio_lowest']:.2f}-{litert['ratio_highest']:.2f}" if litert else "-",
                f"{onnx['latency_ms']:.3f}" if onnx else "-",
                f"{onnx['ratio']:.2f}" if onnx else "-",
            ]
        )
    print(f"\n{threads} thread{'s' if threads > 1 else ''}:\n\n{table(columns, rows)}", flush=True)


def print_scaling(results: list[dict[str, Any]]) -> None:
    """What the second thread brings, Martlet against itself."""
    times = {(r["model"], r["threads"]): r["martlet_ms"] for r in results}
    rows = [
        [model, f"{times[model, 1] / times[model, 2]:.2f}"]
        for model, threads in times
        if threads == 1 and (model, 2) in times
    ]
    if rows:
        print(f"\nTwo threads against one:\n\n{table(['model', 'times as fast'], rows)}")


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs(threads="1,2")
    parser.add_rounds(7)
    parser.add_argument("--milliseconds", type=float, default=150, help="time for one runtime in one round")
    parser.add_only()
    parser.add_json()
    options = parser.parse_args()
    corpus.require()
    tested = programs(options)
    print(
        header(LiteRT.name, OnnxRuntime.name, f"{options.rounds} rounds in turns, medians, milliseconds per inference")
    )
    networks = [network for network in corpus.models() + corpus.onnx_models() if options.only in network.name]
    results: list[dict[str, Any]] = []
    problems = 0
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as folder:
        for setting in tested.settings:
            for network in networks:
                model = Path(folder) / f"{network.name}.martlet"
                try:
                    tested.convert(network.path, model)
                    results.append(measure(network, model, setting, options.rounds, options.milliseconds))
                except Failed as failure:
                    print(f"{network.name}: {failure}", file=sys.stderr)
                    problems += 1
            print_table(results, setting.threads)
    print_scaling(results)
    if options.json:
        facts = {"processor": processor(), "martlet": revision(), "results": results}
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
