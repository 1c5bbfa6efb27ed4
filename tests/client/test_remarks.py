"""What modeld and modelservice say in English beside their failures, as a person who reads German has it."""

import ast
import inspect
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import modeld
import modelservice
import pytest
from modelctl import errors
from modelctl.doctor import examination
from modelctl.doctor.finding import Finding, Level
from modelctl.language import catalogue, hints, names
from modelctl.language.remarks import TEMPLATES, said
from modelctl.language.sentences import of_message
from modeld.places import Places
from modeld.protocol import keys
from modeld.protocol.errors import ErrorCode, Failure
from modelservice import Program
from modelservice.systemd import Autostart
from support.commandline import modelctl


@pytest.fixture
def in_german() -> Iterator[None]:
    catalogue.use("de")
    yield
    catalogue.use("en")


def literals() -> str:
    """All literal text in modeld and modelservice."""
    found = []
    for package in (modeld, modelservice):
        for path in Path(package.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return "\n".join(found)


def test_every_template_is_a_sentence_that_is_said_there() -> None:
    texts = literals()
    templates = [*TEMPLATES, *hints.TEMPLATES]
    pieces = [piece for template in templates for piece in re.split(r"\{\w+\}|, and |(?<=\.) ", template)]
    assert [piece for piece in pieces if piece not in texts] == []


@pytest.mark.parametrize(
    ("remark", "german"),
    [
        (
            "starting over: the file on the server has changed",
            "beginnt neu: die Datei auf dem Server hat sich geändert",
        ),
        ("starting over: nobody knows why", "beginnt neu: nobody knows why"),
        (
            "the file on the server has fewer bytes (1,234) than what we asked for",
            "die Datei auf dem Server hat weniger Bytes (1,234) als angefordert",
        ),
        (
            "the file on the server has fewer bytes than what we asked for",
            "die Datei auf dem Server hat weniger Bytes als angefordert",
        ),
        ("Nobody has said this before.", "Nobody has said this before."),
        ("", ""),
    ],
)
def test_a_remark_is_german_and_one_that_is_not_known_stays(remark: str, german: str, in_german: None) -> None:
    assert said(remark) == german
    catalogue.use("en")
    assert said(remark) == remark


def test_what_a_service_did_is_german(tmp_path: Path, in_german: None) -> None:
    service = Autostart(tmp_path)
    done = [of_message(message) for message in service.install(Program(Path("/python")))]
    entries = [tmp_path / "autostart" / name for name in ("modeld.desktop", "modeld-tray.desktop")]
    assert done[:2] == [f"geschrieben: {path}" for path in entries]
    assert done[2].startswith("Es startet bei der nächsten Anmeldung an einem Desktop; ")
    assert catalogue._(service.state().kind) == "Autostart-Eintrag"
    assert [of_message(message) for message in service.uninstall()] == [f"entfernt: {path}" for path in entries]


def test_what_is_wrong_with_a_file_of_keys_is_german(tmp_path: Path, in_german: None) -> None:
    path = tmp_path / "laptop.key"
    keys.write_private(path, "nonsense")
    with pytest.raises(keys.KeyFileError) as wrong:
        keys.read_pair(path)
    assert said(str(wrong.value)) == f"{path} ist keine Schlüsseldatei."
    keys.write_private(path, "# who may\nlaptop\n")
    with pytest.raises(keys.KeyFileError) as nameless:
        keys.read_allowed(path)
    assert said(str(nameless.value)) == f"{path}, Zeile 2, ist kein Name mit öffentlichem Schlüssel."


@pytest.mark.parametrize(
    ("hint", "german"),
    [
        ("Try again in some minutes.", "Versuchen Sie es in ein paar Minuten noch einmal."),
        (
            "Check its name: modelctl search none. If it is private, set HF_TOKEN to a token that may read it.",
            "Prüfen Sie den Namen: modelctl search none. Ist es privat, setzen Sie HF_TOKEN auf ein Token, das es lesen"
            " darf.",
        ),
        ("modelctl pull tiny", "modelctl pull tiny"),
        ("", ""),
    ],
)
def test_a_hint_of_the_daemon_is_german_and_one_that_modelctl_gives_itself_stays(
    hint: str, german: str, in_german: None
) -> None:
    code = ErrorCode.NOT_FOUND
    assert errors.advice(Failure(code=code, message="", hint=hint)) == german
    assert errors.advice(errors.LocalFailure(code=code, message="", hint=hint)) == hint
    catalogue.use("en")
    assert errors.advice(Failure(code=code, message="", hint=hint)) == hint


def test_what_the_system_says_of_a_file_is_german(tmp_path: Path, in_german: None) -> None:
    folder = tmp_path / "laptop.key"
    folder.mkdir(mode=0o700)
    with pytest.raises(keys.KeyFileError) as wrong:
        keys.read_pair(folder)
    assert said(str(wrong.value)) == f"{folder} lässt sich nicht lesen: Das ist ein Ordner."


def test_a_step_of_a_download_is_german(in_german: None) -> None:
    assert names.of_phase("waiting for network") == "wartet auf das Netz"
    assert names.of_phase("starting over") == "beginnt neu"
    assert names.of_phase("tg") == "tg"


def test_everything_that_doctor_looks_at_has_a_german_title(places: Places, in_german: None) -> None:
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}  # nobody is there
    done = modelctl("doctor", "--online", "--json", timeout_s=60, env=environment)
    found = {finding["check"] for finding in json.loads(done.stdout)["findings"]}
    checks = set(re.findall(r"marked\(\"([a-z:-]+)\"\)", inspect.getsource(examination)))
    assert found <= checks
    assert [check for check in checks if Finding(check, Level.OK, "").title() == check] == []
