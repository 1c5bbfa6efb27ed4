"""The daemon's second: what fails in it is logged, and the next one comes all the same."""

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from modeld import daemon
from modeld.core import facts
from modeld.places import find
from modeld.settings import Settings


def test_a_machine_that_cannot_be_measured_has_heartbeats_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def sample(_pids: dict[int, int]) -> facts.Sampled:
        raise RuntimeError("the machine is made of cheese")

    monkeypatch.setattr(daemon, "TICK_S", 0.001)
    caplog.set_level(logging.ERROR)

    async def two_ticks() -> list[facts.AnyFact]:
        made = daemon.Daemon(find({"MODELD_HOME": str(tmp_path)}), Settings())
        made._probe = SimpleNamespace(sample=sample)  # type: ignore[assignment]  # stand-ins for what the loop owns
        made._workers = SimpleNamespace(pids=dict)  # type: ignore[assignment]
        made._server = SimpleNamespace(look=lambda: None)  # type: ignore[assignment]
        reported: asyncio.Queue[facts.AnyFact] = asyncio.Queue()
        ticking = asyncio.create_task(made._tick(reported.put_nowait))
        got = [await asyncio.wait_for(reported.get(), 10.0) for _ in range(2)]
        ticking.cancel()
        return got

    assert [type(fact) for fact in asyncio.run(two_ticks())] == [facts.Ticked, facts.Ticked]
    assert "cheese" in caplog.text
