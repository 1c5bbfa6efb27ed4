"""Every verb as its own process against a fake daemon: what it prints, where, and its exit code."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from modelctl.cli.app import VERBS
from modeld.places import Places
from modeld.protocol import replies, requests
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobState
from support.commandline import COMMAND, modelctl, start
from support.fake_daemon import FakeDaemon


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(verb: str) -> None:
    done = modelctl(verb, "--help")
    assert done.returncode == 0
    assert f"Example:\n  {'eval' if verb == 'completion' else 'modelctl'}" in done.stdout or "| modelctl" in done.stdout


def test_the_version_is_printed() -> None:
    assert modelctl("--version").stdout.startswith("modelctl 0.")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["up"], "pong"),
        (["status"], "status"),
        (["ls"], "models"),
        (["ps"], "models"),
        (["show", "mistral"], "model"),
        (["add", "new", "hf:org/repo:Q4"], "model"),
        (["rm", "phi"], "done"),
        (["pull", "phi"], "jobs"),
        (["pull", "mistral", "--no-wait"], "jobs"),
        (["jobs"], "jobs"),
        (["cancel", "mistral"], "done"),
        (["load", "phi"], "model"),
        (["unload", "phi"], "done"),
        (["unload", "--all"], "done"),
        (["pin", "phi"], "done"),
        (["unpin", "phi"], "done"),
        (["results", "phi"], "history"),
        (["compare"], "comparison"),
    ],
)
def test_json_is_the_protocols_result_before_and_after_the_verb(
    fake_daemon: FakeDaemon, words: list[str], kind: str
) -> None:
    after = modelctl(*words, "--json")
    assert (after.returncode, after.stderr) == (0, "")
    result = msgspec.json.decode(after.stdout, type=replies.AnyResult)
    assert type(result).__name__.lower() == kind
    if words[0] not in ("add", "pull"):
        assert modelctl("--json", *words).stdout == after.stdout


def test_down_with_json_prints_the_result_and_the_daemon_is_gone(places: Places) -> None:
    fake = subprocess.Popen([sys.executable, "-m", "support.fake_daemon"])
    try:
        deadline = time.monotonic() + 10
        while not places.connection_file.exists() and time.monotonic() < deadline:
            fake_ended = fake.poll()
            assert fake_ended is None
        done = modelctl("down", "--json")
        assert json.loads(done.stdout)["type"] == "done"
        assert fake.wait(5) == 0
    finally:
        fake.kill()
        fake.wait()
    assert modelctl("down").returncode == 0


@pytest.mark.parametrize("words", [["pull", "mistral"], ["bench", "mistral"]])
def test_a_watched_job_with_json_is_lines_of_events_and_then_the_job(fake_daemon: FakeDaemon, words: list[str]) -> None:
    done = modelctl(*words, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert {line["type"] for line in lines[:-1]} <= {"job_changed", "job_progress"}
    assert (lines[-1]["type"], lines[-1]["jobs"][0]["state"]) == ("jobs", "done")


def test_run_with_json_is_chunks_and_then_the_generation(fake_daemon: FakeDaemon) -> None:
    lines = [json.loads(line) for line in modelctl("run", "mistral", "hi", "--json").stdout.splitlines()]
    assert "".join(line["text"] for line in lines[:-1]) == "w1 w2 w3 w4 w5 "
    assert (lines[-1]["type"], lines[-1]["generation"]["finish"]) == ("generated", "stop")


def test_watch_with_json_is_the_wire_and_ends_with_the_daemon(fake_daemon: FakeDaemon) -> None:
    watching = start(["watch", "model.", "--json"])
    assert watching.stdout is not None
    change = fake_daemon.models["mistral"]
    line = ""
    while not line:  # the subscription takes a moment: tell it until it is heard
        fake_daemon.do(lambda: fake_daemon.change(change))
        line = watching.stdout.readline() if _readable(watching, 0.2) else ""
    assert json.loads(line)["type"] == "model_changed"
    fake_daemon.close()
    rest, error = watching.communicate(timeout=10)
    assert watching.returncode == 3
    assert json.loads(error)["error"]["code"] == "unreachable"
    assert "heartbeat" not in rest


def _readable(process: "subprocess.Popen[str]", timeout_s: float) -> bool:
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], timeout_s)[0])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["show", "nobody"], 4, "not_found"),
        (["load", "absent"], 5, "not_on_disk"),
        (["add", "phi", "hf:a/b:c"], 5, "already_exists"),
        (["load"], 2, "bad_request"),
        (["unload"], 2, "bad_request"),
        (["bench"], 2, "bad_request"),
        (["nonsense"], 2, "bad_request"),
        (["run", "nobody", "hi"], 4, "not_found"),
    ],
)
def test_errors_have_exit_codes_and_structure(fake_daemon: FakeDaemon, words: list[str], code: int, says: str) -> None:
    plain, as_json = modelctl(*words), modelctl(*words, "--json")
    assert (plain.returncode, as_json.returncode) == (code, code)
    assert (plain.stdout, as_json.stdout) == ("", "")
    assert json.loads(as_json.stderr)["error"]["code"] == says
    assert "rror: " in plain.stderr


def test_an_error_shows_its_message_and_its_hint(fake_daemon: FakeDaemon) -> None:
    assert modelctl("load", "ABSENT").stderr == "error: absent is not on disk.\nhint: modelctl pull absent\n"


@pytest.mark.parametrize("verb", ["status", "ls", "ps", "jobs", "compare", "watch"])
def test_without_a_daemon_the_exit_code_is_3_and_the_hint_says_up(places: Places, verb: str) -> None:
    done = modelctl(verb)
    assert done.returncode == 3
    assert "hint: Start it with: modelctl up" in done.stderr


def test_a_failed_pull_shows_message_and_hint_and_exits_1(fake_daemon: FakeDaemon) -> None:
    fake_daemon.pull_failure = Failure(code=ErrorCode.HTTP_ERROR, message="404 for https://x/y", hint="Check the name.")
    done = modelctl("pull", "mistral")
    assert done.returncode == 1
    assert done.stderr.endswith("error: 404 for https://x/y\nhint: Check the name.\n")


def test_a_pull_off_a_terminal_prints_a_line_for_each_ten_percent(fake_daemon: FakeDaemon) -> None:
    done = modelctl("pull", "MISTRAL")
    lines = done.stderr.splitlines()
    assert done.returncode == 0
    assert "MISTRAL is downloaded" in done.stdout
    assert any(line == "MISTRAL  60.0%  6.0 MB / 10.0 MB  1.0 MB/s  ETA 4s" for line in lines), lines
    assert len(lines) <= 13


def test_a_pull_of_what_is_there_says_so(fake_daemon: FakeDaemon) -> None:
    assert "already downloaded" in modelctl("pull", "phi").stdout


def test_ctrl_c_leaves_the_download_running_and_says_what_to_do(fake_daemon: FakeDaemon) -> None:
    fake_daemon.hold_pull = True
    pulling = start(["pull", "mistral"])
    assert pulling.stderr is not None
    while "50.0%" not in pulling.stderr.readline():
        assert pulling.poll() is None
    pulling.send_signal(signal.SIGINT)
    _, error = pulling.communicate(timeout=10)
    assert pulling.returncode == 130
    assert "modelctl pull mistral" in error
    assert "modelctl cancel mistral" in error
    assert fake_daemon.jobs["p1"].state is JobState.RUNNING
    assert not any(isinstance(request, requests.Cancel) for request in fake_daemon.seen)


def test_several_models_are_pulled_together_and_a_refused_one_keeps_none_from_it(fake_daemon: FakeDaemon) -> None:
    done = modelctl("pull", "absent", "nobody", "phi")
    assert "ABSENT is downloaded." in done.stdout
    assert done.returncode == 4 and "nobody" in done.stderr
    asked = [request.model for request in fake_daemon.seen if isinstance(request, requests.Pull)]
    assert asked == ["absent", "nobody", "phi"]


def test_pause_and_resume_hold_a_download_and_let_it_go_on(fake_daemon: FakeDaemon) -> None:
    fake_daemon.hold_pull = True
    modelctl("pull", "absent", "--no-wait")
    assert modelctl("pause", "ABSENT").stdout == "ABSENT is paused.\n"
    assert modelctl("resume", "--all").stdout == "ABSENT is running.\n"
    assert modelctl("pause", "phi").returncode == 4
    assert modelctl("pause").returncode == 2
    assert modelctl("resume", "absent", "--all").returncode == 2


def test_ctrl_c_cancels_a_generation(fake_daemon: FakeDaemon) -> None:
    fake_daemon.hold_generation = True
    running = start(["run", "mistral", "hi"])
    assert running.stdout is not None
    assert running.stdout.read(3) == "w1 "
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=10)
    assert running.returncode == 130
    chat = next(request for request in fake_daemon.seen if isinstance(request, requests.Chat))
    assert any(isinstance(request, requests.Cancel) and request.request == chat.id for request in fake_daemon.seen)


def test_run_reads_the_prompt_from_a_pipe_and_passes_its_options(fake_daemon: FakeDaemon) -> None:
    words = ["run", "MISTRAL", "--system", "Be brief", "--max-tokens", "9", "--temperature", "0", "--seed", "7"]
    done = modelctl(*words, stdin="from a pipe")
    assert done.stdout == "w1 w2 w3 w4 w5 \n"
    chat = next(request for request in fake_daemon.seen if isinstance(request, requests.Chat))
    assert [turn.content for turn in chat.messages] == ["Be brief", "from a pipe"]
    assert (chat.max_tokens, chat.sampling.temperature, chat.sampling.seed) == (9, 0.0, 7)


def test_run_leaves_to_the_model_what_is_not_said(fake_daemon: FakeDaemon) -> None:
    assert modelctl("run", "MISTRAL", "hello").returncode == 0
    chat = next(request for request in fake_daemon.seen if isinstance(request, requests.Chat))
    assert chat.sampling == requests.Sampling()


def test_a_conversation_remembers_what_was_said_and_shows_the_context(fake_daemon: FakeDaemon) -> None:
    ours, theirs = pty.openpty()
    talking = subprocess.Popen([*COMMAND, "run", "mistral"], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    seen = _until(ours, b">>> ")
    os.write(ours, b"first\n")
    seen += _until(ours, b">>> ")
    os.write(ours, b"second\n")
    seen += _until(ours, b">>> ")
    os.write(ours, b"/bye\n")
    assert talking.wait(10) == 0
    os.close(ours)
    chats = [request for request in fake_daemon.seen if isinstance(request, requests.Chat)]
    assert [turn.content for turn in chats[1].messages] == ["first", "w1 w2 w3 w4 w5 ", "second"]
    assert b"Context: 158/8192 tokens" in seen
    assert b"\x1b[32m" in seen


def _until(descriptor: int, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end):
        found += os.read(descriptor, 1024)
    return found


def test_no_color_is_heard_on_a_terminal(fake_daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    ours, theirs = pty.openpty()
    comparing = subprocess.Popen([*COMMAND, "compare"], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = _until(ours, b"MB)\r\n")
    comparing.wait(10)
    os.close(ours)
    assert b"\x1b[" not in seen


def test_the_fastest_row_is_coloured_on_a_terminal_and_nothing_is_in_a_pipe(fake_daemon: FakeDaemon) -> None:
    ours, theirs = pty.openpty()
    comparing = subprocess.Popen([*COMMAND, "compare"], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while b"\x1b[36m\xf0\x9f\x92\xbe" not in seen:
        seen += os.read(ours, 1024)
    comparing.wait(10)
    os.close(ours)
    assert b"\x1b[32m\x1b[1mMISTRAL" in seen
    assert "\x1b" not in modelctl("compare").stdout


def test_a_reader_that_goes_away_is_handled_quietly(fake_daemon: FakeDaemon) -> None:
    watching = start(["watch"])
    assert watching.stdout is not None
    assert watching.stderr is not None
    watching.stdout.close()
    while watching.poll() is None:
        fake_daemon.do(lambda: fake_daemon.change(fake_daemon.models["mistral"]))
        try:
            watching.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    assert watching.stderr.read() == ""
    watching.stderr.close()


def test_ps_shows_what_is_in_memory_only(fake_daemon: FakeDaemon) -> None:
    done = modelctl("ps")
    assert "MISTRAL" in done.stdout
    assert "158/8192" in done.stdout
    assert "PHI" not in done.stdout


def test_bench_ends_with_the_numbers_and_warns_of_a_disturbed_run(fake_daemon: FakeDaemon) -> None:
    done = modelctl("bench", "mistral", "phi", "-r", "2")
    assert done.returncode == 0
    assert done.stdout.count("tg128       45.32 ± 0.50 tokens/sec") == 2
    assert "another process took 40 % of the CPU" in done.stderr
    assert "MISTRAL  3/9  tg  45.0 tokens/sec" in done.stderr


def test_add_makes_a_path_absolute(fake_daemon: FakeDaemon) -> None:
    modelctl("add", "Mine", "some/file.gguf")
    asked = next(request for request in fake_daemon.seen if isinstance(request, requests.Add))
    assert (asked.model, asked.source) == ("mine", str(Path("some/file.gguf").absolute()))


def test_keys_complete_while_a_daemon_runs(fake_daemon: FakeDaemon) -> None:
    asked = {**os.environ, "_MODELCTL_COMPLETE": "bash_complete", "COMP_WORDS": "modelctl load MI", "COMP_CWORD": "2"}
    assert modelctl(env=asked).stdout == "plain,mistral\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_modelctl(shell: str) -> None:
    assert "_MODELCTL_COMPLETE" in modelctl("completion", shell).stdout


def test_logs_shows_the_last_lines(places: Places) -> None:
    places.state_dir.mkdir(parents=True)
    places.log_file.write_text("".join(f"line {number}\n" for number in range(20_000)))
    assert modelctl("logs", "-n", "2").stdout == "line 19998\nline 19999\n"
    assert modelctl("logs", "-n", "1", "--json").stdout == '{"line": "line 19999"}\n'


def test_logs_follows_over_rotation(places: Places) -> None:
    places.state_dir.mkdir(parents=True)
    places.log_file.write_text("one\n")
    following = start(["logs", "-f"])
    assert following.stdout is not None
    assert following.stdout.readline() == "one\n"
    with places.log_file.open("a") as log:
        log.write("two\n")
    assert following.stdout.readline() == "two\n"
    with places.log_file.open("a") as log:
        log.write("three\n")
    places.log_file.rename(places.log_file.with_suffix(".log.1"))
    places.log_file.write_text("four\n")
    assert [following.stdout.readline(), following.stdout.readline()] == ["three\n", "four\n"]
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=10)
    assert following.returncode == 130


def package_instead_of_modeld(folder: Path, main: str) -> dict[str, str]:
    """An environment in which ``python -m modeld`` runs ``main``, with the rest of modeld as it is."""
    import modeld

    assert modeld.__file__ is not None
    other = folder / "path" / "modeld"
    other.mkdir(parents=True)
    real = Path(modeld.__file__).parent
    (other / "__init__.py").write_text(f"__version__ = '0'\n__path__.append({str(real)!r})\n")
    (other / "__main__.py").write_text(main)
    return {**os.environ, "PYTHONPATH": f"{other.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def test_up_with_a_daemon_that_cannot_start_shows_the_end_of_its_log(places: Places, tmp_path: Path) -> None:
    done = modelctl("up", env=package_instead_of_modeld(tmp_path, "raise SystemExit('the disk is on fire')\n"))
    assert done.returncode == 1
    assert "the disk is on fire" in done.stderr


def test_up_starts_a_daemon_that_outlives_it_once_and_down_ends_it(places: Places, tmp_path: Path) -> None:
    main = "from modeld.places import find\nfrom support.fake_daemon import FakeDaemon\nFakeDaemon(find()).join()\n"
    env = package_instead_of_modeld(tmp_path, main)
    first, again = modelctl("up", env=env), modelctl("up", env=env)
    try:
        assert (first.returncode, again.returncode) == (0, 0)
        assert "is running (process" in first.stdout
        assert "is running already" in again.stdout
        assert (places.state_dir / "boot.log").exists()
    finally:
        done = modelctl("down", env=env)
    assert done.stdout == "modeld has stopped.\n"
    assert not places.connection_file.exists()
