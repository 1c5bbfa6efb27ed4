"""The installers: what they write, what they say, and that removing takes nothing else along."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from modelservice import Program, ServiceError
from modelservice.launchd import LaunchAgent
from modelservice.service import for_this_system
from modelservice.systemd import Autostart, SystemdUser
from modelservice.windows import DAEMON, TRAY, RunKey

PROGRAM = Program(Path("/usr/bin/python3"), (("MODELD_HOME", "/srv/models"),))


def test_without_systemd_two_autostart_entries_are_written_and_removed(tmp_path: Path):
    other = tmp_path / "autostart/other.desktop"
    other.parent.mkdir()
    other.write_text("mine")
    service = Autostart(tmp_path)
    assert service.state().at_login is False
    service.install(PROGRAM)
    service.install(PROGRAM)
    names = sorted(path.name for path in other.parent.iterdir())
    assert names == ["modeld-tray.desktop", "modeld.desktop", "other.desktop"]
    assert service.state().at_login is True and len(service.state().files) == 2
    assert len(service.uninstall()) == 2 and service.uninstall() == []
    assert [path.name for path in other.parent.iterdir()] == ["other.desktop"]


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path):
    (tmp_path / "autostart").write_text("a file where a folder should be")
    with pytest.raises(ServiceError, match="cannot be written"):
        Autostart(tmp_path).install(PROGRAM)


def test_each_system_gets_its_own_way(tmp_path: Path):
    assert isinstance(for_this_system({"XDG_CONFIG_HOME": str(tmp_path)}, "linux"), Autostart)
    (tmp_path / "systemd").mkdir()
    assert isinstance(for_this_system({"XDG_RUNTIME_DIR": str(tmp_path)}, "linux"), SystemdUser)
    assert isinstance(for_this_system({}, "darwin"), LaunchAgent)


class FakeLaunchctl:
    """launchctl's answers; what it was asked is kept."""

    def __init__(self, code: int = 0, output: str = "state = running") -> None:
        self.asked: list[Sequence[str]] = []
        self._code = code
        self._output = output

    def __call__(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        self.asked.append(command)
        return subprocess.CompletedProcess(command, self._code, self._output, "it said no")


def test_macos_gets_an_agent_that_is_ended_before_it_is_written_anew(tmp_path: Path):
    launchctl = FakeLaunchctl()
    service = LaunchAgent(tmp_path, launchctl, uid=501)
    service.install(PROGRAM)
    file = tmp_path / "Library/LaunchAgents/org.modeld.daemon.plist"
    assert launchctl.asked == [["launchctl", "bootstrap", "gui/501", str(file)]]
    assert service.state().running and service.state().at_login
    launchctl.asked.clear()
    service.install(PROGRAM)
    assert [words[1] for words in launchctl.asked] == ["bootout", "bootstrap"]
    assert service.uninstall() and not file.exists() and service.uninstall() == []


def test_what_launchctl_refuses_is_said(tmp_path: Path):
    with pytest.raises(ServiceError, match="it said no"):
        LaunchAgent(tmp_path, FakeLaunchctl(code=5), uid=501).install(PROGRAM)


class FakeRegistry(dict[str, str]):
    """One key's values."""

    def set(self, name: str, value: str) -> None:
        self[name] = value

    def delete(self, name: str) -> bool:
        return self.pop(name, None) is not None


def test_windows_gets_two_values_and_is_told_of_what_it_cannot_carry():
    registry = FakeRegistry(other="keep")
    service = RunKey(registry)
    done = [str(message) for message in service.install(PROGRAM)]
    assert registry[DAEMON].endswith("-m modeld --no-tray") and registry[TRAY].endswith("modelctl tray")
    assert any("MODELD_HOME" in line for line in done)
    assert service.state().at_login
    assert len(service.uninstall()) == 2 and registry == {"other": "keep"}


def test_a_launchctl_that_is_not_there_or_does_not_end_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def missing(*_words: object, **_options: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "launchctl")

    def endless(*_words: object, **_options: object) -> None:
        raise subprocess.TimeoutExpired("launchctl", 60.0)

    for trouble in (missing, endless):
        monkeypatch.setattr(subprocess, "run", trouble)
        with pytest.raises(ServiceError, match="launchctl"):
            LaunchAgent(tmp_path, uid=501).state()
