"""Checks the daemon's settings and the engine, in separate processes, since either may crash."""

import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from modelctl.doctor.finding import Verdict, failed, ok, warning
from modelctl.language.catalogue import _

DEADLINE_S = 30.0
_GPU_SIGNS = ("/dev/nvidia0", "/dev/kfd", "/dev/dri/renderD128")

_ENGINE = """
import json, llama_cpp
features = llama_cpp.llama_print_system_info().decode(errors="replace")
print()
print(json.dumps([llama_cpp.__version__, bool(llama_cpp.llama_supports_gpu_offload()), features]))
"""


@dataclass(frozen=True)
class ProcessResult:
    """A process's exit code, and the last line of each of its outputs."""

    code: int
    output: str
    error: str


class Engine(NamedTuple):
    """How llama-cpp-python was built: with GPU support or not, and llama.cpp's list of features."""

    version: str
    gpu: bool
    features: str


def ask_settings() -> ProcessResult:
    """Read the settings as a new daemon would, without secrets."""
    return _ask("-m", "modeld", "--check")


def ask_engine() -> ProcessResult:
    """Ask how llama-cpp-python was built."""
    return _ask("-c", _ENGINE)


def settings_of(result: ProcessResult) -> dict[str, Any]:  # Any: JSON
    """The settings by name; empty if they are invalid."""
    try:
        return msgspec.json.decode(result.output, type=dict[str, Any]) if result.code == 0 else {}
    except msgspec.DecodeError:
        return {}


def judge_settings(result: ProcessResult, config_file: str) -> Verdict:
    """Whether a daemon would start with them."""
    if result.code != 0:
        return failed(result.error or result.output, _("Fix this setting; README.md lists all settings."))
    return ok(config_file)


def sees_gpu() -> bool:
    """Whether this machine seems to have a GPU that llama.cpp could use."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(Path(sign).exists() for sign in _GPU_SIGNS)


def engine_of(result: ProcessResult) -> Engine | str:
    """How the engine was built, or why it cannot be used."""
    if result.code == 0:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(result.output, type=Engine)
    return result.error or result.output or _("exit code {code}").format(code=result.code)


def judge_engine(engine: Engine | str) -> Verdict:
    """Whether models can run at all."""
    if isinstance(engine, str):
        text = _("llama-cpp-python cannot be used: {why}").format(why=engine)
        rebuild = "pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"
        missing = "pip install 'modeld[daemon]'"
        return failed(text, missing if "ModuleNotFoundError" in engine else rebuild)
    flags = ", ".join(sorted(_flags(engine.features)))
    built = f"llama-cpp-python {engine.version}"
    return ok(f"{built} ({flags})" if flags else built)


def judge_gpu(engine: Engine | str, settings: dict[str, Any], gpu_there: bool) -> Iterator[Verdict]:
    """Whether models run on the device that the settings ask for; no result if they cannot run at all."""
    if isinstance(engine, str):
        return
    wants_gpu = settings.get("use_gpu", True) and settings.get("gpu_layers", -1) != 0
    if engine.gpu:
        used = (
            _("built with GPU support, which is used")
            if wants_gpu
            else _("built with GPU support, which the settings turn off")
        )
        yield ok(used)
    elif wants_gpu and gpu_there:
        text = _("There is a GPU, but this build of llama.cpp does not support it: models run on the CPU.")
        fix = _("Build it for your GPU (docs/install.md), or set use_gpu = false.")
        yield warning(text, fix)
    elif wants_gpu:
        yield ok(_("none found: models run on the CPU"))
    else:
        yield ok(_("turned off in the settings"))


def _flags(features: str) -> Iterator[str]:
    """The enabled names in llama.cpp's ``CPU : AVX = 1 | AVX2 = 1 | ...``."""
    for part in features.replace(":", "|").split("|"):
        name, sign, value = part.partition("=")
        if sign and value.strip() == "1":
            yield name.strip()


def _ask(*words: str) -> ProcessResult:
    # -P: a folder with the package's name in the current directory must not shadow the package.
    try:
        done = subprocess.run(
            [sys.executable, "-P", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE_S,
        )
    except subprocess.TimeoutExpired:
        return ProcessResult(-1, "", _("no answer within {seconds:.0f} s").format(seconds=DEADLINE_S))
    return ProcessResult(done.returncode, _last_line(done.stdout), _last_line(done.stderr).removeprefix("error: "))


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
