"""One thing that was checked, and what came of it."""

from enum import StrEnum

import msgspec


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


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, mend: str) -> Finding:
    """It works, but not all of it."""
    return Finding(check, Level.WARNING, text, mend)


def failed(check: str, text: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, Level.FAILED, text, mend)
