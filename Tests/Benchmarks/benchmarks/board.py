"""One archive that measures Martlet beside LiteRT, ONNX Runtime and OpenVINO on an arm64 board with Debian.

    Tools/bench board --bundle FILE.tar [--only NAME] [--python 311,313] [--without RUNTIME]

Copy FILE.tar to the board, unpack it there, and start ./run in it: it needs Python 3 and nothing else, no network and
no privilege. The archive holds the device command, the corpus' models (where there is no corpus, those that ship),
converted and as the other runtimes read them, and the runtimes' own packages for each Python.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from harness import corpus
from harness.options import Options
from harness.programs import CACHE, ROOT, Failed, Programs, build_path
from turns.contender import SUFFIXES
from turns.runtimes import LOADERS

from .host import revision
from .vision import files

NAME = "martlet-board"
REQUIREMENTS = ("Tests/Harness/requirements.txt", "Tests/Benchmarks/requirements-openvino.txt")
# Debian 12 has glibc 2.36.
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(17, 37)] + ["manylinux2014_aarch64"]
USAGE, UNAVAILABLE, CANNOT_CREATE = 64, 69, 73
READABLE = {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}
README = """Martlet beside other runtimes, on this board

    ./run                      every model, 1 to 4 threads: half an hour for each kind of processor
    ./run --only NAME          one model; ./run --help says what else
    results.json               what was measured, round by round

Let nothing else run meanwhile, and cool the board: the table shows what slowed it down. With the governor `performance`
frequencies do not have to rise first; whichever it is, it is recorded.
"""


class Parser(Options):
    """A wrong command line gets one line and exit 64."""

    def error(self, message: str) -> NoReturn:
        end(USAGE, message)


def end(code: int, message: str) -> NoReturn:
    print(f"bench board: {message}", file=sys.stderr)
    sys.exit(code)


def pinned(without: list[str]) -> list[str]:
    """The requirements of the runtimes, as the tests have them."""
    names = [loader.package for runtime, loader in LOADERS.items() if runtime not in without] + ["numpy"]
    lines = [line for path in REQUIREMENTS for line in (ROOT / path).read_text().splitlines()]
    return [line for line in lines if line.split("==")[0] in names]


def wheels(python: str, wanted: list[str]) -> list[Path]:
    """The packages and all that they need, for one version of CPython on arm64; kept in the cache."""
    digest = hashlib.sha256("\n".join([python, *wanted]).encode()).hexdigest()[:16]
    folder = CACHE / "board-wheels" / digest
    if not folder.is_dir():
        print(f"downloading for arm64, Python {python}: {' '.join(wanted)}", file=sys.stderr)
        part = folder.with_name(f"{digest}.{os.getpid()}.part")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--only-binary", ":all:", "--dest", str(part)]
        command += ["--implementation", "cp", "--python-version", python, "--abi", f"cp{python}"]
        command += [word for platform in PLATFORMS for word in ("--platform", platform)]
        done = subprocess.run([*command, *wanted], capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(part, ignore_errors=True)
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            end(UNAVAILABLE, f"Python {python}: {lines[-1] if lines else 'pip fails'}")
        part.rename(folder)
    return sorted(folder.glob("*.whl"))


def corpus_models(tools: str, only: str, folder: Path) -> list[dict[str, Any]]:
    """Converted into `folder`, and as the other runtimes read them."""
    found = []
    for network in corpus.models() + corpus.onnx_models():
        if only not in network.name:
            continue
        Programs(tools, "").convert(network.path, folder / f"{network.name}.martlet")
        sources = files(network, folder)
        for source in sources:
            if source.parent != folder:
                shutil.copyfile(source, folder / source.name)
        names = [source.name for source in sources]
        found.append({"name": network.name, "martlet": f"{network.name}.martlet", "files": names})
    return found


def shipped_models(only: str, folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted((ROOT / "Models").glob("*/*.martlet")):
        if only not in path.stem:
            continue
        sources = sorted(source for source in path.parent.glob(f"{path.stem}.*") if source.suffix in READABLE)
        for source in [path, *sources]:
            shutil.copyfile(source, folder / source.name)
        found.append({"name": path.stem, "martlet": path.name, "files": [source.name for source in sources]})
    return found


def contents(options: Any, folder: Path) -> dict[str, Path | bytes]:
    """Everything in the archive by its name there; `folder` is for the models that are made."""
    if options.shipped or not corpus.CORPUS.is_dir():
        models = shipped_models(options.only, folder)
    else:
        models = corpus_models(options.tools, options.only, folder)
    if not models:
        end(USAGE, f"--only {options.only}: there is no such model")
    facts = {"martlet": revision(), "models": models}
    here = ROOT / "Tests" / "Benchmarks" / "turns"
    found: dict[str, Path | bytes] = {
        "README": README.encode(),
        "bundle.json": (json.dumps(facts, indent=2) + "\n").encode(),
        "martlet": options.device,
        "run": here / "run",
        "lib/harness/tables.py": ROOT / "Tests/Harness/harness/tables.py",
    }
    found |= {f"lib/turns/{path.name}": path for path in here.glob("*.py")}
    found |= {f"models/{path.name}": path for path in folder.iterdir()}
    for python in options.python.split(","):
        found |= {f"wheels/cp{python}/{path.name}": path for path in wheels(python, pinned(options.without))}
    return found


def write(target: Path, members: dict[str, Path | bytes]) -> None:
    """The same bytes for the same members."""
    with tarfile.open(target, "w") as archive:
        for name, source in sorted(members.items()):
            data = source if isinstance(source, bytes) else source.read_bytes()
            info = tarfile.TarInfo(f"{NAME}/{name}")
            info.size, info.mode = len(data), 0o755 if name in ("martlet", "run") else 0o644
            archive.addfile(info, io.BytesIO(data))


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="the archive to write")
    device, tools = ROOT / ".build-device/aarch64/martlet", build_path() / "martlet-tools"
    parser.add_argument("--device", type=Path, default=device, help="the device command (default: this checkout's)")
    parser.add_argument("--tools", default=str(tools), help="path of martlet-tools (default: the release build)")
    parser.add_argument("--shipped", action="store_true", help="the models that ship, even where the corpus is")
    parser.add_only()
    parser.add_argument("--python", default="311,313", help="versions of CPython (default: 311,313: Debian 12 and 13)")
    parser.add_argument("--without", action="append", default=[], choices=list(SUFFIXES), help="leave a runtime out")
    options = parser.parse_args()
    if not all(python.isdigit() for python in options.python.split(",")):
        end(USAGE, f"--python {options.python}: versions as 311, separated by commas")
    if not options.device.is_file():
        end(UNAVAILABLE, f"{options.device}: no device command there; Tools/build-device aarch64 makes it")
    part = options.bundle.with_name(f"{options.bundle.name}.part")
    with tempfile.TemporaryDirectory(prefix="martlet-board-") as folder:
        try:
            members = contents(options, Path(folder))
        except Failed as failure:
            end(1, str(failure))
        try:
            write(part, members)
            part.rename(options.bundle)
        except OSError as error:
            end(CANNOT_CREATE, f"{options.bundle}: {error.strerror}")
    models = sum(name.endswith(".martlet") for name in members)
    print(f"{options.bundle}: {options.bundle.stat().st_size:,} bytes, {models} models; on the board: ./run in {NAME}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
