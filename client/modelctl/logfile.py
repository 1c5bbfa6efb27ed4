"""Reads the end of a log file and follows what is appended, across rotation."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

LOOK_S = 0.25
TAIL_BLOCK = 64 * 1024


def tail(path: Path, count: int) -> tuple[list[str], int]:
    """The last ``count`` lines and the position after them, read from the end of the file. Raises OSError."""
    with path.open("rb") as file:
        end = start = file.seek(0, os.SEEK_END)
        found = b""
        while start > 0 and found.count(b"\n") <= count:
            size = min(TAIL_BLOCK, start)
            start -= size
            file.seek(start)
            found = file.read(size) + found
    whole = found[: found.rfind(b"\n") + 1]
    lines = whole.decode(errors="replace").splitlines()
    return (lines[-count:] if count else []), end - (len(found) - len(whole))


def follow(path: Path, position: int, stop: threading.Event | None = None) -> Iterator[list[str]]:
    """New lines of ``path`` from byte ``position`` on, in batches, until ``stop`` is set.

    After a rotation: the rest of the old file, then the new one.
    """
    ended = stop or threading.Event()
    rest = b""
    while not ended.is_set():
        try:
            file = path.open("rb")
        except FileNotFoundError:
            ended.wait(LOOK_S)
            continue
        with file:
            file.seek(position)
            while not ended.is_set():
                rotated = _is_other(path, file.fileno(), file.tell())
                # Read after checking: everything written before the rotation is then included.
                *lines, rest = (rest + file.read()).split(b"\n")
                if lines:
                    yield [line.decode(errors="replace") for line in lines]
                if rotated:
                    break
                ended.wait(LOOK_S)
        position, rest = 0, b""


def _is_other(path: Path, handle: int, position: int) -> bool:
    """Whether ``path`` is no longer the open file, or was truncated."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(handle)
    return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino) or there.st_size < position
