"""Cold start, peak memory and size: from opening the model to the first result, file in the page cache.

Tools/bench cold --martlet PATH-OF-THE-DEVICE-BUILD [--only mobilenet] [--json FILE]
"""

from __future__ import annotations

import fcntl
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import corpus
from harness.options import Options
from harness.programs import Failed, Setting, programs, run
from harness.tables import table

from .host import header

LITERT = """
import sys, time
import numpy
from ai_edge_litert.interpreter import Interpreter
content = open(sys.argv[1], "rb").read()
begin = time.perf_counter()
interpreter = Interpreter(model_content=content, num_threads=1)
interpreter.allocate_tensors()
interpreter.invoke()
first = time.perf_counter()
marks = []
for _ in range(20):
    start = time.perf_counter()
    interpreter.invoke()
    marks.append(time.perf_counter() - start)
print((first - begin) * 1e3, sorted(marks)[10] * 1e3)
"""


def litert(network: corpus.Network, folder: Path) -> tuple[float, float]:
    """Milliseconds of interpreter creation plus first invoke in a new process, and of a warm invoke."""
    path = folder / f"{network.name}.tflite"
    path.write_bytes(network.content)
    first, warm = run([sys.executable, "-c", LITERT, str(path)]).decode().split()[-2:]
    return float(first), float(warm)


def martlet(setting: Setting, model: Path) -> dict[str, Any]:
    """What `martlet bench --json` of a new process says."""
    return json.loads(run([*setting.runner, "bench", str(model), "--threads", "1", "--runs", "20", "--json"]))


def classify_peak(setting: Setting, model: Path, picture: Path) -> int:
    """Peak resident bytes of `martlet classify`.

    Its output goes into a pipe that is already full: it waits there, all work done, and the kernel's own mark of its
    memory (VmHWM) can be read in peace. getrusage would tell the parent's memory at the fork if that is larger.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    filled = os.write(writer, b" " * os.fpathconf(writer, "PC_PIPE_BUF"))
    os.set_blocking(writer, True)
    process = subprocess.Popen([*setting.runner, "classify", str(model), str(picture)], stdout=writer)
    os.close(writer)
    try:
        return _settled_peak(process)
    finally:
        while os.read(reader, 65536):
            pass
        os.close(reader)
        if process.wait() != 0 or not filled:
            raise Failed(f"classify ends with exit {process.returncode}")


def _settled_peak(process: subprocess.Popen[bytes]) -> int:
    """VmHWM once the process has used no processor time for a while."""
    before, quiet, peak = -1.0, 0, 0
    while quiet < 10:
        time.sleep(0.02)
        if process.poll() is not None:
            raise Failed("classify ended without printing")
        status = Path(f"/proc/{process.pid}/status").read_text()
        fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        used = float(fields[11]) + float(fields[12])
        quiet = quiet + 1 if used == before and fields[0] == "S" else 0
        before = used
        peak = max([peak] + [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")])
    return peak


def measure(network: corpus.Network, model: Path, setting: Setting, folder: Path, repeats: int) -> dict[str, Any]:
    mine = [martlet(setting, model) for _ in range(repeats)]
    theirs = [litert(network, folder) for _ in range(repeats)]
    result: dict[str, Any] = {
        "model": network.name,
        "file_bytes": model.stat().st_size,
        "arena_bytes": mine[0]["arena_bytes"],
        "warm_ms": statistics.median(m["latency_ms"]["median"] for m in mine),
        "litert_first_ms": statistics.median(t[0] for t in theirs),
        "litert_warm_ms": statistics.median(t[1] for t in theirs),
    }
    for key, value in _cold(mine[0]).items():
        result[key] = statistics.median(_cold(m)[key] for m in mine) if value is not None else None
    dataset = corpus.DATA.get(network.name, "kws01")
    if dataset != "kws01":
        result["classify_peak_rss_bytes"] = classify_peak(setting, model, corpus.labelled(dataset)[0][0])
        result["over_file_and_arena_bytes"] = (
            result["classify_peak_rss_bytes"] - result["file_bytes"] - result["arena_bytes"]
        )
    return result


def _cold(bench: dict[str, Any]) -> dict[str, float | None]:
    """Load alone, and load with the first inference, as `martlet bench` names them."""
    cold = bench["cold_start_ms"]
    cold = cold if isinstance(cold, dict) else {"first_result": cold}
    load = cold.get("load", bench.get("load_ms"))
    first = cold.get("first_inference", bench.get("first_inference_ms"))
    return {
        "load_ms": load,
        "load_and_first_ms": None if load is None or first is None else load + first,
        "process_to_first_result_ms": cold.get("first_result"),
    }


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_only()
    parser.add_json()
    options = parser.parse_args()
    corpus.require()
    tested = programs(options)
    setting = tested.settings[0]
    results, problems = [], 0
    with tempfile.TemporaryDirectory(prefix="martlet-cold-") as name:
        for network in (n for n in corpus.models() if options.only in n.name):
            model = Path(name) / f"{network.name}.martlet"
            try:
                tested.convert(network.path, model)
                results.append(measure(network, model, setting, Path(name), options.repeats))
            except Failed as failure:
                print(f"{network.name}: {failure}", file=sys.stderr)
                problems += 1
    print(
        header(
            f"{os.path.basename(tested.martlet)}: {os.path.getsize(tested.martlet):,} bytes",
            f"medians of {options.repeats} processes, one thread",
        )
    )
    show = lambda value, form=".2f": "-" if value is None else format(value, form)
    rows = [
        [
            r["model"],
            show(r["load_ms"], ".3f"),
            show(r["load_and_first_ms"]),
            show(r["warm_ms"]),
            show(r["load_and_first_ms"] and r["load_and_first_ms"] / r["warm_ms"]),
            show(r["process_to_first_result_ms"]),
            show(r["litert_first_ms"]),
            show(r["litert_first_ms"] / r["litert_warm_ms"]),
            show(r.get("classify_peak_rss_bytes"), ","),
            show(r.get("over_file_and_arena_bytes"), ","),
        ]
        for r in results
    ]
    print(
        table(
            [
                "model",
                "load ms",
                "load + first ms",
                "warm ms",
                "ratio",
                "process ms",
                "LiteRT create + first ms",
                "ratio to its warm",
                "classify peak RSS",
                "over file + arena",
            ],
            rows,
        )
    )
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
