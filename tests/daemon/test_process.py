"""The daemon as a process: one for each home, settings, stops, and what is left after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from modelctl import Client, ModeldError
from modeld.adapters.store import Database
from modeld.core.effects import SaveModel
from modeld.core.state.model import ModelSpec
from modeld.protocol import requests
from modeld.protocol.connection import ALREADY_RUNNING_EXIT
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState
from support import tiny_gguf
from support.real_daemon import DEADLINE_S, RealDaemon
from support.waiting import until

PULLS_DO_NOT_STOP = """
import modeld.daemon
from modeld.downloader import Pulls
modeld.daemon.STOP_S = 1.0
Pulls.start = Pulls.stop = lambda self, effect: None
"""
READS_HANG = """
import time
import modeld.daemon
from modeld.adapters.store import Database
modeld.daemon.END_S = 1.0
Database.read = lambda self, effect, unsaved: time.sleep(600)
"""


def test_a_second_daemon_on_one_home_is_refused_and_the_first_goes_on(daemon, client: Client):
    second = subprocess.run(
        [sys.executable, "-m", "modeld"], env=daemon.environment, capture_output=True, text=True, timeout=30
    )
    assert second.returncode == ALREADY_RUNNING_EXIT
    refused = Reason.ALREADY_RUNNING.failure(pid=str(daemon.process.pid))
    assert second.stderr == f"error: {refused.in_full()}\n"
    assert client.ping().pid == daemon.process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_the_workers_and_takes_the_connection_file_away(
    daemon, client: Client, tiny_file: Path, number: signal.Signals
):
    client.add("tiny", str(tiny_file))
    loaded = client.load("tiny").model.loaded
    assert loaded is not None
    assert daemon.stop(number) == 0
    assert not daemon.places.connection_file.exists()
    assert not psutil.pid_exists(loaded.pid)


def test_a_killed_daemon_takes_its_workers_along_and_a_new_one_starts(daemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    loaded = client.load("tiny").model.loaded
    assert loaded is not None
    worker = psutil.Process(loaded.pid)
    daemon.stop(signal.SIGKILL)
    worker.wait(10)
    daemon.start()
    assert client.show("tiny").state in (ModelState.LOADING, ModelState.LOADED)


def test_a_worker_spins_briefly_and_lets_other_programs_go_first(daemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    loaded = client.load("tiny").model.loaded
    assert loaded is not None
    worker = psutil.Process(loaded.pid)
    assert worker.environ()["GOMP_SPINCOUNT"] == "300" and worker.environ()["GGML_NO_BACKTRACE"] == "1"
    assert worker.nice() == psutil.Process(daemon.process.pid).nice() + 1


def run_with(home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MODELD_HOME": str(home), **settings}
    return subprocess.run([sys.executable, "-m", "modeld"], env=environment, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("toml", "word"),
    [
        ("context_size = ", "TOML"),
        ("contxt_size = 5", "contxt_size"),
        ("context_size = 'big'", "context_size"),
        ("context_size = 0", "context_size"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, toml: str, word: str):
    (tmp_path / "config.toml").write_text(toml)
    ended = run_with(tmp_path)
    assert ended.returncode == 2
    assert word in ended.stderr and "config.toml" in ended.stderr and "Traceback" not in ended.stderr


def test_a_wrong_variable_is_named(tmp_path: Path):
    ended = run_with(tmp_path, LLAMA_USE_GPU="perhaps")
    assert ended.returncode == 2 and "LLAMA_USE_GPU" in ended.stderr


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path):
    import sqlite3

    database = tmp_path / "modeld.sqlite3"
    with sqlite3.connect(database) as sql:
        sql.execute("PRAGMA user_version = 99")
    sql.close()
    ended = run_with(tmp_path)
    assert ended.returncode == 1 and "newer modeld" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("first_page", [1, 20])
def test_a_damaged_database_is_named(tmp_path: Path, first_page: int):
    database = tmp_path / "modeld.sqlite3"
    store = Database(database)
    for number in range(300):
        spec = ModelSpec(key=f"m{number}", source="https://example.org/m.gguf", description="x" * 500)
        store.commit([SaveModel(spec=spec)])
    store.close()
    content = database.read_bytes()
    whole = 4096 * first_page
    database.write_bytes(content[:whole] + b"Z" * (len(content) - whole))
    ended = run_with(tmp_path)
    assert ended.returncode == 1 and str(database) in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("settings", [{"LLM_CONTEXT_SIZE": "512", "LLM_CPU_THREADS": "2"}])
def test_the_environment_sets_context_and_threads(client: Client, tmp_path: Path):
    client.add("tiny", str(tiny_gguf.write(tmp_path / "wide.gguf", context=2048)))
    loaded = client.load("tiny").model.loaded
    assert loaded is not None and loaded.context_size == 512 and loaded.threads == 2


@pytest.mark.parametrize("settings", [{"LLM_MAX_CACHED_MODELS": "1"}])
def test_only_as_many_models_stay_loaded_as_is_set(client: Client, tiny_file: Path):
    client.add("one", str(tiny_file))
    client.add("two", str(tiny_file))
    client.load("one")
    client.load("two")
    assert client.show("one").state is ModelState.ON_DISK
    assert client.show("two").state is ModelState.LOADED


def test_an_idle_daemon_is_small(daemon, client: Client):
    client.ping()
    assert psutil.Process(daemon.process.pid).memory_info().rss < 45 * 1024**2
    maps = Path(f"/proc/{daemon.process.pid}/maps").read_text()
    assert not any(name in maps for name in ("libllama", "PIL", "httpx"))


@pytest.mark.parametrize("ask", ["shutdown", "SIGTERM"])
def test_a_stop_is_cut_short_whatever_does_not_stop(tmp_path: Path, ask: str) -> None:
    daemon = RealDaemon(tmp_path, {}, PULLS_DO_NOT_STOP)
    with Client(daemon.places, timeout_s=DEADLINE_S) as client:
        client.add("remote", "https://example.org/m.gguf")
        client.pull("remote", wait=False)
        waiting = client.transport.stream(requests.Pull(id="waits", model="remote", wait=True))
        if ask == "shutdown":
            client.shutdown()
        else:
            daemon.process.terminate()
        with pytest.raises(ModeldError) as refused:
            next(waiting)
        assert refused.value.failure.reason == Reason.DAEMON_STOPPING.id
        assert daemon.process.wait(DEADLINE_S) == 0


def test_a_connection_file_that_was_removed_is_written_again(daemon: RealDaemon, client: Client) -> None:
    before = client.transport.connection()
    daemon.places.connection_file.unlink()
    until(lambda: daemon.places.connection_file.exists() or None, "the connection file")
    assert client.transport.connection() == before and client.ping().pid == daemon.process.pid


def test_the_process_ends_though_a_thread_hangs(tmp_path: Path) -> None:
    daemon = RealDaemon(tmp_path, {}, READS_HANG)
    with Client(daemon.places, timeout_s=DEADLINE_S) as client:
        waiting = client.transport.stream(requests.Results(id="waits", model="smollm2"))
        client.ping()
        assert daemon.stop() == 0
        with pytest.raises(ModeldError) as refused:
            next(waiting)
        assert refused.value.failure.reason == Reason.DAEMON_STOPPING.id


DISK_THAT_HANGS = """
import time
from modeld.adapters.files import Files
inspect = Files.inspect
def hang(self, effect):
    if effect.model == "mistral":
        time.sleep(3600)
    return inspect(self, effect)
Files.inspect = hang
import modeld.daemon
modeld.daemon.INSPECT_S = 1.0
"""


def test_a_model_on_a_disk_that_does_not_answer_keeps_no_one_from_the_others(tmp_path: Path, tiny_file: Path):
    daemon = RealDaemon(tmp_path, {}, DISK_THAT_HANGS)
    with Client(daemon.places, timeout_s=DEADLINE_S) as client:
        client.add("tiny", str(tiny_file))
        assert client.load("tiny").model.state is ModelState.LOADED
    daemon.process.kill()
    daemon.process.wait(DEADLINE_S)
