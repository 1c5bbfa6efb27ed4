"""What is reported of a child process that ends: another program is started in the worker's place."""

import asyncio
import sys
import time
from pathlib import Path

import pytest
import zmq
from modeld.adapters.workers import Workers
from modeld.core.effects import StartWorker
from modeld.core.facts import AnyFact, WorkerGone
from modeld.protocol.workers import Exit
from modeld.transport import binding
from modeld.transport.zap import AllowedKeys, Gate

DEADLINE_S = 15.0


def end_of(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerGone:
    """Start this shell script as a worker; the fact of its end."""
    program = folder / "worker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))

    async def run() -> WorkerGone:
        facts: asyncio.Queue[AnyFact] = asyncio.Queue()
        with zmq.Context() as context:
            gate = Gate(context, binding.new_pair(), AllowedKeys(folder / "keys"))
            workers = Workers(context, folder, gate, facts.put_nowait)
            try:
                workers.start(StartWorker(run=1, order=Exit()))
                fact = await asyncio.wait_for(facts.get(), DEADLINE_S)
            finally:
                workers.close()
                gate.close()
        assert isinstance(fact, WorkerGone)
        return fact

    return asyncio.run(run())


def test_the_first_cause_is_reported_and_not_what_a_debugger_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script = "echo 'ggml.c:9: GGML_ASSERT(a == b) failed' >&2; echo '36 ../csu/libc-start.c' >&2; kill -ABRT $$"
    gone = end_of(script, tmp_path, monkeypatch)
    assert (gone.exit_code, gone.detail) == (-6, "ggml.c:9: GGML_ASSERT(a == b) failed")


def test_a_process_that_the_worker_left_behind_does_not_hide_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    began = time.monotonic()
    gone = end_of("echo words >&2; sleep 20 & exit 3", tmp_path, monkeypatch)
    assert (gone.exit_code, gone.detail) == (3, "words")
    assert time.monotonic() - began < DEADLINE_S
