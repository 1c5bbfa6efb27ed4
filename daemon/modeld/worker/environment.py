"""What a benchmark runs on, and what else the machine was doing meanwhile."""

import os
import platform
import sys
import time
from pathlib import Path

import psutil

from modeld.protocol.views import Environment
from modeld.worker import native
from modeld.worker.engine import Engine

BUSY_CORES = 0.35
"""Cores that other programs may use, on average, before a benchmark counts as disturbed."""

_ENERGY = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


def describe(engine: Engine) -> Environment:
    """The machine and the library."""
    return Environment(
        cpu=_cpu_name(),
        cores=psutil.cpu_count(logical=False) or os.cpu_count() or 0,
        threads=engine.threads,
        gpu=engine.device if engine.gpu_layers else "",
        gpu_layers=engine.gpu_layers,
        library=native.version(),
        os=platform.platform(),
        python=platform.python_version(),
        power=_power(),
    )


def peak_memory_bytes() -> int:
    """The most resident memory this process has had (getrusage: KiB on Linux, bytes on macOS)."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def energy_uj() -> int | None:
    """The processor package's energy counter (RAPL) in microjoules; None where it cannot be read."""
    try:
        return int(_ENERGY.read_text())
    except (OSError, ValueError):
        return None


class Neighbours:
    """What other programs took of the processor since this was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._system = _busy_s()
        self._own = time.process_time()

    def cores(self) -> float:
        """Cores in use by others, on average."""
        wall = max(time.monotonic() - self._began, 1e-9)
        others = (_busy_s() - self._system) - (time.process_time() - self._own)
        return max(0.0, others / wall)


def _busy_s() -> float:
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return sum(times) - waiting - guests


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _power() -> str:
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    if battery is None:
        return "n/a"
    return "mains" if battery.power_plugged else "battery"
