"""The daemon's settings and the engine, asked in processes of their own, since either may end badly."""

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
class Said:
    """How a process ended, and the last line of what it said."""

    code: int
    output: str
    error: str


class Engine(NamedTuple):
    """How llama-cpp-python was built: for a GPU or not, and llama.cpp's list of features."""

    version: str
    gpu: bool
    features: str


def ask_settings() -> Said:
    """The settings as a daemon that starts now would read them, without secrets."""
    return _ask("-m", "modeld", "--check")


def ask_engine() -> Said:
    """What llama-cpp-python was built with."""
    return _ask("-c", _ENGINE)


def settings_of(said: Said) -> dict[str, Any]:  # Any: JSON
    """The settings by name; empty where they cannot be used."""
    try:
        return msgspec.json.decode(said.output, type=dict[str, Any]) if said.code == 0 else {}
    except msgspec.DecodeError:
        return {}


def judge_settings(said: Said, config_file: str) -> Verdict:
    """Whether a daemon would start with them."""
    if said.code != 0:
        return failed(said.error or said.output, _("Fix this setting; README.md lists all settings."))
    return ok(config_file)


def sees_gpu() -> bool:
    """Whether there are signs of a graphics processor that llama.cpp could use."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(Path(sign).exists() for sign in _GPU_SIGNS)


def engine_of(said: Said) -> Engine | str:
    """What was built, or why it cannot be used."""
    if said.code == 0:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(said.output, type=Engine)
    return said.error or said.output or _("exit code {code}").format(code=said.code)


def judge_engine(engine: Engine | str) -> Verdict:
    """Whether models can be run at all."""
    if isinstance(engine, str):
        text = _("llama-cpp-python cannot be used: {why}").format(why=engine)
        rebuild = "pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"
        missing = "pip install 'modeld[daemon]'"
        return failed(text, missing if "ModuleNotFoundError" in engine else rebuild)
    flags = ", ".join(sorted(_flags(engine.features)))
    built = f"llama-cpp-python {engine.version}"
    return ok(f"{built} ({flags})" if flags else built)


def judge_gpu(engine: Engine | str, settings: dict[str, Any], gpu_there: bool) -> Iterator[Verdict]:
    """Whether models run on the processor that the settings ask for; nothing where they do not run at all."""
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
        mend = _("Build it for your GPU (docs/install.md), or set use_gpu = false.")
        yield warning(text, mend)
    elif wants_gpu:
        yield ok(_("none found: models run on the CPU"))
    else:
        yield ok(_("turned off in the settings"))


def _flags(features: str) -> Iterator[str]:
    """The names that are on in llama.cpp's ``CPU : AVX = 1 | AVX2 = 1 | ...``."""
    for part in features.replace(":", "|").split("|"):
        name, sign, value = part.partition("=")
        if sign and value.strip() == "1":
            yield name.strip()


def _ask(*words: str) -> Said:
    # -P: a folder of such a name where the person happens to stand is not the package.
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
        return Said(-1, "", _("no answer within {seconds:.0f} s").format(seconds=DEADLINE_S))
    return Said(done.returncode, _last_line(done.stdout), _last_line(done.stderr).removeprefix("error: "))


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
