"""The installers' messages as data: a template and its fields, so that another program can translate them."""

from dataclasses import dataclass
from enum import StrEnum


class Template(StrEnum):
    """All messages and names of the installers, in English."""

    SYSTEMD_UNIT = "systemd user unit"
    AUTOSTART_ENTRY = "autostart entry"
    LAUNCH_AGENT = "launch agent"
    RUN_KEY = "Run key"

    WROTE = "wrote {path}"
    REMOVED = "removed {path}"
    ENABLED = "enabled and started {unit}"
    DISABLED = "stopped and disabled {unit}"
    STARTED = "started {unit}"
    STOPPED = "stopped {unit}"
    NEXT_DESKTOP_LOGIN = "It starts at the next login to a desktop; until then: modelctl up"
    NEXT_LOGON = "It starts at the next logon; until then: modelctl up"
    SET_FOR_ACCOUNT = "Set {names} for your account (setx): Windows starts programs without other variables"

    CANNOT_WRITE = "{path} cannot be written: {error}. Make its folder writable."
    CANNOT_REMOVE = "{path} cannot be removed: {error}."
    CANNOT_RUN = "{command} could not be run: {error}."
    COMMAND_FAILED = "{command} failed: {error} See: {see}"
    LAUNCHCTL_FAILED = "{command} failed: {error}."
    CANNOT_WRITE_REGISTRY = "The registry cannot be written: {error}."
    NO_REGISTRY = "There is no registry here: this is not Windows."

    def of(self, **fields: str) -> "Message":
        """This message with its fields."""
        return Message(self, tuple(fields.items()))


@dataclass(frozen=True)
class Message:
    """One message; ``str`` returns it in English."""

    template: Template
    fields: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.template.format(**dict(self.fields))
