"""Perplexity of one model's weights in llama.cpp's types and in Martlet, on the same English text.

    Tools/bench perplexity MODEL.gguf [--baseline-only] [--folder DIR] [--json FILE]

As llama.cpp's `llama-perplexity`: the text is tokenized whole and cut into chunks of 512 tokens; each is run from an
empty cache (BOS in place of its first token, where the model wants one), and its second half is scored. The baseline
F32 is the given file's weights, dequantized, with a float cache. llama.cpp's files are made from it once and kept in
--folder; so are its results (baseline.json), which do not change. "given" is the file itself, as llama.cpp runs it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from harness.options import Options
from harness.programs import CACHE, Failed, Programs, programs, run
from harness.tables import table

from . import english, llama
from .host import header

CHUNK = 512
SLICE, EVERY = 10, 10_000  # chunks
KINDS = ("F32", "Q8_0", "Q4_0", "Q4_K_M")
MARTLET = (("f32", "f32"), ("int8", "int8"), ("int8", "f32"), ("int4", "int8"))  # weights, cache
# The type of llama.cpp that Martlet's format must not be worse than, by this factor at most.
PEERS = {"int8": ("Q8_0", 1.002), "int4": ("Q4_0", 1.0)}
FLOAT_TOLERANCE = 1e-4  # relative: both add up in float32, in another order


def chunks(tokens: np.ndarray, beginning: int | None) -> Iterator[np.ndarray]:
    """Whole chunks only."""
    for start in range(0, len(tokens) // CHUNK * CHUNK, CHUNK):
        chunk = tokens[start : start + CHUNK].copy()
        if beginning is not None:
            chunk[0] = beginning
        yield chunk


def losses(logits: np.ndarray, following: np.ndarray) -> np.ndarray:
    """Negative log likelihood, float64, of each row's following token."""
    values = logits.astype(np.float64)
    values -= values.max(1, keepdims=True)
    return np.log(np.exp(values).sum(1)) - values[np.arange(len(following)), following]


def extended(
    result: dict[str, Any],
    tokens: np.ndarray,
    beginning: int | None,
    second_half: Callable[[np.ndarray], np.ndarray],
    most: int,
) -> dict[str, Any]:
    """Scores chunks until `most` of them are known. `second_half` gives the logits after each token of a chunk's second
    half, [CHUNK / 2, vocabulary]; `losses` has each chunk's mean."""
    known = list(result.get("losses", []))
    for chunk in itertools.islice(chunks(tokens, beginning), len(known), most):
        known.append(float(losses(second_half(chunk)[:-1], chunk[CHUNK // 2 + 1 :]).mean()))
    return result | {"losses": known, "tokens": len(tokens), **summary(known)}


def summary(chunk_losses: list[float]) -> dict[str, Any]:
    """Every chunk has equally many scored tokens, so that the mean of means is the mean."""
    value = math.exp(statistics.fmean(chunk_losses))
    error = statistics.stdev(chunk_losses) / math.sqrt(len(chunk_losses)) if len(chunk_losses) > 1 else 0.0
    return {"perplexity": value, "uncertainty": value * error, "chunks": len(chunk_losses)}


def by_llama(result: dict[str, Any], path: Path, text: bytes, threads: int, exact: bool, most: int) -> dict[str, Any]:
    """llama.cpp, one chunk a batch; `exact`: a float cache and no fused attention, whose intermediates are halves."""
    cache = "f32" if exact else "f16"
    model = llama.Llama(path, threads, CHUNK, cache, False if exact else None, CHUNK)

    def second_half(chunk: np.ndarray) -> np.ndarray:
        model.clear()
        model.decode(chunk, 0, CHUNK // 2)
        return model.logits(CHUNK // 2)

    try:
        found = extended(result, model.tokens(text), model.beginning, second_half, most)
        return found | {"weight_bytes": model.weight_bytes, "cache": cache}
    finally:
        model.close()


def by_transformers(result: dict[str, Any], path: Path, text: bytes, threads: int, most: int) -> dict[str, Any]:
    """transformers in float32, eager attention, on the weights that gguf-py dequantizes; a cross-check of llama.cpp."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(threads)
    place = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    model = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(**place)
    tokens = np.array(tokenizer(text.decode(), verbose=False, add_special_tokens=False)["input_ids"], np.int32)

    @torch.no_grad()
    def second_half(chunk: np.ndarray) -> np.ndarray:
        return model(torch.tensor(chunk[None].astype(np.int64)), use_cache=False).logits[0, CHUNK // 2 :].numpy()

    beginning = tokenizer.bos_token_id if getattr(tokenizer, "add_bos_token", False) else None
    return extended(result, tokens, beginning, second_half, most) | {"cache": "f32"}


def by_martlet(tested: Programs, model: Path, text: Path, cache: str, most: int) -> dict[str, Any]:
    command = [
        tested.tools,
        "perplexity",
        str(model),
        str(text),
        "--context",
        str(CHUNK),
        "--kv-cache",
        cache,
        "--json",
    ]
    if most < EVERY:
        command += ["--chunks", str(most)]
    found = json.loads(run(command, timeout_s=7200))
    size = {"weight_bytes": model.stat().st_size}
    return {"perplexity": found["perplexity"], "chunks": int(found["chunks"]), "cache": cache} | size


def plain(source: Path) -> str:
    """`Name` of `Name.Q4_1.gguf`."""
    return source.stem.rsplit(".", 1)[0]


def remade(source: Path, folder: Path, kind: str) -> Path:
    """The file with its weights in `kind`: F32 from the source, every other from that."""
    target = folder / f"{plain(source)}.{kind}.gguf"
    if not target.is_file():
        origin = source if kind == "F32" else remade(source, folder, "F32")
        partial = target.with_suffix(".part")
        llama.quantize(origin, partial, kind)
        partial.rename(target)
    return target


def baselines(options: argparse.Namespace, text: Path) -> dict[str, Any]:
    """llama.cpp's results, from baseline.json as far as they are there. The types take turns, a slice of the text each,
    and every slice is saved: a run that is stopped goes on where it was, and halves can be compared."""
    kept = options.folder / "baseline.json"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    facts = {"model": options.model.name, "text_bytes": text.stat().st_size, "chunk": CHUNK}
    if known.get("facts") != facts:
        known = {"facts": facts, "results": {}}
    results, data, threads = known["results"], text.read_bytes(), options.llama_threads
    last = min(options.chunks, len(data) // CHUNK)  # a token has a byte at least
    for most in range(SLICE, last + SLICE, SLICE) if llama.available() else []:
        for kind in (*KINDS, "given"):
            before = results.get(kind, {})
            if before.get("chunks", 0) >= min(most, last, before.get("tokens", 1 << 60) // CHUNK):
                continue
            path = options.model if kind == "given" else remade(options.model, options.folder, kind)
            results[kind] = by_llama(before, path, data, threads, kind == "F32", min(most, last))
            known["llama"] = llama.version()
            kept.write_text(json.dumps(known, indent=1) + "\n")
    if options.transformers and find_spec("transformers"):
        path = options.folder / f"{plain(options.model)}.F32.gguf"
        found = by_transformers(results.get("transformers", {}), path, data, threads, options.transformers)
        results["transformers"] = found
        kept.write_text(json.dumps(known, indent=1) + "\n")
    return results


def own(options: argparse.Namespace, tested: Programs, text: Path) -> dict[str, Any]:
    found = {}
    for weights, cache in MARTLET:
        model = options.folder / f"{options.model.stem}.{weights}.martlet"
        tested.convert(options.model, model, "--weights", weights)
        found[f"Martlet {weights}, cache {cache}"] = by_martlet(tested, model, text, cache, options.chunks)
    return found


def part(result: dict[str, Any], count: int) -> float | None:
    """The perplexity of the first `count` chunks, where it is known."""
    if len(result.get("losses", [])) >= count > 0:
        return summary(result["losses"][:count])["perplexity"]
    return result.get("perplexity") if result.get("chunks") == count else None


def problems(results: dict[str, Any]) -> list[str]:
    """Martlet's float against llama.cpp's, its formats against llama.cpp's of as many bits, on the same chunks."""
    found = []
    for name, result in results.items():
        if not name.startswith("Martlet"):
            continue
        peer, factor = PEERS.get(name.split()[1].rstrip(","), ("F32", 1 + FLOAT_TOLERANCE))
        theirs = part(results.get(peer, {}), result["chunks"])
        if theirs is None:
            continue
        ratio = result["perplexity"] / theirs
        if ratio > factor or (peer == "F32" and ratio < 1 - FLOAT_TOLERANCE):
            found.append(f"{name}: {result['perplexity']:.4f}, llama.cpp {peer} has {theirs:.4f}")
    return found


def rows(results: dict[str, Any]) -> list[list[str]]:
    """Each result is set against llama.cpp's F32 on as many chunks as both have."""
    base, shown = results.get("F32", {}), []
    for name, result in results.items():
        common = min(result["chunks"], base.get("chunks", 0))
        mine, theirs = part(result, common), part(base, common)
        size = result.get("weight_bytes")
        shown.append(
            [
                name if name.startswith(("Martlet", "transformers")) else f"llama.cpp {name}",
                result["cache"],
                f"{size / 1e6:.1f}" if size else "-",
                f"{result['perplexity']:.4f}",
                f"{(mine / theirs - 1) * 100:+.3f} %" if mine and theirs else "-",
                f"{result['chunks']}",
            ]
        )
    return shown


def main() -> int:
    parser = Options(__doc__)
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_programs()
    parser.add_argument("--folder", type=Path, default=CACHE / "language", help="where files are kept")
    parser.add_argument("--text", type=Path, help="another text (default: the Debian handbook, see english.py)")
    parser.add_argument("--chunks", type=int, default=EVERY, help="only so many chunks")
    parser.add_argument("--llama-threads", type=int, default=2)
    parser.add_argument("--baseline-only", action="store_true", help="without Martlet")
    parser.add_argument("--transformers", type=int, default=0, help="cross-check on so many chunks with transformers")
    parser.add_json()
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    text = options.text or options.folder / "english.txt"
    if not text.is_file():
        english.write(text)
    print(header(llama.version(), f"{text.name}, {text.stat().st_size} bytes, chunks of {CHUNK} tokens"))
    try:
        results = baselines(options, text)
        if not options.baseline_only:
            results = results | own(options, programs(options), text)
    except (Failed, llama.LlamaError) as failure:
        print(f"FAILED: {failure}")
        return 1
    print(table(["weights", "cache", "MB", "perplexity", "against f32", "chunks"], rows(results)))
    found = problems(results)
    for line in found:
        print(f"FAILED: {line}")
    if options.json:
        Path(options.json).write_text(json.dumps({"llama": llama.version(), "results": results}, indent=2) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
