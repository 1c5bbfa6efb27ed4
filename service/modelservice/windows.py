"""Windows: two values of the user's Run key, which Explorer starts at logon. It has not been run on Windows.

A Windows service would have no desktop, so no tray. The user may disable a value in the task manager.
"""

import sys
from typing import Protocol

from modelservice import texts
from modelservice.messages import Message, Template
from modelservice.program import Program
from modelservice.service import ServiceError, State

KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
DAEMON, TRAY = "modeld", "modeld tray"


class Registry(Protocol):
    """The values of one key."""

    def get(self, name: str) -> str | None:
        """A value; None if it does not exist."""

    def set(self, name: str, value: str) -> None:
        """Write a value."""

    def delete(self, name: str) -> bool:
        """Remove a value; return whether it existed."""


class RunKey:
    """The Run key of the current user. Windows passes it no environment: MODELD_HOME must be set for the account."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry if registry is not None else _current_user()

    def install(self, program: Program) -> list[Message]:
        """Write the command lines of the daemon and the tray; they take effect at the next logon."""
        commands = {DAEMON: program.daemon("--no-tray"), TRAY: program.tray()}
        for name, words in commands.items():
            self._registry.set(name, texts.run_value(words))
        done = [Template.WROTE.of(path=rf"HKCU\{KEY}\{name}") for name in commands]
        if program.environment:
            names = ", ".join(name for name, _ in program.environment)
            done.append(Template.SET_FOR_ACCOUNT.of(names=names))
        return [*done, Template.NEXT_LOGON.of()]

    def uninstall(self) -> list[Message]:
        """Remove both values."""
        gone = [name for name in (DAEMON, TRAY) if self._registry.delete(name)]
        return [Template.REMOVED.of(path=rf"HKCU\{KEY}\{name}") for name in gone]

    def state(self) -> State:
        """Whether the values exist."""
        found = {name: value for name in (DAEMON, TRAY) if (value := self._registry.get(name)) is not None}
        return State(
            kind=Template.RUN_KEY,
            files=tuple(rf"HKCU\{KEY}\{name}: {value}" for name, value in found.items()),
            at_login=DAEMON in found,
            running=False,
        )


if sys.platform == "win32":
    import winreg

    class _CurrentUser:
        def get(self, name: str) -> str | None:
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, KEY) as key:
                    return str(winreg.QueryValueEx(key, name)[0])
            except FileNotFoundError:
                return None

        def set(self, name: str, value: str) -> None:
            try:
                with winreg.CreateKey(winreg.HKEY_CURRENT_USER, KEY) as key:
                    winreg.SetValueEx(key, name, 0, winreg.REG_SZ, value)
            except OSError as error:
                raise ServiceError(Template.CANNOT_WRITE_REGISTRY.of(error=str(error))) from error

        def delete(self, name: str) -> bool:
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, KEY, access=winreg.KEY_SET_VALUE) as key:
                    winreg.DeleteValue(key, name)
            except FileNotFoundError:
                return False
            return True

    def _current_user() -> Registry:
        return _CurrentUser()

else:

    def _current_user() -> Registry:
        raise ServiceError(Template.NO_REGISTRY.of())
