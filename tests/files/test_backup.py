"""Backups of a real daemon: taken, restored elsewhere, merged; results for other programs."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from modelctl import Client
from modeld.protocol import views
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState
from modeld.settings import Settings
from support.real_daemon import DEADLINE_S, RealDaemon
from support.waiting import until

NINE = {
    "model_key": "tiny",
    "tokens_per_second": 45.32,
    "inference_time": 3250.5,
    "context_used": 158,
    "context_available": 8192,
    "timestamp": "2025-01-02T03:04:05.000006",
    "prompt_tokens": 30,
    "completion_tokens": 128,
    "memory_usage_mb": 4829.3,
}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[RealDaemon]:
    """A second daemon, in another home."""
    home = tmp_path / "other"
    home.mkdir()
    (home / "config.toml").write_text('# mine\nthreads = 1\nhub_token = "kept"\n')
    running = RealDaemon(home, {})
    yield running
    running.stop()
    assert "Traceback" not in running.log(), running.log()


def modelctl(daemon: RealDaemon, *words: str, code: int = 0, stdin: str | None = None) -> str:
    """What the verb prints in this daemon's home; it must end with ``code``."""
    done = subprocess.run(
        [sys.executable, "-m", "modelctl", *words],
        env={**os.environ, "MODELD_HOME": str(daemon.home), "MODELCTL_LANGUAGE": "en"},
        input=stdin or "",
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code in (0, 1) and done.stdout else done.stderr


def write_results(folder: Path, *records: object, key: str = "tiny") -> Path:
    file = folder / "model_benchmarks.json"
    file.write_text(json.dumps({key: records}))
    return file


def test_a_backup_is_taken_and_restored_into_another_home(
    daemon: RealDaemon, client: Client, other: RealDaemon, tiny_file: Path, tmp_path: Path
):
    daemon.places.config_file.write_text('context_size = 512\nthreads = 7\nhub_token = "hf_secret"\n')
    client.add("tiny", str(tiny_file), display_name="Tiny", description="for tests")
    client.add("far", "hf:org/repo:FILE.gguf", sha256="a" * 64)
    client.pin("tiny")
    client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    file = tmp_path / "backup.json"
    assert modelctl(daemon, "backup", str(file)).strip() == f"{file}: 2 settings, 2 added models, 1 result."
    assert file.stat().st_mode & 0o777 == 0o600
    assert "hf_secret" not in file.read_text()

    assert modelctl(other, "restore", str(file)).splitlines() == [
        "Settings restored, effective from the next start: context_size",
        "Settings left unchanged: threads",
        "Models added: tiny, far",
        "Results restored: 1, already known: 0",
    ]
    assert other.places.config_file.read_text() == 'context_size = 512\n# mine\nthreads = 1\nhub_token = "kept"\n'
    with Client(other.places, timeout_s=DEADLINE_S) as there:
        tiny = there.show("tiny")
        assert (tiny.state, tiny.display_name, tiny.description) == (ModelState.ON_DISK, "Tiny", "for tests")
        assert tiny.pinned and tiny.latest == client.show("tiny").latest and tiny.average is not None
        assert there.show("far").sha256 == "a" * 64 and there.show("far").state is ModelState.ABSENT
        assert there.results("tiny").runs == client.results("tiny").runs
        until(other.places.benchmarks_file.exists, "the mirror of the results")
        mirror = json.loads(other.places.benchmarks_file.read_text())
        assert mirror["tiny"] == [msgspec.to_builtins(tiny.latest)]
        other.stop()
        other.start()
        assert there.show("far").source == "hf:org/repo:FILE.gguf" and there.show("tiny").average is not None


def test_a_second_restore_changes_nothing_and_says_so(
    daemon: RealDaemon, client: Client, tiny_file: Path, tmp_path: Path
):
    client.add("tiny", str(tiny_file))
    client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    before = client.backup()
    done = client.restore(before)
    assert (done.models, done.models_known, done.runs, done.runs_known) == ([], ["tiny"], 0, 1)
    assert msgspec.structs.replace(client.backup(), at=before.at) == before


def test_an_older_benchmarks_file_is_taken_in_while_the_daemon_runs_and_duplicates_are_left_out(
    daemon: RealDaemon, client: Client, tiny_file: Path, tmp_path: Path
):
    client.add("tiny", str(tiny_file))
    client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    newest = client.show("tiny").latest
    later = {**NINE, "timestamp": "2025-01-03T00:00:00.000001"}
    file = write_results(tmp_path, NINE, later, NINE)
    assert modelctl(daemon, "restore", str(file)) == "Results restored: 2, already known: 1\n"
    tiny = client.show("tiny")
    assert tiny.latest == newest and tiny.average is not None and tiny.average.runs == 3
    assert [run.result.timestamp for run in client.results("tiny").runs[:2]] == [NINE["timestamp"], later["timestamp"]]
    assert modelctl(daemon, "restore", "-", stdin=file.read_text()) == "Results restored: 0, already known: 3\n"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"tiny": [{"model_key": "tiny"}]}',
        '{"tiny": 3}',
        '{"format": 1, "models": 7}',
        "\x00\x01",
        "[" * 9999,
    ],
)
def test_a_damaged_file_is_refused_and_nothing_is_lost(
    daemon: RealDaemon, client: Client, tmp_path: Path, content: str
):
    client.restore(views.Backup(format=1, at="", daemon_version=""), [msgspec.convert(NINE, views.BenchmarkResult)])
    until(daemon.places.benchmarks_file.exists, "the mirror of the results")
    mirror = daemon.places.benchmarks_file.read_bytes()
    file = tmp_path / "damaged.json"
    file.write_text(content)
    said = modelctl(daemon, "restore", str(file), code=1)
    assert "neither a backup nor a model_benchmarks.json" in said and "Nothing was changed." in said
    assert daemon.places.benchmarks_file.read_bytes() == mirror


def test_a_backup_of_a_newer_format_is_refused_by_its_number(daemon: RealDaemon, tmp_path: Path):
    file = tmp_path / "newer.json"
    file.write_text('{"format": 2, "anything": []}')
    assert "has format 2; this modelctl knows 1" in modelctl(daemon, "restore", str(file), code=1)


def test_what_cannot_be_is_refused_by_name_and_the_rest_is_taken_in(daemon: RealDaemon, client: Client):
    records = [
        msgspec.convert(record, views.BenchmarkResult)
        for record in (
            NINE,
            {**NINE, "timestamp": "yesterday"},
            {**NINE, "tokens_per_second": -1.0, "timestamp": "2025-01-04"},
            {**NINE, "model_key": "../up", "timestamp": "2025-01-05"},
        )
    ]
    models = [
        views.AddedModel(key="good", source="https://example.org/good.gguf"),
        views.AddedModel(key="BAD KEY", source="https://example.org/bad.gguf"),
        views.AddedModel(key="bad", source="ftp://example.org/bad.gguf"),
    ]
    settings = 'hub_token = "theirs"\nthreads = -3\n'
    done = client.restore(views.Backup(format=1, at="", daemon_version="", settings=settings, models=models), records)
    assert (done.models, done.runs, done.settings) == (["good"], 1, [])
    about = ["hub_token", "threads", "BAD KEY", "bad", "yesterday", "tokens_per_second", "../up"]
    assert len(done.refused) == len(about)
    assert all(word in reason for word, reason in zip(about, done.refused, strict=True)), done.refused
    assert not daemon.places.config_file.exists()


DANGEROUS = """models_dir = "/somewhere"
hub_endpoint = "https://elsewhere.example"
allow_http = true
allow_private_redirects = true
listen = "tcp://*:7000"
max_requests_per_s = 0.0
max_open_requests = 0
"""
HARMLESS = """default_model = "tiny"
use_gpu = false
gpu_layers = 3
threads = 1
context_size = 512
max_loaded_models = 2
idle_unload_s = 60.0
benchmark_every_days = 1.0
max_downloads = 3
download_connections = 4
download_limit = 1000
log_level = "info"
tray = false
load_timeout_s = 900.0
template_timeout_s = 5.0
worker_silence_s = 60.0
stop_timeout_s = 4.0
"""


def test_every_setting_is_either_restored_or_needs_agreement_or_is_a_secret():
    names = [line.partition(" ")[0] for line in (DANGEROUS + HARMLESS).splitlines()]
    assert sorted([*names, "hub_token"]) == sorted(Settings.__struct_fields__), "decide about a new setting"


def test_settings_that_can_do_harm_are_restored_only_with_agreement(daemon: RealDaemon, client: Client):
    backup = views.Backup(format=1, at="", daemon_version="", settings=DANGEROUS + HARMLESS)
    done = client.restore(backup)
    assert [note.reason for note in done.refusals] == [Reason.RESTORE_SETTING_HELD_BACK.id] * 7
    said = [f"{note.fields['name']} = {note.fields['value']}\n" for note in done.refusals]
    assert "".join(said) == DANGEROUS
    assert daemon.places.config_file.read_text() == HARMLESS
    agreed = client.restore(backup, trust_settings=True)
    assert len(agreed.settings) == 7 and agreed.refusals == []
    assert daemon.places.config_file.read_text() == DANGEROUS + HARMLESS


def restore_at_a_terminal(daemon: RealDaemon, file: Path, typed: bytes) -> str:
    """What ``modelctl restore`` shows on a terminal, where the user types this answer."""
    ours, theirs = pty.openpty()
    restoring = subprocess.Popen(
        [sys.executable, "-m", "modelctl", "restore", str(file)],
        env={**os.environ, "MODELD_HOME": str(daemon.home), "MODELCTL_LANGUAGE": "en"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, typed)
    restoring.wait(DEADLINE_S)
    seen += os.read(ours, 65536)
    os.close(ours)
    return seen.decode()


@pytest.mark.parametrize(("typed", "agreed"), [(b"y\n", True), (b"\n", False)])
def test_a_person_is_asked_about_settings_that_can_do_harm(
    daemon: RealDaemon, tmp_path: Path, typed: bytes, agreed: bool
):
    file = tmp_path / "backup.json"
    settings = 'threads = 1\nhub_endpoint = "https://elsewhere.example"\n'
    file.write_text(json.dumps({"format": 1, "at": "", "daemon_version": "", "settings": settings}))
    seen = restore_at_a_terminal(daemon, file, typed)
    assert 'hub_endpoint = "https://elsewhere.example"' in seen
    assert ("hub_endpoint" in daemon.places.config_file.read_text()) is agreed
    assert ("Refused" in seen) is not agreed


def test_a_script_is_not_asked_and_can_agree_beforehand(daemon: RealDaemon, tmp_path: Path):
    file = tmp_path / "backup.json"
    file.write_text(json.dumps({"format": 1, "at": "", "daemon_version": "", "settings": "allow_http = true\n"}))
    refused = "Refused: allow_http = true needs the user's agreement."
    assert modelctl(daemon, "restore", str(file), code=1).strip() == refused
    assert "allow_http" in modelctl(daemon, "restore", "--trust-settings", str(file))
    assert daemon.places.config_file.read_text() == "allow_http = true\n"


def test_a_backup_larger_than_a_request_goes_in_in_parts(client: Client):
    nine = msgspec.convert(NINE, views.BenchmarkResult)
    many = [
        msgspec.structs.replace(nine, timestamp=f"2025-01-02T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000001")
        for n in range(5000)
    ]
    assert len(msgspec.json.encode(many)) > 1024 * 1024
    done = client.restore(views.Backup(format=1, at="", daemon_version=""), many)
    assert (done.runs, done.refused) == (5000, [])
    assert len(client.backup().runs) == 5000


def test_results_are_exported_for_other_programs(daemon: RealDaemon, client: Client, tiny_file: Path, tmp_path: Path):
    client.add("tiny", str(tiny_file))
    client.benchmark(["tiny"], repetitions=2, max_tokens=4, wait=True)
    client.restore(
        views.Backup(format=1, at="", daemon_version=""),
        [msgspec.convert({**NINE, "model_key": "other"}, views.BenchmarkResult)],
    )
    (run,) = client.results("tiny").runs
    rows = list(csv.DictReader(io.StringIO(modelctl(daemon, "export", "csv"))))
    assert [row["model_key"] for row in rows] == ["other", "tiny"]
    assert float(rows[1]["decode_mean"]) == run.decode.mean and rows[1]["environment_cpu"] == run.environment.cpu
    assert rows[0]["prefill_mean"] == "" and rows[0]["tokens_per_second"] == "45.32"
    table = modelctl(daemon, "export", "md", "--model", "TINY").splitlines()
    assert len(table) == 3 and table[2].startswith(
        f"| tiny | {run.result.timestamp} | {run.result.tokens_per_second:.2f}"
    )
    file = tmp_path / "results.json"
    assert modelctl(daemon, "export", "json", str(file)) == f"{file}: 2 results.\n"
    assert modelctl(daemon, "restore", str(file)) == "Results restored: 0, already known: 2\n"


def test_a_broken_settings_file_is_named_and_no_backup_is_written(daemon: RealDaemon, client: Client, tmp_path: Path):
    daemon.places.config_file.write_text("threads = ")
    said = modelctl(daemon, "backup", str(tmp_path / "backup.json"), code=2)
    assert "config.toml is not valid TOML" in said
    assert not (tmp_path / "backup.json").exists()


def test_a_file_that_cannot_be_written_is_a_sentence(daemon: RealDaemon, tmp_path: Path):
    said = modelctl(daemon, "backup", str(tmp_path / "no" / "folder.json"), code=1)
    assert "folder.json cannot be written" in said
