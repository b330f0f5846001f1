"""Writes some of the generated models into a folder: seeds for the fuzzers.

python -m oracle.seeds FOLDER [--every 20]
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.options import Options

from .cases import all_cases


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=20, help="only every Nth case")
    parser.add_argument("--largest", type=int, default=20_000, help="bytes; larger models only slow a fuzzer down")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(list(all_cases())[:: options.every]):
        model, _ = case.make(1)
        if len(model) <= options.largest:
            (options.folder / f"{number}.tflite").write_bytes(model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
