"""Language models of every supported family beside transformers: logits, greedy text, and the same bits everywhere.

python -m oracle.language [--isa scalar,avx2] [--threads 1,2] [--only gemma] [--runner ...] [--write FOLDER]

The models are tiny (see tiny_language.py); what transformers computes with them was stored by
Tests/Fixtures/make_language_models.py, so that neither torch nor transformers is needed here. For each model:

    f32    logits of 112 tokens within 1e-4 (they spread by 2 to 3); 64 greedy tokens and a text's token ids equal;
           the same bits in batches of 16 and 32, with the older keys of config.json and, where GGUF can say it, from
           GGUF
    int8   RMS error against transformers' float at most 1.5 times, largest error at most twice that of a plain
    int4   simulation (weights in groups of 32; activations, keys and values of 8 bits); most likely tokens as often
           right as there, within 8 of 100
    bits   `martlet generate` gives the same logits, by their hash, as `martlet-tools logits`, in every setting and
           however the sequence is cut into a prompt, which is run in batches, and steps of one token

The corpus's stories260K must tell llama2.c's own 200 greedy tokens.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.corpus import CORPUS
from harness.options import Options
from harness.programs import Failed, Programs, Setting, programs

from .language_checks import (
    BATCHES,
    TOLERANCE,
    Tally,
    bits,
    ends_of,
    first_difference,
    float_problem,
    generate,
    hash_of,
    joined,
    logits_of,
    quantized_problem,
)
from .tiny_gguf import can_be_gguf, write_gguf
from .tiny_language import FULL_EVERY, Model, models, sampled_columns

# --- one model


def verify(model: Model, tested: Programs, place: Path, weights: Sequence[str]) -> Tally:
    tally = Tally(model.name)
    model.write(place / "source")
    if "f32" in weights:
        verify_float(model, tested, place, tally)
    for kind in (kind for kind in weights if kind != "f32"):
        target = place / f"{kind}.martlet"
        tally.attempt(f"{kind}: logits", lambda k=kind, t=target: _quantized(model, tested, place, k, t, tally))
        verify_bits(model, tested, target, "int8", tally)
    return tally


def _quantized(model: Model, tested: Programs, place: Path, kind: str, target: Path, tally: Tally) -> str | None:
    tested.convert(place / "source", target, "--weights", kind)
    logits = logits_of(tested, target, model.expected["tokens"], model.vocabulary, "int8")
    return quantized_problem(model, logits, kind, tally)


def verify_float(model: Model, tested: Programs, place: Path, tally: Tally) -> None:
    target, again = place / "f32.martlet", place / "again.martlet"
    expected = model.expected

    def logits_problem() -> str | None:
        tested.convert(place / "source", target, "--weights", "f32")
        return float_problem(model, logits_of(tested, target, expected["tokens"], model.vocabulary, "f32"), tally)

    def ring_problem() -> str | None:
        tokens = expected["tokens"]
        found = [logits_of(tested, target, tokens, model.vocabulary, "f32", batch) for batch in (64, *BATCHES)]
        same = all(logits.tobytes() == found[0].tobytes() for logits in found)
        return float_problem(model, found[1], Tally("")) if same else "other logits in smaller batches"

    def older_problem() -> str | None:
        model.write(place / "older", older=True)
        tested.convert(place / "older", again, "--weights", "f32")
        pair = [logits_of(tested, path, expected["tokens"], model.vocabulary, "f32") for path in (target, again)]
        return None if pair[0].tobytes() == pair[1].tobytes() else "other logits than with the newer config.json"

    def gguf_problem() -> str | None:
        write_gguf(model, place / "source.gguf")
        tested.convert(place / "source.gguf", again, "--weights", "f32")
        found = logits_of(tested, again, expected["tokens"], model.vocabulary, "f32")
        if model.configuration["rope_parameters"].get("rope_type") == "llama3":  # as factors, rounded to float32
            return float_problem(model, found, Tally(""))
        same = logits_of(tested, target, expected["tokens"], model.vocabulary, "f32")
        return None if found.tobytes() == same.tobytes() else "other logits than from the Hugging Face folder"

    def greedy_problem(setting: Setting) -> str | None:
        given = ["--tokens", joined(expected["prompt"])]
        result = generate(setting, target, "f32", len(expected["greedy"]), *given)
        return first_difference(result["tokens"], expected["greedy"])

    def text_problem(path: Path) -> str | None:
        text = expected["text"].tobytes().decode()
        result = generate(tested.settings[0], path, "f32", 1, "--prompt", text)
        return first_difference(result["prompt_tokens"], expected["text_tokens"])

    tally.attempt("f32: logits", logits_problem)
    tally.attempt("f32: smaller batches", ring_problem)
    tally.attempt("f32: config.json of transformers 4", older_problem)
    for setting in tested.settings:
        tally.attempt(f"f32: {setting}: greedy", lambda s=setting: greedy_problem(s))
    tally.attempt("f32: token ids of a text", lambda: text_problem(target))
    if can_be_gguf(model):
        tally.attempt("f32: from GGUF", gguf_problem)
        tally.attempt("f32: token ids of a text, from GGUF", lambda: text_problem(again))
    verify_bits(model, tested, target, "f32", tally)


def verify_bits(model: Model, tested: Programs, target: Path, cache: str, tally: Tally) -> None:
    prompt = [int(token) for token in model.expected["prompt"]]
    count = len(model.expected["greedy"])
    label = target.stem
    try:
        tests = list(bits(tested, target, prompt, cache, model.vocabulary, ends_of(model), count))
    except (Failed, ValueError, KeyError, TypeError) as failure:
        tally.check(f"{label}: bits", f"{failure}")
        return
    for what, test in tests:
        tally.attempt(f"{label}: {what}", test)


# --- a trained model: stories260K


def verify_stories(tested: Programs, place: Path) -> Tally:
    """llama2.c's own program gave the text: 200 tokens after BOS at temperature 0."""
    tally = Tally("stories260K")
    folder = CORPUS / "lm"
    target = place / "stories.martlet"
    wanted = (folder / "expected_greedy_200.txt").read_text().strip()

    def text_problem(setting: Setting) -> str | None:
        result = generate(setting, target, "f32", 200, "--prompt", "")
        text = result["text"].strip()
        where = next((i for i, (a, b) in enumerate(zip(text, wanted)) if a != b), min(len(text), len(wanted)))
        return None if text == wanted else f"the text differs from byte {where} on: {text[where : where + 40]!r}"

    def converted() -> str | None:
        options = ["--weights", "f32", "--tokenizer", str(folder / "tok512.bin")]
        tested.convert(folder / "stories260K.bin", target, *options)
        return None

    tally.attempt("convert", converted)
    for setting in tested.settings:
        tally.attempt(f"{setting}: text", lambda s=setting: text_problem(s))
    try:
        for what, test in bits(tested, target, [1], "f32", 512, {1, 2}, 200):
            tally.attempt(what, test)
    except (Failed, ValueError, KeyError, TypeError) as failure:
        tally.check("bits", f"{failure}")
    return tally


def verify_whole(tested: Programs, model: Path) -> Tally:
    """A model of any size: the same 200 tokens and the same logits in every setting, and resumed from a session."""
    tally = Tally(model.stem)
    prompt = ["--prompt", "The history of aviation began"]
    first: dict[str, Any] = {}

    def problem(setting: Setting) -> str | None:
        result = generate(setting, model, "int8", 200, *prompt)
        first.setdefault("tokens", result["tokens"])
        first.setdefault("hash", hash_of(result))
        if difference := first_difference(result["tokens"], first["tokens"]):
            return difference
        return None if hash_of(result) == first["hash"] else "other logits than in the first setting"

    def resumed(setting: Setting) -> str | None:
        with tempfile.TemporaryDirectory(prefix="martlet-session-") as folder:
            session = ["--session", f"{folder}/session"]
            tokens = generate(setting, model, "int8", 100, *prompt, *session)["tokens"]
            tokens += generate(setting, model, "int8", len(first["tokens"]) - 100, *session)["tokens"]
        return first_difference(tokens, first["tokens"])

    for setting in tested.settings:
        tally.attempt(f"{setting}", lambda s=setting: problem(s))
    tally.attempt("resumed", lambda: resumed(tested.settings[0]))
    tally.figures.append(f"{len(first.get('tokens', []))} tokens, logits hash {first.get('hash', 0):x}")
    return tally


def self_check(model: Model) -> str | None:
    """The comparison must refuse a value changed by more than the tolerance, a NaN, and a token that differs."""
    wanted = model.expected
    columns = np.stack([sampled_columns(i, model.vocabulary) for i in range(len(wanted["tokens"]))])
    good = np.full((len(columns), model.vocabulary), -1e3, np.float32)
    good[np.arange(len(columns)), wanted["largest"]] = 1e3
    good[::FULL_EVERY] = wanted["full"]
    np.put_along_axis(good, columns, wanted["samples"], 1)
    places = [(FULL_EVERY, 3), (1, int(columns[1, 0]))]
    if problem := float_problem(model, good, Tally("")):
        return f"transformers' own values are refused: {problem}"
    for change in (2 * TOLERANCE, float("nan")):
        for place in places:
            bad = good.copy()
            bad[place] += change
            if float_problem(model, bad, Tally("")) is None:
                return f"a logit changed by {change} at {place} passed"
    tokens = wanted["greedy"].copy()
    tokens[-1] ^= 1
    return None if first_difference(tokens, wanted["greedy"]) else "a changed token passed"


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_argument("--only", default="", help="only models whose names contain one of these, separated by commas")
    parser.add_argument("--weights", default="f32,int8,int4", help="formats, separated by commas")
    parser.add_details(3, "model")
    parser.add_argument("--write", type=Path, help="only write the Hugging Face folders there")
    parser.add_argument("--model", type=Path, help="only this .martlet file, of any size: its bits in every setting")
    options = parser.parse_args()
    if options.model:
        tested = programs(options)
        tallies: list[Tally] = []
        show(verify_whole(tested, options.model), tallies, options.details)
        print(f"{'; '.join(map(str, tested.settings))}")
        print(f"{tallies[0].passed} passed, {len(tallies[0].problems)} failed")
        return 1 if tallies[0].problems else 0
    wanted = options.only.split(",")
    chosen = [model for model in models() if any(part in model.name for part in wanted)]
    if options.write:
        for model in chosen:
            model.write(options.write / model.name)
        return 0
    tested, begin = programs(options), time.monotonic()
    tallies = []
    with tempfile.TemporaryDirectory(prefix="martlet-language-") as folder:
        for model in chosen:
            place = Path(folder) / model.name
            place.mkdir()
            show(verify(model, tested, place, options.weights.split(",")), tallies, options.details)
        if any(part in "stories260K" for part in wanted) and (CORPUS / "lm").is_dir():
            show(verify_stories(tested, Path(folder)), tallies, options.details)
    broken = self_check(chosen[0]) if chosen else None
    if broken:
        print(f"self-check FAILED: {broken}")
    failed = sum(len(tally.problems) for tally in tallies) + bool(broken)
    settings = "; ".join(map(str, tested.settings))
    print(f"{len(tallies)} models in {len(tested.settings)} settings ({settings}), {time.monotonic() - begin:.0f} s")
    print(f"{sum(tally.passed for tally in tallies)} passed, {failed} failed")
    return 1 if failed else 0


def show(tally: Tally, tallies: list[Tally], details: int) -> None:
    tallies.append(tally)
    state = "FAILED" if tally.problems else "ok"
    print(
        f"{state:6} {tally.name:15} {tally.passed} of {tally.passed + len(tally.problems)}; {'; '.join(tally.figures)}"
    )
    for line in tally.problems[:details]:
        print(f"    {line}")
    if len(tally.problems) > details:
        print(f"    and {len(tally.problems) - details} more", flush=True)


if __name__ == "__main__":
    sys.exit(main())
