"""Graphics processors, as far as their drivers tell: NVIDIA's by its management library, AMD's by Linux' sysfs.

NVIDIA's library needs the package ``nvidia-ml-py``; without it, and on machines without either, there are none to show.
"""

import importlib
import logging
from pathlib import Path
from typing import Any

from modeld.protocol.views import GpuView

log = logging.getLogger(__name__)

DRM = Path("/sys/class/drm")


class Gpus:
    """The processors found at the start; ``sample`` measures them."""

    def __init__(self, drm: Path = DRM) -> None:
        self._nvml: Any = None  # the library ships no types, and need not be there
        self._handles: list[Any] = []
        self._cards = sorted(path.parent for path in drm.glob("card[0-9]*/device/mem_info_vram_total"))
        self._find_nvidia()

    def sample(self) -> list[GpuView]:
        """Measure each; one that cannot be read any more is left out."""
        found = [view for handle in self._handles if (view := self._nvidia(handle)) is not None]
        return found + [view for card in self._cards if (view := _amd(card)) is not None]

    def _find_nvidia(self) -> None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return
        try:
            nvml.nvmlInit()
            self._handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError as error:
            log.info("no NVIDIA graphics: %s", error)
            return
        self._nvml = nvml

    def _nvidia(self, handle: Any) -> GpuView | None:
        nvml = self._nvml
        try:
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            name = nvml.nvmlDeviceGetName(handle)
        except nvml.NVMLError as error:
            log.debug("a GPU cannot be read: %s", error)
            return None
        text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
        busy = self._nvidia_busy(handle)
        return GpuView(name=text, memory_total=memory.total, memory_used=memory.used, busy_percent=busy)

    def _nvidia_busy(self, handle: Any) -> float | None:
        """How busy one is; None where its driver does not tell (a slice of a card, a virtual one)."""
        try:
            return float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        except self._nvml.NVMLError:
            return None


def _amd(card: Path) -> GpuView | None:
    """One card of the amdgpu driver (kernel documentation, "GPU driver monitoring interfaces")."""
    total, used, busy = (
        _number(card / name) for name in ("mem_info_vram_total", "mem_info_vram_used", "gpu_busy_percent")
    )
    if total is None or used is None:
        return None
    name = card / "product_name"
    try:
        text = name.read_text().strip()
    except OSError:
        text = ""
    return GpuView(
        name=text or f"AMD {card.parent.name}",
        memory_total=total,
        memory_used=used,
        busy_percent=None if busy is None else float(busy),
    )


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
