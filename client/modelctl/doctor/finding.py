"""What came of one check."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from modelctl.language.catalogue import _


class Level(StrEnum):
    """How bad it is: ``failed`` keeps modeld from working, ``warning`` limits a feature."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Verdict(NamedTuple):
    """``text`` says what was seen, ``mend`` what to do about it."""

    level: Level
    text: str
    mend: str = ""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A verdict with the name of its check."""

    check: str
    level: Level
    text: str
    mend: str = ""

    def title(self) -> str:
        """The name of the check as a person reads it; in English it is the name itself."""
        return _(self.check)


def ok(text: str) -> Verdict:
    """Nothing is wrong."""
    return Verdict(Level.OK, text)


def warning(text: str, mend: str) -> Verdict:
    """It works, but not all of it."""
    return Verdict(Level.WARNING, text, mend)


def failed(text: str, mend: str) -> Verdict:
    """It does not work."""
    return Verdict(Level.FAILED, text, mend)
