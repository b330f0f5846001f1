"""Tokenizers beside Hugging Face `tokenizers` and SentencePiece: line by line the same ids, the same text back.

For each pre-tokenizer a small byte-level BPE is trained whose normalizer and pre-tokenizer are those of the published
models; for SentencePiece small BPE and unigram models, and the same with added tokens beside them. Each is converted by
`martlet-tools` and compared on 10,000 lines of mixed text, some of which are no UTF-8. Further tokenizers (a
GGUF file, a tokenizer.json) can be named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.corpus import CORPUS
from harness.options import Options
from harness.programs import programs

from .added_peers import KINDS, added
from .mixed_text import SEPARATOR, make_lines, text_of
from .tokenizer_peers import (
    BYTE_LEVEL,
    SENTENCE_PIECE,
    Candidate,
    byte_level,
    converted_sentence_piece,
    gguf_byte_level,
    hugging_face,
    sentence_piece,
)

VOCABULARIES = CORPUS / "tokenizers"


@dataclass
class Result:
    equal: int = 0
    restored: int = 0
    omitted: int = 0
    shown: int = 0


def run(command: list[str], given: bytes) -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def compare(candidate: Candidate, lines: list[bytes], arguments: argparse.Namespace, folder: Path) -> Result:
    model = folder / "model.martlet"
    run([*arguments.convert, str(candidate.path), "-o", str(model)], b"")
    given = SEPARATOR.join(lines) + SEPARATOR
    found = run([arguments.martlet, "tokenize", str(model), "-", "--null"], given).decode().split("\n")[:-1]
    back = run([arguments.martlet, "tokenize", str(model), "-", "--null", "--decode"], "\n".join([*found, ""]).encode())
    texts = back.split(SEPARATOR)[:-1]
    if len(found) != len(lines) or len(texts) != len(lines):
        raise SystemExit(f"{candidate.name}: {len(found)} lines of ids and {len(texts)} texts for {len(lines)} texts")
    result = Result()
    for line, ids, text in zip(lines, found, texts):
        if candidate.omits(text_of(line)):
            result.omitted += 1
            continue
        wanted = candidate.encode(text_of(line))
        if [int(word) for word in ids.split()] == wanted:
            result.equal += 1
        elif result.shown < arguments.show:
            result.shown += 1
            print(f"  {candidate.name}: {text_of(line)!r}\n    martlet {ids}\n    wanted  {' '.join(map(str, wanted))}")
        if candidate.restores is None:
            continue
        if text.decode(errors="replace") == candidate.restores(text_of(line)):
            result.restored += 1
        elif result.shown < arguments.show:
            result.shown += 1
            print(f"  {candidate.name}: {text_of(line)!r} came back as {text.decode(errors='replace')!r}")
    return result


def vocabulary(path: Path, arguments: argparse.Namespace, folder: Path) -> tuple[int, int]:
    """A vocabulary of the corpus, with llama.cpp's texts and token ids: how many are equal, of how many."""
    model = folder / "vocabulary.martlet"
    run([*arguments.convert, str(path), "-o", str(model)], b"")
    texts = Path(f"{path}.inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    wanted = Path(f"{path}.out").read_text().split("\n")
    equal = 0
    for text, ids in zip(texts, wanted, strict=False):
        found = run([arguments.martlet, "tokenize", str(model), "-"], text).decode().split()
        start = len(found) - len(ids.split())
        equal += found[max(start, 0) :] == ids.split() and start in (0, 1)
    return equal, len(texts)


def candidates(lines: list[bytes], arguments: argparse.Namespace, folder: Path) -> list[Candidate]:
    chosen = lambda name: not arguments.only or name in arguments.only
    # Trained on other lines than those compared.
    training = make_lines(4000, arguments.seed + 1000)
    found = [byte_level(name, training, folder) for name in BYTE_LEVEL if chosen(name)]
    models = {name: sentence_piece(name, training, folder) for name in SENTENCE_PIECE}
    found += [model for name, model in models.items() if chosen(name)]
    for name, source in (("json-bpe", "sentencepiece-bpe"), ("json-unigram", "sentencepiece-unigram")):
        if chosen(name):
            found.append(converted_sentence_piece(name, models[source].path, folder))
    for kind, model in zip(KINDS, ("sentencepiece-bpe-plain", "sentencepiece-unigram-plain")):
        if chosen(f"added-{kind}"):
            found.append(added(f"added-{kind}", kind, models[model].path, folder))
    for path in arguments.gguf or []:
        pattern, _, file = path.rpartition("=")
        found.append(gguf_byte_level(Path(file), pattern))
    found += [hugging_face(Path(path)) for path in arguments.json or []]
    return found


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_random()
    parser.add_argument("--show", type=int, default=3, help="differences to print for each tokenizer")
    parser.add_argument("--only", nargs="*", help="names of tokenizers")
    parser.add_argument(
        "--gguf", nargs="*", metavar="PATTERN=FILE", help="byte-level vocabularies, like smollm=model.gguf"
    )
    parser.add_argument("--json", nargs="*", metavar="FILE", help="files tokenizer.json")
    arguments = parser.parse_args()
    tested = programs(arguments)
    arguments.martlet, arguments.convert = tested.martlet, [tested.tools, "convert", "--tokenizer-only"]
    lines = make_lines(arguments.lines, arguments.seed)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for candidate in candidates(lines, arguments, folder):
            result = compare(candidate, lines, arguments, folder)
            count = len(lines) - result.omitted
            report = f"{candidate.name}: {result.equal} of {count} lines equal"
            if candidate.restores:
                report += f", {result.restored} of {count} texts restored"
            if result.omitted:
                report += f", {result.omitted} lines left out"
            print(report, flush=True)
            good = result.equal == count and (candidate.restores is None or result.restored == count)
            passed, failed = passed + good, failed + (not good)
        for name in sorted(VOCABULARIES.glob("*.gguf")):
            equal, count = vocabulary(name, arguments, folder)
            print(f"{name.stem}: {equal} of {count} texts equal llama.cpp's", flush=True)
            passed, failed = passed + (equal == count), failed + (equal != count)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
