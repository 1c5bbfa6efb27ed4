"""What modeld and modelservice report, in German."""

import inspect
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import errors
from modelctl.doctor import examination
from modelctl.doctor.finding import Finding, Level
from modelctl.language import catalogue, names
from modelctl.language.sentences import of_failure, of_message
from modeld.places import Places
from modeld.protocol import keys
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modelservice import Program
from modelservice.systemd import Autostart
from support.commandline import modelctl


@pytest.fixture
def in_german() -> Iterator[None]:
    catalogue.use("de")
    yield
    catalogue.use("en")


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
    assert of_failure(wrong.value.failure) == f"{path} ist keine Schlüsseldatei."
    keys.write_private(path, "# who may\nlaptop\n")
    with pytest.raises(keys.KeyFileError) as nameless:
        keys.read_allowed(path)
    assert of_failure(nameless.value.failure) == f"{path}, Zeile 2, ist kein Name mit öffentlichem Schlüssel."


def test_a_hint_of_the_daemon_is_german_and_one_that_modelctl_gives_itself_stays(in_german: None) -> None:
    failure = Reason.HUB_REPOSITORY_UNKNOWN.failure(repo="org/none", words="none")
    assert errors.advice(failure).startswith("Prüfen Sie den Namen: modelctl search none. Ist es privat, ")
    assert errors.advice(errors.LocalFailure(code=failure.code, message="", hint=failure.hint)) == failure.hint
    old = Failure(code=failure.code, message="", hint="Try it.")
    assert errors.advice(old) == "Try it."
    catalogue.use("en")
    assert errors.advice(failure) == failure.hint


def test_a_hint_may_have_a_sentence_in_it(in_german: None) -> None:
    failure = Reason.HUB_BUSY_WITHOUT_TOKEN.failure(
        limit=Reason.HUB_LIMIT.note(requests=500, seconds=300), when=Reason.HUB_TRY_AGAIN_IN.note(seconds=77.0)
    )
    assert of_failure(failure) == (
        "Der Hub nimmt vorerst keine Anfragen mehr an (seine Grenze ist 500 Anfragen in 300 s)."
    )
    assert errors.advice(failure) == (
        "Versuchen Sie es in 77 s noch einmal. Mit einem Token (HF_TOKEN) liegt die Grenze höher."
    )


def test_what_the_system_says_of_a_file_is_german(tmp_path: Path, in_german: None) -> None:
    folder = tmp_path / "laptop.key"
    folder.mkdir(mode=0o700)
    with pytest.raises(keys.KeyFileError) as wrong:
        keys.read_pair(folder)
    assert of_failure(wrong.value.failure) == f"{folder} lässt sich nicht lesen: Das ist ein Ordner."


def test_a_step_of_a_download_is_german(in_german: None) -> None:
    assert names.of_phase("waiting for network") == "wartet auf das Netz"
    assert names.of_phase("starting over") == "beginnt von vorn"
    assert names.of_phase("tg") == "tg"


def test_everything_that_doctor_looks_at_has_a_german_title(places: Places, in_german: None) -> None:
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}  # nobody is there
    done = modelctl("doctor", "--online", "--json", timeout_s=60, env=environment)
    found = {finding["check"] for finding in json.loads(done.stdout)["findings"]}
    checks = set(re.findall(r"marked\(\"([a-z:-]+)\"\)", inspect.getsource(examination)))
    assert found <= checks
    assert [check for check in checks if Finding(check, Level.OK, "").title() == check] == []
