"""``modelctl doctor``: one thing is broken at a time, and the right line says so, with how to fix it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from modelctl import Client
from modelctl.doctor import daemons, desktops, engines, environment, folders, versions
from modelctl.doctor.examination import examine
from modelctl.doctor.finding import Finding, Level
from modeld.places import Places, find
from modeld.protocol import views
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState, ModelState
from modelservice import State
from support import tiny_gguf
from support.commandline import modelctl
from support.fake_daemon import FakeDaemon, model_of
from support.real_daemon import RealDaemon

AT = "2026-01-02T03:04:05+00:00"
ENGINE = engines.engine_of(engines.ProcessResult(0, json.dumps(["0.3.36", False, "CPU : AVX2 = 1 | FMA = 0 | "]), ""))
GPU_ENGINE = engines.engine_of(engines.ProcessResult(0, json.dumps(["0.3.36", True, ""]), ""))


def examined(places: Places, *, online: bool = False) -> dict[str, list[Finding]]:
    """All findings of a home, by check."""
    found: dict[str, list[Finding]] = {}
    with Client(places, timeout_s=5) as client:
        for finding in examine(client, online=online):
            found.setdefault(finding.check, []).append(finding)
    return found


@contextmanager
def a_daemon(home: Path) -> Iterator[RealDaemon]:
    daemon = RealDaemon(home, {})
    try:
        yield daemon
    finally:
        daemon.stop()


# -- a whole home ----------------------------------------------------------------------------------------------------


def test_a_healthy_home_has_nothing_that_failed(places: Places, tmp_path: Path):
    with a_daemon(tmp_path):
        found = examined(places)
        done = modelctl("doctor")
    bad = [finding for findings in found.values() for finding in findings if finding.level is Level.FAILED]
    assert bad == []
    assert found["daemon"][0].level is Level.OK and found["answers"][0].level is Level.OK
    assert found["engine"][0].text.startswith("llama-cpp-python 0.")
    assert {"python", "packages:client", "packages:daemon", "settings", "disk", "clock", "memory"} <= set(found)
    assert done.returncode == 0 and "ok       python: Python 3." in done.stdout


def test_json_has_every_finding_and_the_exit_code_says_whether_one_failed(places: Places, tmp_path: Path):
    (tmp_path / "config.toml").write_text("threads = -1\n")
    done = modelctl("doctor", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["ok"] is False
    (settings,) = [finding for finding in answer["findings"] if finding["check"] == "settings"]
    assert settings["level"] == "failed" and "threads" in settings["text"] and settings["mend"]


def test_it_changes_nothing(places: Places, tmp_path: Path):
    home = tmp_path / "not" / "yet"
    examined(find({"MODELD_HOME": str(home)}))
    assert not home.parent.exists()


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MODELD_HOME", str(tmp_path / "file" / "home"))
    found = examined(find())
    assert found["folder:data"][0].level is Level.FAILED
    assert str(tmp_path / "file") in found["folder:data"][0].text and "MODELD_HOME" in found["folder:data"][0].fix


def test_sockets_that_others_can_reach_are_found(places: Places):
    places.runtime_dir.mkdir(parents=True)
    places.runtime_dir.chmod(0o755)
    (finding,) = examined(places)["folder:runtime"]
    assert finding.level is Level.FAILED and finding.fix == f"chmod 700 {places.runtime_dir}"


def test_without_a_daemon_the_line_says_how_to_start_it(places: Places):
    (finding,) = examined(places)["daemon"]
    assert finding.level is Level.WARNING and "modelctl up" in finding.fix


def test_the_connection_file_of_a_killed_daemon_is_found(places: Places, tmp_path: Path):
    with a_daemon(tmp_path) as daemon:
        daemon.process.kill()
        daemon.process.wait()
        (finding,) = examined(places)["daemon"]
    assert finding.level is Level.FAILED and "ended unexpectedly" in finding.text and "modelctl up" in finding.fix


def test_a_connection_file_that_cannot_be_read_is_found(places: Places):
    places.runtime_dir.mkdir(parents=True, mode=0o700)
    places.connection_file.write_text("{")
    (finding,) = examined(places)["daemon"]
    assert finding.level is Level.FAILED and "cannot be read" in finding.text


def test_a_daemon_that_does_not_answer_is_found(places: Places, fake_daemon: FakeDaemon):
    fake_daemon.silent = True
    with Client(places, timeout_s=0.2) as client:
        assert daemons.judge(daemons.inspect(client)).level is Level.FAILED


def test_a_corrupt_model_is_found_with_and_without_a_daemon(places: Places, tmp_path: Path):
    models = tmp_path / "models"
    models.mkdir()
    (models / "Llama-3.2-1B-Instruct-Q4_K_M.gguf").write_bytes(b"this is a web page, not a model")
    whole = tiny_gguf.write(models / "whole.gguf")
    (models / "other.gguf.part").write_bytes(whole.read_bytes()[:1000])
    files = examined(places)["model-files"]
    assert [finding.level for finding in files] == [Level.FAILED, Level.WARNING]
    assert "Llama-3.2-1B-Instruct-Q4_K_M.gguf is not a GGUF file" in files[0].text
    assert "other.gguf.part" in files[1].text and "modelctl pull" in files[1].fix
    with a_daemon(tmp_path):
        found = examined(places)["models"]
    assert [finding.level for finding in found] == [Level.FAILED] and "LLAMA32-1B" in found[0].text and found[0].fix


def test_a_broken_settings_file_is_named_with_its_fault(places: Places, tmp_path: Path):
    (tmp_path / "config.toml").write_text("threads = ")
    (finding,) = examined(places)["settings"]
    assert finding.level is Level.FAILED and "config.toml is not valid TOML" in finding.text


def test_a_broken_preferences_file_takes_something_away_only(places: Places, tmp_path: Path):
    (tmp_path / "client.toml").write_text('panel = "pink"\n')
    (finding,) = examined(places)["preferences"]
    assert finding.level is Level.WARNING and "pink" in finding.text


def test_the_hub_is_asked_only_when_wanted(places: Places, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "*")
    assert "hub" not in examined(places)
    (finding,) = examined(places, online=True)["hub"]
    assert finding.level is Level.FAILED and "127.0.0.1:9" in finding.text and "HTTPS_PROXY" in finding.fix


def test_the_daemons_check_shows_the_settings_without_the_token(places: Places, tmp_path: Path):
    environment = {**os.environ, "HF_TOKEN": "hf_secret", "LLM_CONTEXT_SIZE": "77"}
    command = [sys.executable, "-m", "modeld", "--check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout)["context_size"] == 77 and "hf_secret" not in done.stdout + done.stderr
    assert not places.runtime_dir.exists()


# -- judging alone ---------------------------------------------------------------------------------------------------


def test_packages_are_judged_by_what_the_distribution_asks_for():
    asked = [
        "click>=8.1.7",
        "httpx>=0.27; extra == 'daemon'",
        "plyer>=2.1; extra == 'desktop'",
        "dbus-fast>=4.0; (sys_platform == 'linux') and extra == 'desktop'",
        "modeld[daemon,desktop]; extra == 'all'",
    ]
    packages = list(versions.requirements_of(asked, {"click": "8.1.7", "httpx": "0.9.3", "plyer": "2.1.0"}, "linux"))
    (client,), (daemon,), (desktop,) = (versions.judge_part(part, packages) for part in ("", "daemon", "desktop"))
    assert client.level is Level.OK
    assert daemon.level is Level.FAILED and daemon.text == "httpx is 0.9.3; 0.27 or newer is required"
    assert desktop.level is Level.WARNING and desktop.text == "dbus-fast is missing"
    assert "modeld[desktop]" in desktop.fix
    assert list(versions.judge_metadata(packages)) == []
    assert not any(package.name == "dbus-fast" for package in versions.requirements_of(asked, {}, "darwin"))


def test_an_old_python_failed():
    assert versions.judge_python((3, 9, 1)).level is Level.FAILED


@pytest.mark.parametrize(("free", "level"), [(0, "failed"), (1 << 30, "warning"), (1 << 40, "ok")])
def test_the_disk_is_judged_by_its_free_space(free: int, level: str):
    assert folders.judge_disk(folders.Folder("/m", True, "/m", True, 0o700, free)).level == level


def test_a_clock_behind_its_own_files_is_seen():
    assert folders.judge_clock(1000.0, 1_000_000_000.0).level is Level.WARNING
    assert folders.judge_clock(1_000_000_000.0, 1_000_000_000.0).level is Level.OK


def test_the_engine_is_judged_against_the_settings():
    wants, wants_not = {"use_gpu": True, "gpu_layers": -1}, {"use_gpu": False, "gpu_layers": -1}
    assert next(engines.judge_gpu(ENGINE, wants, True)).level is Level.WARNING
    assert next(engines.judge_gpu(ENGINE, wants, False)).level is Level.OK
    assert next(engines.judge_gpu(ENGINE, wants_not, True)).level is Level.OK
    assert next(engines.judge_gpu(GPU_ENGINE, wants_not, True)).text.endswith("turn off")
    assert engines.judge_engine(ENGINE).text == "llama-cpp-python 0.3.36 (AVX2)"


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        ("ModuleNotFoundError: No module named 'llama_cpp'", "modeld[daemon]"),
        ("OSError: libcudart.so.12: cannot open shared object file", "--force-reinstall"),
    ],
)
def test_an_engine_that_cannot_be_imported_failed(error: str, fix: str):
    engine = engines.engine_of(engines.ProcessResult(1, "", error))
    verdict = engines.judge_engine(engine)
    assert verdict.level is Level.FAILED and error in verdict.text and fix in verdict.fix
    assert list(engines.judge_gpu(engine, {}, False)) == []


def snapshot(
    *models: views.ModelView, jobs: tuple[views.JobView, ...] = (), available: int = 4 << 30
) -> views.Snapshot:
    return views.Snapshot(
        epoch="e",
        seq=1,
        at=AT,
        daemon=views.DaemonView(version="1.0", pid=1, started_at=AT),
        system=views.SystemView(memory_total=8 << 30, memory_available=available),
        models=list(models),
        jobs=list(jobs),
    )


def test_another_version_and_a_slow_answer_are_seen():
    verdict = daemons.judge(daemons.Daemon(True, 0.001, snapshot()), "2.0")
    assert verdict.level is Level.WARNING and "modeld is 1.0, modelctl is 2.0" in verdict.text
    assert daemons.judge_answer(2.5).level is Level.WARNING


def test_little_memory_and_a_model_that_is_too_large_are_seen():
    large = msgspec.structs.replace(model_of("large", ModelState.ON_DISK), estimated_bytes=40 << 30)
    found = list(daemons.judge_memory(snapshot(large, available=1 << 20)))
    assert [finding.level for finding in found] == [Level.WARNING, Level.WARNING]
    assert "modelctl unload --all" in found[0].fix and "modelctl load large --context 2048" in found[1].fix


def test_a_download_that_failed_and_a_stalled_one_are_seen_by_the_newest_job():
    failure = Failure(code=ErrorCode.HTTP_ERROR, message="HTTP 403", hint="Set HF_TOKEN.")
    pull = views.JobView(id="1", kind=JobKind.PULL, model="phi", state=JobState.FAILED, created_at=AT, failure=failure)
    done = msgspec.structs.replace(pull, id="2", model="ok", state=JobState.DONE, failure=None)
    again = msgspec.structs.replace(pull, id="0", model="ok")
    progress = views.Progress(stalled_since=AT, retries=3)
    stalled = msgspec.structs.replace(
        pull, id="3", model="slow", state=JobState.RUNNING, failure=None, progress=progress
    )
    found = list(daemons.judge_downloads(snapshot(jobs=(again, pull, done, stalled))))
    assert [finding.text for finding in found] == ["PHI: HTTP 403", f"SLOW: no data since {AT}, retry 3."]
    assert found[0].fix == "Set HF_TOKEN."


def test_the_desktop_is_judged_by_who_is_there():
    tray_only = {desktops.TRAY_HOST: True, desktops.NOTIFICATIONS: False}
    assert desktops.judge_tray(tray_only).level is Level.OK
    assert desktops.judge_notifications(tray_only).level is Level.WARNING
    notifications_only = {desktops.TRAY_HOST: False, desktops.NOTIFICATIONS: True}
    assert desktops.judge_tray(notifications_only).level is Level.WARNING
    assert desktops.judge_notifications(notifications_only).level is Level.OK
    assert desktops.judge(desktops.Desktop(True, None, "no bus")).level is Level.WARNING
    assert desktops.judge(desktops.Desktop(False)).level is Level.OK


def test_a_bus_that_is_not_there_is_said(tmp_path: Path):
    found = desktops.inspect({"DISPLAY": ":1", "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no"}, "linux")
    assert found is not None and found.owned is None and found.why


def test_variables_are_named_and_their_values_are_not():
    (finding,) = environment.judge_environment({"HF_TOKEN": "secret", "PATH": "/bin", "LLM_CONTEXT_SIZE": "5"})
    assert finding.level is Level.OK and "HF_TOKEN, LLM_CONTEXT_SIZE" in finding.text and "secret" not in finding.text
    contradiction = list(environment.judge_environment({"LLAMA_USE_GPU": "0", "LLAMA_GPU_LAYERS": "35"}))
    assert contradiction[-1].level is Level.WARNING and "35" in contradiction[-1].text


def test_a_service_that_is_installed_and_does_not_run_is_seen():
    state = State(kind="systemd", files=("unit",), at_login=True, running=False)
    assert environment.judge_service(state, running=False).level is Level.WARNING
    assert environment.judge_service(state, running=True).level is Level.OK


def test_a_token_that_others_can_read_is_seen(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text('hub_token = "hf_secret"\n')
    file.chmod(0o644)
    (finding,) = environment.judge_secrets(file)
    assert finding.fix == f"chmod 600 {file}" and "hf_secret" not in finding.text
    file.chmod(0o600)
    assert list(environment.judge_secrets(file)) == []


def test_a_folder_that_cannot_even_be_looked_at_is_a_finding_and_no_crash(tmp_path: Path):
    there = tmp_path / "home"
    there.mkdir()
    folder = folders.look_at(there / ("x" * 300) / "models")  # as good as one behind a folder that is closed to us
    assert not folder.exists and folder.nearest == str(there)
    assert folders.look_for_models(there / ("x" * 300)) == []


@pytest.mark.parametrize("output", ["", "a word of some library", "[1]"])
def test_an_engine_that_says_something_else_is_a_finding_and_no_crash(output: str):
    verdict = engines.judge_engine(engines.engine_of(engines.ProcessResult(0, output, "")))
    assert verdict.level is Level.FAILED and "llama-cpp-python" in verdict.text
    assert engines.settings_of(engines.ProcessResult(0, "a word", "")) == {}


# -- leftovers -------------------------------------------------------------------------------------------------------


def test_leftovers_are_named_with_size_and_what_to_do_and_stay(places: Places, tmp_path: Path):
    """With a real daemon, since it alone knows which files its models use."""
    with a_daemon(tmp_path), Client(places) as client:
        places.models_dir.mkdir(exist_ok=True)
        used = tiny_gguf.write(places.models_dir / "used.gguf")
        client.add("used", str(used))
        client.add("wanted", "https://example.invalid/wanted.gguf")
        left = {
            places.models_dir / "wanted.gguf.part": 10,
            places.models_dir / "nobody.gguf.part": 2048,
            places.models_dir / "stray.gguf": 4096,
            places.models_dir / "broken.gguf.bad": 100,
            places.config_dir / "config.toml.new": 5,
            places.data_dir / "modeld.sqlite3.old": 1024,
        }
        for path, size in left.items():
            path.write_bytes(b"GGUF".ljust(size, b"x"))
            os.utime(path, (1, 1))
        found = examined(places)
    texts = [finding.text for finding in found["leftovers"]]
    assert texts == [
        "Partial downloads that belong to no model: nobody.gguf.part (2.0 KB)",
        "Model files that no model uses: stray.gguf (4.0 KB)",
        "Downloads that were damaged or not the expected file: broken.gguf.bad (100 B)",
        "Temporary files of an interrupted write: config.toml.new (5 B)",
        "Copies of the database that modeld does not use: modeld.sqlite3.old (1.0 KB)",
    ]
    assert all(finding.level is Level.WARNING and finding.fix for finding in found["leftovers"])
    assert ["wanted.gguf.part" in finding.text for finding in found["model-files"]] == [True]
    assert all(path.exists() for path in left)


def test_files_of_a_killed_daemon_are_named(places: Places, tmp_path: Path):
    with a_daemon(tmp_path) as daemon:
        assert [finding.text for finding in examined(places)["leftovers"]] == ["none"]
        daemon.stop(signal.SIGKILL)
        (finding,) = examined(places)["leftovers"]
    assert "connection.json" in finding.text and "commands.sock" in finding.text
    assert "modelctl up" in finding.fix
