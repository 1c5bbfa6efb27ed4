"""One seam for every system: install, uninstall, and what is there."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelservice.program import Program


class ServiceError(Exception):
    """It could not be done; the message says what and why, and what to do."""


@dataclass(frozen=True)
class State:
    """What is installed: ``files`` that are there, whether it is started at login, whether it runs as a service now."""

    kind: str
    files: tuple[str, ...]
    at_login: bool
    running: bool
    note: str = ""


class Service(Protocol):
    """How one system starts programs at login."""

    def install(self, program: Program) -> list[str]:
        """Write what is needed, over what was there, and start it; returns what was done, a line each."""

    def uninstall(self) -> list[str]:
        """Stop it and remove what was written, nothing else; returns what was done, a line each."""

    def state(self) -> State:
        """What is there now."""


def for_this_system(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Service:
    """The way of this system."""
    if platform == "win32":
        from modelservice.windows import RunKey

        return RunKey()
    if platform == "darwin":
        from modelservice.launchd import LaunchAgent

        return LaunchAgent(Path.home())
    from modelservice.systemd import Autostart, SystemdUser, runs_the_session

    config = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return SystemdUser(config) if runs_the_session(environment) else Autostart(config)


def write(path: Path, content: bytes) -> str:
    """Write a file by rename; returns a line about it. Raises ServiceError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise ServiceError(f"{path} cannot be written: {error.strerror}. Make its folder writable.") from error
    return f"wrote {path}"


def remove(path: Path) -> list[str]:
    """Remove a file; returns a line about it, none where there was none. Raises ServiceError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ServiceError(f"{path} cannot be removed: {error.strerror}.") from error
    return [f"removed {path}"]
