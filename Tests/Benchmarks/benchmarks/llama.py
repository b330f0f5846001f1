"""llama.cpp by its C interface, as llama-cpp-python binds it: bare `llama_decode`, as `llama-bench` does.

llama-cpp-python is built from source (a C++ compiler and some twenty minutes); `available` says whether it is there.
"""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

import numpy as np

try:
    import llama_cpp
except ImportError:
    llama_cpp = None

FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q4_K_M": 15}
CACHE_TYPES = {"f32": 0, "f16": 1, "q8_0": 8}


class LlamaError(Exception):
    """llama.cpp refused; the text says what."""


def available() -> bool:
    return llama_cpp is not None


def version() -> str:
    return f"llama.cpp of llama-cpp-python {llama_cpp.__version__}" if llama_cpp else "no llama-cpp-python"


def features() -> str:
    """What the build uses of the processor, such as `AVX2 = 1`."""
    return llama_cpp.llama_print_system_info().decode().strip()


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def _errors_only(level: int, text: bytes, _: object) -> None:
    if level == 4:  # GGML_LOG_LEVEL_ERROR
        os.write(2, text)


def _quiet() -> None:
    llama_cpp.llama_log_set(_errors_only, ctypes.c_void_p(0))


def quantize(source: Path, target: Path, kind: str, threads: int = 1) -> None:
    """`llama-quantize --allow-requantize`: the same weights in another type."""
    _quiet()
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype, options.nthread, options.allow_requantize = FILE_TYPES[kind], threads, True
    status = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(options))
    if status != 0:
        raise LlamaError(f"{source}: {kind}: status {status}")


class Llama:
    """A model with one sequence."""

    def __init__(
        self, path: Path, threads: int, context: int, cache: str = "f16", flash: bool | None = None, batch: int = 512
    ) -> None:
        _quiet()
        llama_cpp.llama_backend_init()
        options = llama_cpp.llama_model_default_params()
        options.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), options)
        if not self.model:
            raise LlamaError(f"{path}: not loaded")
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.count = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_ubatch = context, batch, batch
        settings.n_threads = settings.n_threads_batch = threads
        settings.type_k = settings.type_v = CACHE_TYPES[cache]
        settings.no_perf = True
        if flash is not None:
            settings.flash_attn_type = int(flash)
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        if not self.context:
            raise LlamaError(f"{path}: no context")
        self.batch = llama_cpp.llama_batch_init(batch, 0, 1)
        self.memory = llama_cpp.llama_get_memory(self.context)

    def close(self) -> None:
        llama_cpp.llama_batch_free(self.batch)
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)

    @property
    def beginning(self) -> int | None:
        """BOS, if the model wants one before a text."""
        if not llama_cpp.llama_vocab_get_add_bos(self.vocabulary):
            return None
        return int(llama_cpp.llama_vocab_bos(self.vocabulary))

    @property
    def weight_bytes(self) -> int:
        return int(llama_cpp.llama_model_size(self.model))

    def tokens(self, text: bytes) -> np.ndarray:
        """The whole text's ids, BOS first where the model wants it; special tokens in the text stay text."""
        room = (llama_cpp.llama_token * (len(text) + 8))()
        found = llama_cpp.llama_tokenize(self.vocabulary, text, len(text), room, len(room), True, False)
        if found < 0:
            raise LlamaError(f"{-found} tokens do not fit")
        return np.array(room[:found], np.int32)

    def clear(self) -> None:
        llama_cpp.llama_memory_clear(self.memory, True)

    def decode(self, tokens: np.ndarray, position: int, first_output: int) -> None:
        """Runs one batch; logits are computed from its token `first_output` on."""
        batch = self.batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = int(token), position + i, 1
            batch.seq_id[i][0], batch.logits[i] = 0, int(i >= first_output)
        status = llama_cpp.llama_decode(self.context, batch)
        if status != 0:
            raise LlamaError(f"llama_decode: status {status}")

    def logits(self, rows: int) -> np.ndarray:
        """The last batch's logits, [rows, vocabulary]; a view that the next batch overwrites."""
        return np.ctypeslib.as_array(llama_cpp.llama_get_logits(self.context), (rows, self.count))

    def prefill_rate(self, count: int = 512, seed: int = 1) -> float:
        """Tokens per second of one batch of random tokens, logits of the last only: llama-bench's pp."""
        self.clear()
        tokens = np.random.default_rng(seed).integers(0, self.count, count)
        begin = time.perf_counter()
        self.decode(tokens, 0, count - 1)
        llama_cpp.llama_synchronize(self.context)
        return count / (time.perf_counter() - begin)

    def decode_rate(self, count: int = 128, seed: int = 2) -> float:
        """Tokens per second one at a time, from an empty cache: llama-bench's tg."""
        self.clear()
        tokens = np.random.default_rng(seed).integers(0, self.count, (count, 1))
        begin = time.perf_counter()
        for position, token in enumerate(tokens):
            self.decode(token, position, 0)
        llama_cpp.llama_synchronize(self.context)
        return count / (time.perf_counter() - begin)
