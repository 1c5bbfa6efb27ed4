"""The result of one check."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from modelctl.language.catalogue import _


class Level(StrEnum):
    """The severity: ``failed`` keeps modeld from working, ``warning`` limits a feature."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Verdict(NamedTuple):
    """``text`` describes the finding, ``fix`` says what to do about it."""

    level: Level
    text: str
    fix: str = ""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A verdict with the name of its check."""

    check: str
    level: Level
    text: str
    fix: str = msgspec.field(default="", name="mend")
    """What to do about it; ``--json`` has called it ``mend`` since the first version."""

    def title(self) -> str:
        """The check's name in the user's language; in English it is the name itself."""
        return _(self.check)


def ok(text: str) -> Verdict:
    """The check found no problem."""
    return Verdict(Level.OK, text)


def warning(text: str, fix: str) -> Verdict:
    """Something works only in part."""
    return Verdict(Level.WARNING, text, fix)


def failed(text: str, fix: str) -> Verdict:
    """Something does not work."""
    return Verdict(Level.FAILED, text, fix)
