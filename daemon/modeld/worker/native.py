"""llama.cpp through llama-cpp-python's low-level functions, without the rest of that package; and its log, captured."""

import ctypes
import importlib.util
import re
import sys
import types

# The package's own __init__ imports its Llama class and with it numpy, jinja2 and more: tens of MiB and most of a
# second in every child. A bare package with the same path lets the low-level module be imported alone.
if "llama_cpp" not in sys.modules:
    _found = importlib.util.find_spec("llama_cpp")
    if _found is None or _found.submodule_search_locations is None:
        raise ModuleNotFoundError("No module named 'llama_cpp'")
    _package = types.ModuleType("llama_cpp")
    _package.__path__ = list(_found.submodule_search_locations)
    sys.modules["llama_cpp"] = _package

from llama_cpp import llama_cpp as lib

__all__ = ["begin", "gpu_name", "lib", "take_errors", "version"]

LOG_LINES = 40
"""More are dropped: the first cause counts."""
_log: list[str] = []
_ERROR_LEVEL = 4
_PREFIX = re.compile(r"^(\w+: |error loading model: )+")
"""What most of llama.cpp's lines begin with: the names of its functions, and what it was doing."""
_GPUS = (1, 2)
"""ggml_backend_dev_type of a GPU and of one inside the processor (ggml-backend.h)."""


@lib.llama_log_callback  # type: ignore[untyped-decorator]  # ctypes' function type, untyped by nature
def _capture(level: int, text: bytes, _data: ctypes.c_void_p) -> None:
    line = text.decode("utf-8", "replace").strip()
    if line and level == _ERROR_LEVEL and len(_log) < LOG_LINES:
        _log.append(line)


def begin() -> None:
    """Start the backends, with their log captured instead of printed."""
    lib.llama_log_set(_capture, ctypes.c_void_p(0))
    lib.llama_backend_init()


def take_errors() -> list[str]:
    """The lines that llama.cpp logged as errors since the last call, without their prefixes."""
    lines = [_PREFIX.sub("", line) for line in _log]
    _log.clear()
    return lines


def version() -> str:
    """The library and the llama.cpp build inside it."""
    from importlib import metadata

    return f"llama-cpp-python {metadata.version('llama-cpp-python')} (llama.cpp {lib.llama_version().decode()})"


def gpu_name() -> str:
    """What the first GPU calls itself; empty where llama.cpp has none."""
    try:
        count, get = lib._lib.ggml_backend_dev_count, lib._lib.ggml_backend_dev_get
        kind, description = lib._lib.ggml_backend_dev_type, lib._lib.ggml_backend_dev_description
    except AttributeError:
        # ggml's functions are found through libllama only where the linker looks into what that needs: not on Windows.
        return "GPU" if lib.llama_supports_gpu_offload() else ""
    count.restype, get.restype, get.argtypes = ctypes.c_size_t, ctypes.c_void_p, [ctypes.c_size_t]
    kind.argtypes = description.argtypes = [ctypes.c_void_p]
    description.restype = ctypes.c_char_p
    names = (description(get(at)) for at in range(count()) if kind(get(at)) in _GPUS)
    return next((str(name, "utf-8", "replace") for name in names), "")
