"""What others wrote (names, descriptions, headers, file names, templates, errors) reaches no terminal raw."""

import ast
import csv
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import gguf
import modelctl.cli
import modelctl.desktop
import pytest
from modelctl.cli.app import VERBS
from modelctl.client import Client
from modelctl.desktop.notices.news import DiskLow, JobEnded, ModelCrashed
from modelctl.desktop.notices.wording import worded
from modelctl.desktop.tray.appearance import appearance
from modelctl.desktop.tray.menu import Menu, menu
from modelctl.desktop.tray.unseen import failed
from modelctl.desktop.viewer.benchmarks import dialog_text as benchmark_texts
from modelctl.desktop.viewer.downloads import dialog_text as download_texts
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.model_card import model_card
from modeld.protocol import views
from modeld.protocol.states import FINAL, JobKind
from support import tiny_gguf
from support.real_daemon import RealDaemon

TITLE = "\x1b]0;pwned\x07"
C1 = "\x9b31m"
BIDI = "\u202e"
HOSTILE = f"bad{TITLE}{C1}{BIDI}\r\nerror: a line of its own"
OURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
"""Colours and cursor movements of our own programs; none of the hostile texts contains one of these."""
NUMBER = re.compile(r"[+-]?[0-9.]+")
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def header_of(path: Path, architecture: str) -> Path:
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(HOSTILE)
    writer.add_context_length(64)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def run_of(key: str) -> views.BenchmarkRun:
    figure = views.Figure(mean=2.0, stddev=0.1, n=3)
    return views.BenchmarkRun(
        id=key,
        result=views.BenchmarkResult(
            model_key=key,
            tokens_per_second=9.0,
            inference_time=5.0,
            context_used=1,
            context_available=2,
            timestamp="2026-01-01T00:00:00+00:00",
            prompt_tokens=1,
            completion_tokens=1,
            memory_usage_mb=1.0,
        ),
        prefill=figure,
        decode=figure,
        first_token_ms=figure,
        inference_ms=figure,
        disturbed=True,
        disturbance=f"=1+1|{HOSTILE}",
        environment=views.Environment(
            cpu='=HYPERLINK("http://x")', gpu="@SUM(1)", os="-1+1", library="+1", python="\t=1"
        ),
    )


@pytest.fixture
def settings() -> dict[str, str]:
    """A hub that refuses each connection."""
    return {"HF_ENDPOINT": "http://127.0.0.1:9", "MODELD_ALLOW_HTTP": "1"}


@pytest.fixture
def hostile(daemon: RealDaemon, client: Client, tmp_path: Path) -> RealDaemon:
    """A daemon whose models, files and results carry control characters wherever others may write."""
    folder = daemon.home / ".cache" / "llama.cpp"
    folder.mkdir(parents=True)
    tiny_gguf.write(folder / f"found{TITLE}.gguf", seed=5)
    tiny_gguf.write(tmp_path / f"fine{TITLE}.gguf")
    tiny_gguf.write(tmp_path / "template.gguf", template="{{ raise_exception('" + TITLE + C1 + "') }}", seed=2)
    client.add("fine", str(tmp_path / f"fine{TITLE}.gguf"), display_name=HOSTILE, description=HOSTILE)
    client.add("template", str(tmp_path / "template.gguf"), display_name=HOSTILE)
    header_of(daemon.home / "arch.gguf", f"llama{TITLE}{C1}")
    client.restore(
        views.Backup(
            format=1,
            at="2026-01-01T00:00:00+00:00",
            daemon_version="0",
            models=[views.AddedModel(key="far", source="https://example.invalid/x.gguf", description=HOSTILE)],
            runs=[run_of("fine"), run_of("template")],
        )
    )
    return daemon


def command(daemon: RealDaemon, *words: str) -> tuple[list[str], dict[str, str]]:
    environment = {**daemon.environment, "HOME": str(daemon.home), "COLUMNS": "200", "TERM": "xterm-256color"}
    return [sys.executable, "-m", "modelctl", *words], environment


def on_terminal(daemon: RealDaemon, *words: str) -> str:
    """What the command writes to a terminal, without the escape sequences that our own programs write."""
    line, environment = command(daemon, *words)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(daemon.home)
        os.execve(line[0], line, environment)
    out, deadline = b"", time.monotonic() + 60
    try:
        while time.monotonic() < deadline and select.select([terminal], [], [], 60)[0]:
            piece = os.read(terminal, 1 << 16)
            if not piece:
                break
            out += piece
    except OSError:  # EIO: the command has ended
        pass
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return OURS.sub("", out.decode())


CALLS: dict[str, list[list[str]]] = {
    "status": [["status"]],
    "logs": [["logs"]],
    "add": [
        ["add", "other", "/there/is/no\x1b]0;pwned\x07.gguf"],
        ["add", "fine", "x\x1b[8m"],
        ["add", "arch", "arch.gguf"],
    ],
    "ls": [["ls"], ["ls", "--long"]],
    "show": [["show", "fine"], ["show", "template"], ["show", "no\x1b]0;pwned\x07"]],
    "files": [["files", "hf:o/\x1b]0;pwned\x07"]],
    "search": [["search", "\x1b]0;pwned\x07"]],
    "scan": [["scan"], ["scan", "--all"]],
    "pull": [["pull", "far", "--no-wait"], ["pull", "fine"], ["pull", "hf:o/\x1b]0;pwned\x07"]],
    "jobs": [["jobs"]],
    "cancel": [["cancel", "\x1b]0;pwned\x07"]],
    "pause": [["pause", "\x1b]0;pwned\x07"]],
    "resume": [["resume", "\x1b]0;pwned\x07"]],
    "downloads": [["downloads"]],
    "move": [["move", "\x1b]0;pwned\x07", "1"]],
    "limit": [["limit", "\x1b]0;pwned\x07"]],
    "load": [["load", "template"], ["load", "fine"]],
    "ps": [["ps"]],
    "pin": [["pin", "fine"]],
    "unpin": [["unpin", "fine"]],
    "run": [["run", "template", "hi"], ["run", "fine", "hi", "--max-tokens", "8"]],
    "bench": [["bench", "template", "-r", "1"]],
    "results": [["results", "fine"], ["results", "template"]],
    "compare": [["compare"]],
    "export": [["export", "csv"], ["export", "md"], ["export", "json"]],
    "backup": [["backup", "/there/is/no\x1b]0;pwned\x07/file"]],
    "restore": [["restore", "/there/is/no\x1b]0;pwned\x07/file"]],
    "keys": [["keys", "list"], ["keys", "allow", "x", "\x1b]0;pwned\x07"]],
    "hosts": [["hosts", "list"], ["hosts", "add", "\x1b]0;pwned\x07", "x", "y"]],
    "doctor": [["doctor"]],
    "service": [["service", "status"]],
    "completion": [["completion", "bash"]],
    "unload": [["unload", "fine"]],
    "rm": [["rm", "fine"], ["rm", "\x1b]0;pwned\x07"]],
    "up": [["up"]],
    "down": [["down"]],
}
NOT_HERE = {"watch", "notify", "tray", "viewer"}
"""``watch`` is tested below; the desktop's texts are tested as values."""


def test_every_verb_is_tried() -> None:
    assert set(CALLS) | NOT_HERE == set(VERBS)


def test_no_verb_prints_a_control_character_of_others(hostile: RealDaemon) -> None:
    raw = {}
    for words in (words for calls in CALLS.values() for words in calls):
        shown = on_terminal(hostile, *words)
        line, environment = command(hostile, *words)
        piped = subprocess.run(
            line, env=environment, capture_output=True, timeout=60, stdin=subprocess.DEVNULL, cwd=hostile.home
        )
        if words != ["export", "csv"]:
            shown += piped.stdout.decode() + piped.stderr.decode()
        as_json = subprocess.run([*line, "--json"], env=environment, capture_output=True, timeout=60, cwd=hostile.home)
        shown += as_json.stdout.decode() + as_json.stderr.decode()
        if found := UNWANTED.search(shown):
            raw[" ".join(words)] = shown[max(0, found.start() - 60) : found.end() + 20]
    assert raw == {}


def test_a_line_end_in_a_name_does_not_start_a_line(hostile: RealDaemon) -> None:
    for words in (["ls"], ["ls", "--long"], ["show", "fine"], ["scan"], ["results", "fine"]):
        line, environment = command(hostile, *words)
        done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60)
        assert not [each for each in (done.stdout + done.stderr).splitlines() if each.startswith("error: a line")]


def test_exports_have_no_formula_and_no_split_row(hostile: RealDaemon) -> None:
    line, environment = command(hostile, "export", "csv")
    rows = list(csv.reader(subprocess.run(line, env=environment, capture_output=True, text=True).stdout.splitlines()))
    cells = [cell for row in rows for cell in row]
    assert {len(row) for row in rows} == {len(rows[0])} and len(rows) == 3
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and not NUMBER.fullmatch(cell)]
    line, environment = command(hostile, "export", "md")
    table = subprocess.run(line, env=environment, capture_output=True, text=True).stdout.splitlines()
    assert len(table) == 4 and all(row.replace("\\|", "").count("|") == 10 for row in table)


def test_watch_prints_no_control_character_of_others(hostile: RealDaemon, client: Client) -> None:
    line, environment = command(hostile, "watch", "benchmark.", "daemon.")
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True, bufsize=1) as watching:
        assert watching.stdout is not None
        seen: list[str] = []
        while not any("pwned" in text for text in seen):
            with pytest.raises(ModeldError):  # again, until the subscription is in place
                client.benchmark(["template"], repetitions=1, wait=True)
            while select.select([watching.stdout], [], [], 1)[0]:
                seen.append(watching.stdout.readline())
        watching.terminate()
    assert not UNWANTED.search("".join(seen))


def labels(entries: Menu) -> list[str]:
    return [text for entry in entries for text in (entry.label, *labels(entry.children))]


def hostile_snapshot(client: Client) -> views.Snapshot:
    """The daemon's snapshot after failures whose texts are hostile, with a job that failed so."""
    with pytest.raises(ModeldError):
        client.benchmark(["template"], repetitions=1, wait=True)
    return client.snapshot()


def test_nothing_of_the_desktop_shows_a_control_character_of_others(hostile: RealDaemon, client: Client) -> None:
    snapshot = hostile_snapshot(client)
    failures = [model.failure for model in snapshot.models if model.failure] + [
        job.failure for job in snapshot.jobs if job.failure
    ]
    assert failures
    tray = [*appearance(snapshot, failed(HOSTILE)).tooltip.split("\n"), *labels(menu(snapshot, failed(HOSTILE)))]
    news = [JobEnded(job, HOSTILE) for job in snapshot.jobs if job.state in FINAL]
    notices = [worded(each) for each in (*news, *map(ModelCrashed, snapshot.models), DiskLow(snapshot.system, HOSTILE))]
    shown = [text for notice in notices for text in (notice.title, notice.body, notice.brief)] + tray
    for model in snapshot.models:
        card = model_card(model)
        shown += [card.title, *card.about, *card.machine]
    shown += [text for failure in failures for text in (explained(failure), advice(failure))]
    shown += [text for each in download_texts.choices(snapshot) for text in (each.title, each.name, each.description)]
    shown += [each.name for each in benchmark_texts.candidates(snapshot)]
    shown += [benchmark_texts.job_row(job).note for job in snapshot.jobs if job.kind is JobKind.BENCHMARK]
    assert not [text for text in shown if UNWANTED.search(text)]
    assert not [text for text in tray if "\n" in text or "\r" in text]


def test_only_one_module_of_the_command_line_prints() -> None:
    folder = Path(modelctl.cli.__file__).parent
    printing = {"echo", "secho", "print", "write", "show_test"}
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in printing:
                    found.add(f"{path.relative_to(folder)}: {name}")
    allowed = {
        "output.py: echo",
        "progress.py: print",  # rich, above its bars; the text is made safe there
        "verb.py: write",  # click's formatter of our own help
        "commands/backup.py: write",  # a file
        "commands/remote.py: write",  # hosts.toml
    }
    assert found <= allowed
