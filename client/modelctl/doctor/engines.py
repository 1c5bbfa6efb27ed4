"""The daemon's settings and the engine, asked in processes of their own, since either may end badly."""

import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from modelctl.doctor.finding import Finding, failed, ok, warning
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


def judge_settings(said: Said, config_file: str) -> Finding:
    """Whether a daemon would start with them."""
    if said.code != 0:
        return failed("settings", said.error or said.output, _("Correct it; README.md lists all settings."))
    return ok("settings", config_file)


def sees_gpu() -> bool:
    """Whether there are signs of a graphics processor that llama.cpp could use."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(Path(sign).exists() for sign in _GPU_SIGNS)


def judge_engine(said: Said, settings: dict[str, Any], gpu_there: bool) -> Iterator[Finding]:
    """Whether models can be run at all, and on the processor that the settings ask for."""
    try:
        known = msgspec.json.decode(said.output, type=tuple[str, bool, str]) if said.code == 0 else None
    except msgspec.DecodeError:
        known = None
    if known is None:
        why = said.error or said.output or _("exit code {code}").format(code=said.code)
        text = _("llama-cpp-python cannot be used: {why}").format(why=why)
        rebuild = "pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"
        missing = "pip install 'modeld[daemon]'"
        yield failed("engine", text, missing if "ModuleNotFoundError" in why else rebuild)
        return
    version, gpu, features = known
    flags = ", ".join(sorted(_flags(features)))
    yield ok("engine", f"llama-cpp-python {version} ({flags})" if flags else f"llama-cpp-python {version}")
    wants_gpu = settings.get("use_gpu", True) and settings.get("gpu_layers", -1) != 0
    if gpu:
        used = _("built for a GPU, which is used") if wants_gpu else _("built for a GPU, which the settings switch off")
        yield ok("gpu", used)
    elif wants_gpu and gpu_there:
        text = _("There is a GPU, and this build of llama.cpp has no support for it: models run on the processor.")
        mend = _("Build it for your GPU (docs/install.md), or set use_gpu = false.")
        yield warning("gpu", text, mend)
    elif wants_gpu:
        yield ok("gpu", _("none seen: models run on the processor"))
    else:
        yield ok("gpu", _("switched off in the settings"))


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
