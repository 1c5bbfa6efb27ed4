"""The measurements of the machine: one that cannot be had is left out, and stops nothing else."""

from pathlib import Path

import psutil
import pytest
from modeld.adapters.probe import Probe


@pytest.mark.parametrize("trouble", [FileNotFoundError("/sys/class/power_supply"), ValueError("capacity")])
def test_a_battery_that_cannot_be_asked_for_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
):
    def sensors_battery() -> None:
        raise trouble

    monkeypatch.setattr(psutil, "sensors_battery", sensors_battery)
    sample = Probe(tmp_path, list).sample({})
    assert sample.system.on_battery is False and sample.system.memory_total > 0
