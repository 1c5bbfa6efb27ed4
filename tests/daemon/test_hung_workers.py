"""Workers that hang: they are stopped like a suspended process, or their chat template computes for hours."""

import os
import signal
from pathlib import Path

import psutil
import pytest
from modelctl import Client
from modeld.protocol.requests import Message
from support import tiny_gguf
from support.waiting import until

ENDLESS = "{{ 9 ** (9 ** 9) }}"
"""One operation of Python that computes for hours and lets no other thread run."""


HI = [Message(role="user", content="hi")]


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model whose template never ends."""
    return tiny_gguf.write(tmp_path / "endless.gguf", template=ENDLESS)


def load(client: Client, key: str, file: Path) -> psutil.Process:
    """Add and load a model; its worker."""
    client.add(key, str(file))
    loaded = client.load(key).model.loaded
    assert loaded is not None
    return psutil.Process(loaded.pid)


def computes(worker: psutil.Process) -> bool:
    """Whether it has used half a second of processor time more than at the first look."""
    began = worker.cpu_times().user
    until(lambda: worker.cpu_times().user > began + 0.5, "the worker computes")
    return True


def test_a_worker_that_is_stopped_dies_with_a_killed_daemon(daemon, client: Client, tiny_file: Path):
    worker = load(client, "tiny", tiny_file)
    worker.suspend()
    daemon.stop(signal.SIGKILL)
    worker.wait(10)


def test_a_worker_whose_template_computes_dies_with_a_killed_daemon(daemon, client: Client, endless: Path):
    worker = load(client, "endless", endless)
    with client.stream_chat("endless", HI):
        assert computes(worker)
        daemon.stop(signal.SIGKILL)
        worker.wait(10)


def test_a_worker_whose_daemon_died_before_it_began_ends_at_once():
    from modeld.worker import lifeline

    child = os.fork()
    if child == 0:
        lifeline.tie_to(os.getpid())  # not its parent
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
