"""The interface that every system implements: install, uninstall, state."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelservice.messages import Message, Template
from modelservice.program import Program


class ServiceError(Exception):
    """The operation failed; ``message`` says why, and what to do."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message


@dataclass(frozen=True)
class State:
    """The installed ``files``, whether it starts at login, and whether it runs as a service now."""

    kind: Template
    files: tuple[str, ...]
    at_login: bool
    running: bool
    note: str = ""


class Service(Protocol):
    """How one system starts programs at login."""

    def install(self, program: Program) -> list[Message]:
        """Write the files, replacing existing ones, and start it; returns messages about each step."""

    def uninstall(self) -> list[Message]:
        """Stop it and remove only the written files; returns messages about each step."""

    def state(self) -> State:
        """The current state."""


def for_this_system(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Service:
    """The service of this system."""
    if platform == "win32":
        from modelservice.windows import RunKey

        return RunKey()
    if platform == "darwin":
        from modelservice.launchd import LaunchAgent

        return LaunchAgent(Path.home())
    from modelservice.systemd import Autostart, SystemdUser, runs_the_session

    config = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return SystemdUser(config) if runs_the_session(environment) else Autostart(config)


def write(path: Path, content: bytes) -> Message:
    """Write a file atomically; returns a message about it. Raises ServiceError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise ServiceError(Template.CANNOT_WRITE.of(path=str(path), error=error.strerror or str(error))) from error
    return Template.WROTE.of(path=str(path))


def remove(path: Path) -> list[Message]:
    """Remove a file; returns a message about it, or none if it did not exist. Raises ServiceError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ServiceError(Template.CANNOT_REMOVE.of(path=str(path), error=error.strerror or str(error))) from error
    return [Template.REMOVED.of(path=str(path))]
