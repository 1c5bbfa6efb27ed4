"""Graphics processors: AMD's by sysfs, NVIDIA's by its library (a stand-in: there is none to test on)."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from modeld.adapters.gpus import Gpus


def card(drm: Path, name: str, **files: str) -> None:
    device = drm / name / "device"
    device.mkdir(parents=True)
    for file, text in files.items():
        (device / file).write_text(text)


@pytest.fixture(autouse=True)
def no_nvidia(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)


def test_a_machine_without_graphics_has_none(tmp_path: Path):
    assert Gpus(tmp_path).sample() == []


def test_an_amd_card_is_read_from_the_kernel(tmp_path: Path):
    card(
        tmp_path,
        "card0",
        mem_info_vram_total="8589934592\n",
        mem_info_vram_used="1073741824\n",
        gpu_busy_percent="37\n",
        product_name="Radeon Test\n",
    )
    card(tmp_path, "card1")  # another driver's, which says nothing of its memory
    (gpu,) = Gpus(tmp_path).sample()
    assert (gpu.name, gpu.memory_total, gpu.memory_used, gpu.busy_percent) == ("Radeon Test", 8 << 30, 1 << 30, 37.0)


def test_what_an_amd_card_does_not_tell_is_unknown_not_zero(tmp_path: Path):
    card(tmp_path, "card0", mem_info_vram_total="100", mem_info_vram_used="50", gpu_busy_percent="?")
    (gpu,) = Gpus(tmp_path).sample()
    assert gpu.busy_percent is None and gpu.name == "AMD card0"


class NvmlError(Exception):
    pass


def library(fails: bool = False) -> SimpleNamespace:
    def init() -> None:
        if fails:
            raise NvmlError("Driver Not Loaded")

    return SimpleNamespace(
        NVMLError=NvmlError,
        nvmlInit=init,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetMemoryInfo=lambda _: SimpleNamespace(total=16 << 30, used=3 << 30),
        nvmlDeviceGetUtilizationRates=lambda _: SimpleNamespace(gpu=12),
        nvmlDeviceGetName=lambda _: b"Test RTX",
    )


def test_an_nvidia_card_is_read_by_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pynvml", library())
    (gpu,) = Gpus(tmp_path).sample()
    assert (gpu.name, gpu.memory_total, gpu.memory_used, gpu.busy_percent) == ("Test RTX", 16 << 30, 3 << 30, 12.0)


def test_a_driver_that_is_not_loaded_means_no_nvidia_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pynvml", library(fails=True))
    assert Gpus(tmp_path).sample() == []


def test_an_nvidia_card_that_does_not_tell_how_busy_it_is_is_shown_with_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def not_supported(_handle: object) -> None:
        raise NvmlError("Not Supported")

    library_of_a_slice = library()
    library_of_a_slice.nvmlDeviceGetUtilizationRates = not_supported
    monkeypatch.setitem(sys.modules, "pynvml", library_of_a_slice)
    (gpu,) = Gpus(tmp_path).sample()
    assert (gpu.memory_total, gpu.memory_used, gpu.busy_percent) == (16 << 30, 3 << 30, None)
