"""Linux: a systemd user unit for the daemon and an autostart entry for the tray, or two autostart entries."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from modelservice import texts
from modelservice.messages import Message, Template
from modelservice.program import Program
from modelservice.service import ServiceError, State, remove, write

UNIT = "modeld.service"
DEADLINE_S = 60.0


def runs_the_session(environment: Mapping[str, str]) -> bool:
    """Whether a systemd user manager runs for this user (sd_booted(3) checks for the same kind of folder)."""
    runtime_dir = environment.get("XDG_RUNTIME_DIR", "")
    return bool(runtime_dir) and Path(runtime_dir, "systemd").is_dir() and shutil.which("systemctl") is not None


class SystemdUser:
    """A unit in ``~/.config/systemd/user``."""

    def __init__(self, config: Path) -> None:
        self._unit = config / "systemd/user" / UNIT
        self._tray = _tray_entry(config)

    def install(self, program: Program) -> list[Message]:
        """Write the unit and the tray's entry; start the daemon, or restart it if it already runs as a unit."""
        done = [write(self._unit, texts.systemd_unit(program).encode()), _write_tray(self._tray, program)]
        _systemctl("daemon-reload")
        _systemctl("enable", UNIT)
        _systemctl("restart", UNIT)
        return [*done, Template.ENABLED.of(unit=UNIT)]

    def uninstall(self) -> list[Message]:
        """Stop and disable the unit, and remove both files."""
        done: list[Message] = []
        if self._unit.exists():
            _systemctl("disable", "--now", UNIT)
            done = [Template.DISABLED.of(unit=UNIT), *remove(self._unit)]
            _systemctl("daemon-reload")
        return done + remove(self._tray)

    def state(self) -> State:
        """The unit's state as systemd reports it."""
        words = _systemctl("show", UNIT, "--property=ActiveState,SubState,UnitFileState,StatusText,Result")
        found = dict(line.split("=", 1) for line in words.splitlines() if "=" in line)
        note = f"{found.get('ActiveState', '')} ({found.get('SubState', '')})"
        return State(
            kind=Template.SYSTEMD_UNIT,
            files=tuple(str(path) for path in (self._unit, self._tray) if path.exists()),
            at_login=found.get("UnitFileState") == "enabled",
            running=found.get("ActiveState") == "active",
            note=f"{note}: {found['StatusText']}" if found.get("StatusText") else note,
        )


class Autostart:
    """Two entries in ``~/.config/autostart``: desktops start them, a text console does not."""

    def __init__(self, config: Path) -> None:
        self._daemon = config / "autostart/modeld.desktop"
        self._tray = _tray_entry(config)

    def install(self, program: Program) -> list[Message]:
        """Write both entries; they take effect at the next login."""
        text = texts.autostart_entry(
            "modeld", "The daemon of local GGUF models", program.daemon("--no-tray"), program.environment
        )
        return [
            write(self._daemon, text.encode()),
            _write_tray(self._tray, program),
            Template.NEXT_DESKTOP_LOGIN.of(),
        ]

    def uninstall(self) -> list[Message]:
        """Remove both entries; running programs continue until logout."""
        return remove(self._daemon) + remove(self._tray)

    def state(self) -> State:
        """Whether the entries exist."""
        files = tuple(str(path) for path in (self._daemon, self._tray) if path.exists())
        return State(kind=Template.AUTOSTART_ENTRY, files=files, at_login=self._daemon.exists(), running=False)


def _tray_entry(config: Path) -> Path:
    return config / "autostart/modeld-tray.desktop"


def _write_tray(path: Path, program: Program) -> Message:
    text = texts.autostart_entry(
        "modeld tray", "The icon and the notifications of modeld", program.tray(), program.environment
    )
    return write(path, text.encode())


def _systemctl(*words: str) -> str:
    """Run systemctl for this user's manager; returns its output. Raises ServiceError."""
    command = ["systemctl", "--user", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(Template.CANNOT_RUN.of(command=" ".join(command), error=str(error))) from error
    if done.returncode != 0:
        error_text = done.stderr.strip() or done.stdout.strip()
        see = f"systemctl --user status {UNIT}; journalctl --user -u {UNIT}"
        raise ServiceError(Template.COMMAND_FAILED.of(command=" ".join(command), error=error_text, see=see))
    return done.stdout
