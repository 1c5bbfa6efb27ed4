"""Workers that hang: they are stopped like a suspended process, or their chat template computes for hours."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from modelctl import Client
from modelctl.errors import ModeldError
from modeld.protocol.requests import Message, Sampling
from modeld.protocol.states import FINAL, JobState, ModelState
from support import tiny_gguf
from support.waiting import until

ENDLESS = "{{ 9 ** (9 ** 9) }}"
"""One operation of Python that computes for hours and lets no other thread run."""

GREEDY = Sampling(temperature=0.0)
"""With it, the model below generates tens of thousands of tokens."""

HI = [Message(role="user", content="hi")]
SILENCE_S, TEMPLATE_S, STOP_S, LATE_S = 3.0, 2.0, 1.0, 2.0
"""The deadlines in these tests, and how long after one the answer may come; the tests wait three times as long."""


@pytest.fixture
def settings() -> dict[str, str]:
    return {
        "MODELD_WORKER_SILENCE_S": str(SILENCE_S),
        "MODELD_TEMPLATE_TIMEOUT_S": str(TEMPLATE_S),
        "MODELD_STOP_TIMEOUT_S": str(STOP_S),
    }


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model whose template never ends."""
    return tiny_gguf.write(tmp_path / "endless.gguf", template=ENDLESS)


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """A model that generates for a long time."""
    return tiny_gguf.write(tmp_path / "long.gguf", context=100_000)


def load(client: Client, key: str, file: Path, context_size: int = 0) -> psutil.Process:
    """Add and load a model; its worker."""
    client.add(key, str(file))
    loaded = client.load(key, context_size=context_size).model.loaded
    assert loaded is not None
    return psutil.Process(loaded.pid)


@contextmanager
def answered_within(limit_s: float) -> Iterator[None]:
    """What happens in it takes at most three times ``limit_s``."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 3 * limit_s


def reason_of(error: pytest.ExceptionInfo[ModeldError]) -> str:
    return error.value.failure.reason


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


def test_a_stopped_worker_is_ended_and_all_who_wait_for_it_are_told_while_another_model_answers(
    daemon, client: Client, tiny_file: Path, long_file: Path
):
    load(client, "tiny", tiny_file)
    worker = load(client, "long", long_file, context_size=100_000)
    failures: list[str] = []

    def wait_in_the_queue() -> None:
        with Client(daemon.places, timeout_s=60) as other, pytest.raises(ModeldError) as error:
            other.generate("long", "b", max_tokens=1)
        failures.append(reason_of(error))

    with client.stream_generate("long", "a", sampling=GREEDY) as stream, Client(daemon.places, timeout_s=60) as other:
        next(iter(stream))
        queued = threading.Thread(target=wait_in_the_queue)
        queued.start()
        worker.suspend()
        with answered_within(SILENCE_S + LATE_S):
            assert other.generate("tiny", "a", max_tokens=2).completion_tokens == 2
            with pytest.raises(ModeldError) as error:
                list(stream)
            queued.join()
    assert [reason_of(error), *failures] == ["answer_hangs", "answer_hangs"]
    worker.wait(10)
    assert client.generate("long", "a", max_tokens=2).completion_tokens == 2
    assert client.show("tiny").state is ModelState.LOADED


def test_an_endless_template_fails_its_chat_and_the_model_can_be_loaded_again(client: Client, endless: Path):
    worker = load(client, "endless", endless)
    with answered_within(TEMPLATE_S + LATE_S), pytest.raises(ModeldError) as error:
        client.chat("endless", HI)
    assert reason_of(error) == "template_too_slow"
    worker.wait(10)
    assert client.generate("endless", "a", max_tokens=2).completion_tokens == 2


def test_a_cancelled_generation_of_a_stopped_worker_ends(client: Client, long_file: Path):
    worker = load(client, "long", long_file, context_size=100_000)
    with client.stream_generate("long", "a", sampling=GREEDY) as stream:
        next(iter(stream))
        worker.suspend()
        with answered_within(STOP_S + LATE_S):
            stream.cancel()
            with pytest.raises(ModeldError) as error:
                list(stream)
    assert reason_of(error) == "stop_ignored"
    worker.wait(10)


def test_a_stopped_worker_can_be_unloaded(client: Client, tiny_file: Path):
    worker = load(client, "tiny", tiny_file)
    worker.suspend()
    client.unload("tiny")
    assert not worker.is_running()
    assert client.show("tiny").state is ModelState.ON_DISK


def test_a_load_that_hangs_fails(daemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    client.load("tiny", wait=False)
    worker = until(lambda: psutil.Process(daemon.process.pid).children(), "a worker")[0]
    worker.suspend()
    assert client.show("tiny").state is ModelState.LOADING
    with answered_within(SILENCE_S + LATE_S), pytest.raises(ModeldError) as error:
        client.load("tiny")
    assert reason_of(error) == "load_hangs"
    worker.wait(10)
    assert client.load("tiny").model.state is ModelState.LOADED


def test_a_benchmark_that_hangs_fails_and_the_next_one_runs(client: Client, endless: Path, tiny_file: Path):
    load(client, "endless", endless)
    client.add("tiny", str(tiny_file))
    client.benchmark(["endless", "tiny"], repetitions=1, max_tokens=4)
    until(lambda: all(job.state in FINAL for job in client.jobs()), "the end of both")
    jobs = client.jobs()
    assert [job.state for job in jobs] == [JobState.FAILED, JobState.DONE]
    assert jobs[0].failure is not None and jobs[0].failure.reason == "template_too_slow"


def test_a_cancelled_benchmark_of_a_stopped_worker_ends(client: Client, tmp_path: Path):
    file = tiny_gguf.write(tmp_path / "wide.gguf", context=4096)
    worker = load(client, "wide", file)
    (job,) = client.benchmark(["wide"], repetitions=50, max_tokens=2000)
    worker.suspend()
    client.cancel(job=job.id)
    with answered_within(STOP_S + LATE_S):
        until(lambda: client.jobs("wide")[-1].state is JobState.CANCELLED, "the end of the job")


def test_a_template_that_takes_all_memory_fails_and_the_worker_lives(client: Client, tmp_path: Path):
    greedy = tiny_gguf.write(tmp_path / "greedy.gguf", template="{{ 'x' * 4000000000 }}")
    worker = load(client, "greedy", greedy)
    with pytest.raises(ModeldError) as error:
        client.chat("greedy", HI)
    assert reason_of(error) == "template_too_expensive"
    assert worker.memory_info().rss < 1024**3
    assert client.generate("greedy", "a", max_tokens=2).completion_tokens == 2
    assert worker.is_running()
