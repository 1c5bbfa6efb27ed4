"""Measures the machine: its memory, processors and disk, and what the daemon and each worker take of it."""

import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from modeld.core.facts import Sampled
from modeld.protocol.views import GpuView, SystemView

log = logging.getLogger(__name__)

DISK_EVERY = 10
"""Free disk space and the battery are asked for with every tenth sample only."""


class Probe:
    """Takes samples; ``disk`` is the folder whose free space counts."""

    def __init__(self, disk: Path, read_gpus: Callable[[], list[GpuView]]) -> None:
        self._disk = disk
        self._read_gpus = read_gpus
        self._self = psutil.Process()
        self._processes: dict[int, psutil.Process] = {}
        self._peaks: dict[int, int] = {}
        self._count = 0
        self._disk_free = self._disk_total = 0
        self._on_battery = False
        psutil.cpu_percent()  # the first call only begins the measurement

    def sample(self, pids: dict[int, int]) -> Sampled:
        """Measure now; ``pids`` maps a worker's run to its process."""
        if self._count % DISK_EVERY == 0:
            self._look_at_disk()
            self._on_battery = _on_battery()
        self._count += 1
        memory = psutil.virtual_memory()
        workers = {run: sizes for run, pid in pids.items() if (sizes := self._worker(run, pid)) is not None}
        for run in self._processes.keys() - pids.keys():
            del self._processes[run]
            self._peaks.pop(run, None)
        return Sampled(
            system=SystemView(
                memory_total=memory.total,
                memory_available=memory.available,
                daemon_memory=self._self.memory_info().rss,
                workers_memory=sum(resident for resident, _ in workers.values()),
                disk_free=self._disk_free,
                disk_total=self._disk_total,
                cpu_percent=psutil.cpu_percent(),
                on_battery=self._on_battery,
                gpus=self._read_gpus(),
            ),
            workers=workers,
        )

    def _worker(self, run: int, pid: int) -> tuple[int, int] | None:
        try:
            process = self._processes.setdefault(run, psutil.Process(pid))
            resident = process.memory_info().rss
        except psutil.Error:
            return None
        peak = max(self._peaks.get(run, 0), resident, _high_water(pid))
        self._peaks[run] = peak
        return resident, peak

    def _look_at_disk(self) -> None:
        try:
            usage = shutil.disk_usage(self._disk)
        except OSError as error:
            log.warning("free space of %s cannot be read: %s", self._disk, error)
            return
        self._disk_free, self._disk_total = usage.free, usage.total


def _on_battery() -> bool:
    """Whether the machine runs on its battery; one without a battery does not, nor one that cannot be asked."""
    try:
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # psutil takes the system's files to be sound
        log.debug("the battery cannot be asked for: %s", error)
        return False
    return battery is not None and battery.power_plugged is False


def _high_water(pid: int) -> int:
    """The peak resident bytes of a process where the system keeps them (Linux: VmHWM), else 0."""
    if sys.platform != "linux":
        return 0
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(line.split()[1]) * 1024
