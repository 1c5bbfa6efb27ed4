"""Translates the operating system's messages about files and connections, which Python gets in English."""

import re

from modelctl.language.catalogue import _, is_english, marked

MESSAGES = (
    marked("No such file or directory"),
    marked("Permission denied"),
    marked("Is a directory"),
    marked("Not a directory"),
    marked("File exists"),
    marked("File name too long"),
    marked("No space left on device"),
    marked("Disk quota exceeded"),
    marked("Read-only file system"),
    marked("Input/output error"),
    marked("Connection refused"),
    marked("Connection reset by peer"),
    marked("Connection timed out"),
    marked("Network is unreachable"),
    marked("No route to host"),
    marked("Name or service not known"),
    marked("Temporary failure in name resolution"),
)

_NUMBERED = re.compile(r"\[Errno -?\d+\] (.*)", re.DOTALL)


def translated(text: str) -> str:
    """``text`` in the user's language, without ``[Errno N]``; an unknown text stays unchanged."""
    if is_english():
        return text
    numbered = _NUMBERED.fullmatch(text)
    message = numbered.group(1) if numbered else text
    return _(message) if message in MESSAGES else text


def of(error: OSError) -> str:
    """The error's message without the file name."""
    return translated(error.strerror or str(error))
