"""The steps of docs/security.md as a person takes them: keys, hosts, --host, and what is refused on the way."""

import json
import shlex
import stat
from pathlib import Path

import pytest
from support.commandline import modelctl
from support.real_daemon import RealDaemon


@pytest.fixture
def settings() -> dict[str, str]:
    return {"MODELD_LISTEN": "tcp://127.0.0.1:0"}


class Home:
    """One person's command line."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *words: str, code: int = 0) -> str:
        """What it prints; the code must be as expected."""
        done = modelctl(*words, env=self.environment)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 and done.stdout else done.stderr


@pytest.fixture
def here(daemon: RealDaemon) -> Home:
    return Home(daemon.environment)


@pytest.fixture
def away(daemon: RealDaemon, tmp_path: Path) -> Home:
    return Home({**daemon.environment, "MODELD_HOME": str(tmp_path / "away")})


def test_the_steps_of_the_documentation_lead_to_a_status_and_back(
    daemon: RealDaemon, here: Home, away: Home, tmp_path: Path
):
    public = away("keys", "create", "laptop").strip()
    connection = json.loads(daemon.places.connection_file.read_text())
    server = json.loads(here("--json", "keys", "list"))["server"]
    assert server == connection["remote_key"]
    add = ["hosts", "add", "work", connection["remote_commands"], server, "--events", connection["remote_events"]]
    away(*add)
    refused = away("--host", "work", "status", code=5)
    assert f"modelctl keys allow NAME '{public}'" in refused
    here("keys", "allow", "laptop", public)
    status = json.loads(away("--host", "work", "--json", "status"))
    assert status["daemon"]["pid"] == daemon.process.pid
    assert public in here("keys", "list") and public in away("keys", "list") and "work" in away("hosts", "list")
    here("keys", "revoke", "laptop")
    away("--host", "work", "status", code=5)
    away("hosts", "rm", "work")
    assert "hosts add work" in away("--host", "work", "status", code=4)
    secret = shlex.split((tmp_path / "away" / "keys" / "laptop.key").read_text())[-1]
    assert secret not in away("--json", "keys", "list") and secret not in away("keys", "list")


def test_a_public_key_can_come_in_a_file(here: Home, away: Home, tmp_path: Path):
    file = tmp_path / "laptop.pub"
    file.write_text(away("keys", "create", "laptop"))
    here("keys", "allow", "laptop", str(file))
    assert json.loads(here("--json", "keys", "list"))["allowed"] == [
        {"name": "laptop", "public": file.read_text().strip()}
    ]


def test_keys_are_for_this_user_only_and_never_overwritten(away: Home, tmp_path: Path):
    away("keys", "create", "laptop")
    file = tmp_path / "away" / "keys" / "laptop.key"
    before = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "already" in away("keys", "create", "laptop", code=5)
    assert file.read_bytes() == before
    file.chmod(0o640)
    assert f"chmod 600 {file}" in away("keys", "list", code=1)


KEY = "k" * 40


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["keys", "create", "../evil"], 2),
        (["keys", "create", "Big Name"], 2),
        (["keys", "allow", "laptop", "short"], 2),
        (["keys", "allow", "a b", KEY], 2),
        (["keys", "revoke", "nobody"], 4),
        (["hosts", "add", "w", "ipc:///tmp/x", KEY], 2),
        (["hosts", "add", "w", "tcp://h:0", KEY], 2),
        (["hosts", "add", "w", "tcp://h:1", "short"], 2),
        (["hosts", "add", "w", "tcp://h:1", KEY], 2),
        (["hosts", "rm", "nobody"], 4),
        (["--host", "nobody", "ls"], 4),
        (["--host", "work", "up"], 2),
        (["--host", "work", "logs"], 2),
    ],
)
def test_what_makes_no_sense_is_refused(away: Home, words: list[str], code: int):
    away(*words, code=code)
