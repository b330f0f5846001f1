"""Pieces of oracle.language: running the commands, and the comparisons of one model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.programs import Failed, Programs, Setting, run
from harness.xxh64 import xxh64

from .tiny_language import FULL_EVERY, Model, sampled_columns

TOLERANCE = 1e-4  # float32 logits; transformers' own float32 is 2e-5 from its float64
# The device's quantization against the simulation's.
RMS_FACTOR, LARGEST_FACTOR, AGREEMENT_SLACK = 1.5, 2.0, 0.08
CUTS = (0, 1, 5, 17, 32, 63)  # generated tokens that go into the prompt
STARTS = (1, 2, 3, 8, 16, 31, 33)  # lengths of short prompts
BATCHES = (16, 32)  # besides 64


@dataclass
class Tally:
    """What was checked of one model."""

    name: str
    passed: int = 0
    problems: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)

    def check(self, what: str, problem: str | None) -> None:
        if problem is None:
            self.passed += 1
        else:
            self.problems.append(f"{what}: {problem}")

    def attempt(self, what: str, test: Callable[[], str | None]) -> None:
        """A test that may also end in an error of the program."""
        try:
            self.check(what, test())
        except Failed as failure:
            self.check(what, str(failure))
        except (ValueError, KeyError, TypeError) as error:
            self.check(what, f"not the expected output: {error!r}")


def joined(tokens: Iterable[int]) -> str:
    return " ".join(str(int(token)) for token in tokens)


def logits_of(
    tested: Programs, model: Path, tokens: Sequence[int], vocabulary: int, cache: str, batch: int = 64
) -> np.ndarray:
    """`martlet-tools logits`, [count, vocabulary]. With a small batch a layer with a window keeps a ring."""
    target = model.with_suffix(".logits")
    command = [tested.tools, "logits", str(model), "--tokens", joined(tokens), "--kv-cache", cache]
    run([*command, "--batch", str(batch), "-o", str(target)])
    values = np.fromfile(target, "<f4")
    if values.size != len(tokens) * vocabulary:
        raise Failed(f"{values.size} logits instead of {len(tokens)} x {vocabulary}")
    return values.reshape(len(tokens), vocabulary)


def generate(setting: Setting, model: Path, cache: str, count: int, *prompt: str, batch: int = 64) -> dict[str, Any]:
    """`martlet generate` at temperature 0."""
    command = [*setting.runner, "generate", str(model), *prompt, "--max-tokens", str(count), "--temperature", "0"]
    command += ["--kv-cache", cache, "--threads", str(setting.threads), "--batch", str(batch), "--json"]
    return json.loads(run(command, {"MARTLET_ISA": setting.isa} if setting.isa else None))


def hash_of(result: dict[str, Any]) -> int:
    value = result["logits_hash"]
    return int(value, 16) if isinstance(value, str) else int(value)


def chained_hash(rows: np.ndarray) -> int:
    """Of the logits of several steps: each step's hash is the next one's seed."""
    value = 0
    for row in rows:
        value = xxh64(row.tobytes(), value)
    return value


def first_difference(found: Sequence[int], wanted: Sequence[int]) -> str | None:
    found, wanted = [int(t) for t in found], [int(t) for t in wanted]
    if found == wanted:
        return None
    where = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
    return f"{len(found)} tokens instead of {len(wanted)}, the first {where} equal: {found[where : where + 4]}"


# --- against transformers


def expected_pairs(model: Model, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and what transformers has in their place: whole rows and samples of every row."""
    wanted = model.expected
    columns = np.stack([sampled_columns(i, model.vocabulary) for i in range(len(logits))])
    found = np.concatenate([logits[::FULL_EVERY].reshape(-1), np.take_along_axis(logits, columns, 1).reshape(-1)])
    return found.astype(np.float64), np.concatenate([wanted["full"].reshape(-1), wanted["samples"].reshape(-1)])


def float_problem(model: Model, logits: np.ndarray, tally: Tally) -> str | None:
    found, wanted = expected_pairs(model, logits)
    largest = np.abs(found - wanted).max()
    tally.figures.append(f"f32 within {largest:.1e}")
    if not largest <= TOLERANCE:  # also catches NaN
        return f"logits differ by {largest:.3g} from transformers', {TOLERANCE:g} is allowed"
    unequal = np.flatnonzero(logits.argmax(1) != model.expected["largest"])
    return f"another most likely token at positions {unequal[:5].tolist()}" if len(unequal) else None


def quantized_problem(model: Model, logits: np.ndarray, kind: str, tally: Tally) -> str | None:
    """Errors in units of the logits' standard deviation."""
    rms, largest, agreement = model.expected["simulated"][("int8", "int4").index(kind)]
    found, wanted = expected_pairs(model, logits)
    error = (found - wanted) / model.expected["deviation"]
    own_rms, own_largest = float(np.sqrt((error**2).mean())), float(np.abs(error).max())
    agreed = float((logits.argmax(1) == model.expected["largest"]).mean())
    tally.figures.append(
        f"{kind} rms {own_rms:.3f} (simulated {rms:.3f}) largest {own_largest:.2f} ({largest:.2f})"
        f" agrees {agreed:.0%} ({agreement:.0%})"
    )
    if not own_rms <= rms * RMS_FACTOR:
        return f"rms error {own_rms:.4f}, more than {RMS_FACTOR:g} times the simulation's {rms:.4f}"
    if not own_largest <= largest * LARGEST_FACTOR:
        return f"largest error {own_largest:.3f}, more than {LARGEST_FACTOR:g} times the simulation's {largest:.3f}"
    if agreed < agreement - AGREEMENT_SLACK:
        return f"{agreed:.0%} of the most likely tokens are float's, {agreement:.0%} in the simulation"
    return None


# --- the same bits everywhere


def rows_counted(tokens: Sequence[int], count: int, ends: set[int]) -> int:
    """How many steps a generation took: an end token that is not shown was a step too."""
    return len(tokens) + (len(tokens) < count and not (tokens and tokens[-1] in ends))


def bits(
    tested: Programs, model: Path, prompt: list[int], cache: str, vocabulary: int, ends: set[int], count: int
) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """Tests that every setting and cut gives the logits of `martlet-tools logits`, bit for bit."""
    first = generate(tested.settings[0], model, cache, count, "--tokens", joined(prompt))
    tokens = [int(token) for token in first["tokens"]]
    steps = rows_counted(tokens, count, ends)
    logits = logits_of(tested, model, [*prompt, *tokens][: len(prompt) + steps - 1], vocabulary, cache)

    def greedy_problem() -> str | None:
        return first_difference(tokens, logits[len(prompt) - 1 :].argmax(1)[: len(tokens)])

    def cut_problem(
        setting: Setting, given: list[int], most: int, wanted: list[int], rows: np.ndarray, batch: int = 64
    ) -> str | None:
        result = generate(setting, model, cache, most, "--tokens", joined(given), batch=batch)
        if problem := first_difference(result["prompt_tokens"], given) or first_difference(result["tokens"], wanted):
            return problem
        return None if hash_of(result) == chained_hash(rows) else "other logits than martlet-tools logits gives"

    def resumed_problem(setting: Setting, half: int) -> str | None:
        with tempfile.TemporaryDirectory(prefix="martlet-session-") as folder:
            session = ["--session", f"{folder}/session"]
            generate(setting, model, cache, half, "--tokens", joined(prompt), *session, batch=16)
            result = generate(setting, model, cache, count - half, *session)
        if problem := first_difference(result["tokens"], tokens[half:]):
            return problem
        rows = logits[len(prompt) + half - 1 :]
        return None if hash_of(result) == chained_hash(rows) else "other logits after a session was resumed"

    yield "tokens are the most likely ones", greedy_problem
    for setting in tested.settings:
        for cut in (c for c in CUTS if c < len(tokens)):
            given = prompt + tokens[:cut]
            rows = logits[len(given) - 1 :]
            yield (
                f"{setting}, prompt of {len(given)}",
                lambda s=setting, g=given, c=cut, r=rows: cut_problem(s, g, count - c, tokens[c:], r),
            )
        for batch in BATCHES:
            rows = logits[len(prompt) - 1 :]
            yield (
                f"{setting}, batches of {batch}",
                lambda s=setting, b=batch, r=rows: cut_problem(s, prompt, count, tokens, r, b),
            )
        if len(tokens) > count // 2:
            yield f"{setting}, resumed", lambda s=setting: resumed_problem(s, count // 2)
        for length in (n for n in STARTS if n < len(prompt)):
            row = logits[length - 1 : length]
            best = int(row.argmax())
            yield (
                f"{setting}, prompt of {length}",
                lambda s=setting, n=length, b=best, r=row: cut_problem(s, prompt[:n], 1, [] if b in ends else [b], r),
            )


def ends_of(model: Model) -> set[int]:
    found = model.configuration["eos_token_id"]
    return set(found) if isinstance(found, list) else {found}
