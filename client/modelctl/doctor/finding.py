"""One thing that was checked, and what came of it."""

from enum import StrEnum

import msgspec

from modelctl.language.catalogue import _, marked

CHECKS = (
    marked("python"),
    marked("packages"),
    marked("packages:client"),
    marked("packages:daemon"),
    marked("packages:desktop"),
    marked("settings"),
    marked("preferences"),
    marked("secrets"),
    marked("environment"),
    marked("folder:config"),
    marked("folder:data"),
    marked("folder:log"),
    marked("folder:runtime"),
    marked("folder:models"),
    marked("disk"),
    marked("model-files"),
    marked("clock"),
    marked("engine"),
    marked("gpu"),
    marked("daemon"),
    marked("answers"),
    marked("memory"),
    marked("models"),
    marked("downloads"),
    marked("service"),
    marked("desktop"),
    marked("tray"),
    marked("notifications"),
    marked("hub"),
)
"""What can be looked at, in the order of the examination."""


class Level(StrEnum):
    """How bad it is: ``failed`` keeps modeld from working, ``warning`` takes something away."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """``check`` names what was looked at, ``text`` what was seen, ``mend`` what to do about it."""

    check: str
    level: Level
    text: str
    mend: str = ""

    def title(self) -> str:
        """What was looked at, as a person reads it; in English it is the check's own name."""
        return _(self.check)


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, mend: str) -> Finding:
    """It works, but not all of it."""
    return Finding(check, Level.WARNING, text, mend)


def failed(check: str, text: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, Level.FAILED, text, mend)
