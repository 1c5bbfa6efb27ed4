"""After a crash the next daemon has the queue and the jobs, and loads what was in memory; a crash loop stops."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from modelctl import Client
from modeld.adapters import starts
from modeld.adapters.starts import LOOP_STARTS
from modeld.places import find
from modeld.protocol.reasons import Reason
from modeld.protocol.states import JobState, ModelState
from modeld.protocol.views import ModelView
from support.real_daemon import DEADLINE_S, RealDaemon

LOADING_KILLS = """
import os, signal
from modeld.adapters.workers import Workers
Workers.start = lambda self, effect: os.kill(os.getpid(), signal.SIGKILL)
"""


@contextmanager
def connected(daemon: RealDaemon) -> Iterator[Client]:
    with Client(daemon.places, timeout_s=DEADLINE_S) as client:
        yield client


def until_loaded(client: Client, key: str) -> ModelView:
    """The model as soon as it is loaded."""
    followed = client.follow()
    for _ in followed:
        model = followed.model(key)
        if model is not None and model.state is ModelState.LOADED:
            followed.close()
            return model
    raise AssertionError("the events ended")


def test_what_a_killed_daemon_had_loaded_is_loaded_again_as_it_was(
    daemon: RealDaemon, client: Client, tiny_file: Path
) -> None:
    client.add("tiny", str(tiny_file))
    client.add("pinned", str(tiny_file))
    client.add("other", str(tiny_file))
    client.pin("pinned")
    before = client.load("tiny", context_size=512, threads=2).model.loaded
    assert before is not None
    daemon.stop(signal.SIGKILL)
    daemon.start()
    with connected(daemon) as again:
        loaded = until_loaded(again, "tiny").loaded
        assert loaded is not None
        assert (loaded.context_size, loaded.threads) == (before.context_size, before.threads) == (256, 2)
        until_loaded(again, "pinned")
        assert again.show("other").state is ModelState.ON_DISK


def test_a_benchmark_goes_on_after_a_crash_with_the_options_that_the_client_chose(
    daemon: RealDaemon, client: Client, tiny_file: Path
) -> None:
    client.add("tiny", str(tiny_file))
    job = client.benchmark(["tiny"], repetitions=100, max_tokens=200)[0]
    assert (job.repetitions, job.max_tokens) == (100, 200)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    with connected(daemon) as again:
        (job,) = again.jobs("tiny")
        assert job.state in (JobState.QUEUED, JobState.RUNNING)
        assert (job.repetitions, job.max_tokens) == (100, 200)
        again.cancel(job=job.id)


def test_a_full_disk_does_not_keep_the_daemon_from_starting(tmp_path: Path) -> None:
    file, log_file = tmp_path / "starts.json", tmp_path / "log"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        assert starts.begin(file, log_file, 1000.0) is False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert starts.begin(file, log_file, 1001.0) is True


def test_an_unloaded_model_stays_unloaded_after_a_crash(daemon: RealDaemon, client: Client, tiny_file: Path) -> None:
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    client.unload("tiny")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    with connected(daemon) as again:
        assert again.show("tiny").state is ModelState.ON_DISK


def test_after_an_orderly_stop_only_pinned_models_come_back(
    daemon: RealDaemon, client: Client, tiny_file: Path
) -> None:
    for key in ("tiny", "pinned"):
        client.add(key, str(tiny_file))
        client.load(key)
    client.pin("pinned")
    assert daemon.stop() == 0
    daemon.start()
    with connected(daemon) as again:
        until_loaded(again, "pinned")
        assert again.show("tiny").state is ModelState.ON_DISK


def test_queue_and_jobs_survive_a_kill(daemon: RealDaemon, client: Client) -> None:
    """The download waits: nobody listens at its address."""
    client.add("away", "https://127.0.0.1:9/away.gguf")
    job = client.pull("away", wait=False)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    with connected(daemon) as again:
        (restored,) = again.jobs()
        assert (restored.id, restored.model) == (job.id, "away")
        assert restored.state in (JobState.QUEUED, JobState.RUNNING)


def test_a_load_that_kills_the_daemon_is_not_tried_for_ever(tmp_path: Path, tiny_file: Path) -> None:
    daemon = RealDaemon(tmp_path, {})
    with connected(daemon) as client:
        client.add("tiny", str(tiny_file))
        client.load("tiny")
    daemon.stop(signal.SIGKILL)
    daemon.command = [sys.executable, "-c", f"{LOADING_KILLS}\nimport sys, modeld.__main__\nmodeld.__main__.main([])"]
    died = subprocess.run(daemon.command, env=daemon.environment, timeout=DEADLINE_S)
    assert died.returncode == -signal.SIGKILL
    daemon.start()
    with connected(daemon) as client:
        assert client.show("tiny").state is ModelState.ON_DISK
    assert daemon.stop() == 0


def test_a_crash_loop_stops_with_a_message_that_names_the_log(tmp_path: Path) -> None:
    environment = {**os.environ, "MODELD_HOME": str(tmp_path)}
    places = find(environment)
    crash = "import os, modeld.daemon, modeld.__main__\nmodeld.daemon.Daemon.run = lambda self: os._exit(9)\n"
    command = [sys.executable, "-c", f"{crash}raise SystemExit(modeld.__main__.main([]))"]
    for _ in range(LOOP_STARTS):
        assert subprocess.run(command, env=environment, timeout=DEADLINE_S).returncode == 9
    last = subprocess.run(command, env=environment, timeout=DEADLINE_S, capture_output=True, text=True)
    assert last.returncode == 1
    refused = Reason.CRASH_LOOP.failure(
        count=LOOP_STARTS, seconds=120, log=str(places.log_file), path=str(places.starts_file)
    )
    assert last.stderr == f"error: {refused.in_full()}\n"
    places.starts_file.unlink()
    assert subprocess.run(command, env=environment, timeout=DEADLINE_S).returncode == 9


@pytest.mark.parametrize("content", ["", "[", "{}", "[1e999]"])
def test_a_damaged_record_of_the_starts_does_not_prevent_a_start(tmp_path: Path, content: str) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "starts.json").write_text(content)
    daemon = RealDaemon(tmp_path, {})
    assert daemon.stop() == 0
    assert not daemon.places.starts_file.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels choose for themselves")
def test_out_of_memory_the_kernel_ends_a_worker_before_the_daemon(
    daemon: RealDaemon, client: Client, tiny_file: Path
) -> None:
    client.add("tiny", str(tiny_file))
    loaded = client.load("tiny").model.loaded
    assert loaded is not None
    worker, ours = (int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (loaded.pid, daemon.process.pid))
    assert worker >= ours + 300
