"""OpenVINO GenAI with one language model, in a Python of its own (requirements-genai.txt):

    python -m benchmarks.genai_worker export MODEL.gguf FOLDER BITS    OpenVINO's files from a float GGUF file
    python -m benchmarks.genai_worker run FOLDER THREADS               a process that answers

The first line of `run` says what was loaded, or why it was not; then a line of JSON answers each request: {"prefill":
COUNT, "seed": N} and {"decode": COUNT, "seed": N} with tokens per second of another made-up prompt each. It ends with
its input.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from turns.worker import PR_SET_PDEATHSIG, reason

# What int8 activations share a scale of, as Martlet's.
GROUP = 64


def export(source: Path, target: Path, bits: int) -> None:
    """transformers reads the GGUF file, Optimum Intel traces the model and compresses its weights: int8 with a scale
    for each row, int4 for 64 columns of one.
    """
    import torch
    from optimum.exporters.openvino import export_from_model
    from optimum.intel import OVConfig, OVWeightQuantizationConfig
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32).eval()
    grouped = {"group_size": GROUP, "ratio": 1.0} if bits == 4 else {}
    wanted = OVWeightQuantizationConfig(bits=bits, sym=True, **grouped)
    task = "text-generation-with-past"
    export_from_model(model, target, task=task, ov_config=OVConfig(quantization_config=wanted), stateful=True)


class Runtime:
    """One loaded model."""

    def __init__(self, folder: Path, threads: int) -> None:
        import openvino_genai as genai

        options = {
            "INFERENCE_NUM_THREADS": threads,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": GROUP,
            "PERFORMANCE_HINT": "LATENCY",
            "ATTENTION_BACKEND": "SDPA",
        }
        self._genai = genai
        self._pipe = genai.LLMPipeline(folder, genai.Tokenizer(folder), "CPU", **options)
        self._count = json.loads((folder / "config.json").read_text())["vocab_size"]

    def _generate(self, prompt: int, most: int, seed: int) -> tuple[Any, float]:
        import numpy as np
        import openvino

        ids = np.random.default_rng(seed).integers(0, self._count, (1, prompt))
        settings = self._genai.GenerationConfig(max_new_tokens=most, ignore_eos=True, do_sample=False)
        begin = time.perf_counter()
        told = self._pipe.generate(openvino.Tensor(ids.astype(np.int64)), settings)
        if len(told.tokens[0]) != most:
            raise ValueError(f"{len(told.tokens[0])} tokens instead of {most}")
        return told.perf_metrics, time.perf_counter() - begin

    def prefill_rate(self, count: int, seed: int) -> float:
        """To the first token, which is chosen from the last logits."""
        return count / self._generate(count, 1, seed)[1]

    def decode_rate(self, count: int, seed: int) -> float:
        """Behind a prompt of one token, by GenAI's own figure."""
        return 1000 / self._generate(1, count + 1, seed)[0].get_tpot().mean


def answer(runtime: Runtime, request: dict[str, Any]) -> dict[str, Any]:
    if "prefill" in request:
        return {"rate": runtime.prefill_rate(request["prefill"], request["seed"])}
    return {"rate": runtime.decode_rate(request["decode"], request["seed"])}


def serve(folder: Path, threads: int) -> int:
    # It may be stopped when its parent dies.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # What a runtime prints goes elsewhere.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    tell = lambda told: print(json.dumps(told), file=answers)
    try:
        runtime = Runtime(folder, threads)
        runtime.prefill_rate(16, 0)
    except Exception as error:  # whatever a runtime raises: the others are then measured without it
        tell({"error": reason(error)})
        return 1
    tell({"version": version("openvino-genai")})
    for line in sys.stdin:
        try:
            tell(answer(runtime, json.loads(line)))
        except Exception as error:
            tell({"error": reason(error)})
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "export":
        export(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(serve(Path(sys.argv[2]), int(sys.argv[3])))
