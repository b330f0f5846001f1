"""Arena, planned peak and lower bound of every corpus model, as `martlet inspect` states them.

    Tools/bench memory [--threads 1,2] [--only NAME] [--json FILE]

The planned peak may be at most 1.05 times the lower bound: the largest sum of live tensors at any operator or cascade.
The bound layer by layer is what it would be without cascades.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import corpus
from harness.options import Options
from harness.programs import Failed, Setting, programs, run
from harness.tables import table

from .host import header

LIMIT = 1.05


def inspect(setting: Setting, model: Path) -> dict[str, Any]:
    return json.loads(run([*setting.runner, "inspect", str(model), "--threads", str(setting.threads), "--json"]))


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs(threads="1,2")
    parser.add_only()
    parser.add_json()
    options = parser.parse_args()
    corpus.require()
    tested = programs(options)
    rows, facts, problems = [], [], 0
    with tempfile.TemporaryDirectory(prefix="martlet-memory-") as folder:
        for network in (n for n in corpus.models() if options.only in n.name):
            model = Path(folder) / f"{network.name}.martlet"
            try:
                tested.convert(network.path, model)
                found = [inspect(setting, model) for setting in tested.settings]
            except Failed as failure:
                print(f"{network.name}: {failure}", file=sys.stderr)
                problems += 1
                continue
            ratio = found[0]["planned_peak_bytes"] / found[0]["lower_bound_bytes"]
            problems += ratio > LIMIT
            arenas = [found[i]["arena_bytes"] for i in range(len(found))]
            sizes = [os.path.getsize(model)]
            sizes += [found[0][f"{kind}_bytes"] for kind in ("whole_lower_bound", "lower_bound", "planned_peak")]
            rows.append([network.name, *(f"{size:,}" for size in sizes), f"{ratio:.3f}", *(f"{a:,}" for a in arenas)])
            facts.append(
                {
                    "model": network.name,
                    "file_bytes": sizes[0],
                    "whole_lower_bound_bytes": sizes[1],
                    "lower_bound_bytes": sizes[2],
                    "planned_peak_bytes": sizes[3],
                    "ratio": ratio,
                    "arena_bytes": {str(s): a for s, a in zip(tested.settings, arenas, strict=True)},
                }
            )
    print(header("bytes"))
    print(
        table(
            [
                "model",
                "file",
                "layer by layer",
                "lower bound",
                "planned peak",
                "peak / bound",
                *(f"arena, {setting}" for setting in tested.settings),
            ],
            rows,
        )
    )
    if options.json:
        Path(options.json).write_text(json.dumps(facts, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
