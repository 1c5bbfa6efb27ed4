"""``logs``: the daemon's log, also while no daemon runs."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import click
from modeld.protocol.errors import ErrorCode, Failure

from modelctl.errors import NotFound
from modelctl.session import Session, pass_session
from modelctl.verb import Verb

LOOK_S = 0.25
TAIL_BLOCK = 64 * 1024


@click.command(cls=Verb, example="modelctl logs -f -n 100")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines as they are written.")
@click.option(
    "-n", "lines", type=click.IntRange(min=0), default=50, show_default=True, help="How many lines to begin with."
)
@pass_session
def logs(session: Session, follow: bool, lines: int) -> None:
    """Show the end of the daemon's log."""
    path = session.places.log_file
    if not path.exists() and not follow:
        raise NotFound(
            Failure(code=ErrorCode.NOT_FOUND, message=f"There is no log yet at {path}.", hint="Start with: modelctl up")
        )
    found, position = _tail(path, lines) if path.exists() else ([], 0)
    for line in found:
        _print(session, line)
    if follow:
        for line in follow_lines(path, position):
            _print(session, line)


def follow_lines(path: Path, position: int) -> Iterator[str]:
    """Lines of ``path`` from byte ``position`` on, for ever; over rotation: the old file's rest, then the new one."""
    rest = b""
    while True:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            time.sleep(LOOK_S)
            continue
        with file:
            file.seek(position)
            while True:
                rotated = _is_other(path, file.fileno(), file.tell())
                # Read after looking: what was written before the rotation is then all here.
                *lines, rest = (rest + file.read()).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
                if rotated:
                    break
                time.sleep(LOOK_S)
        position, rest = 0, b""


def _is_other(path: Path, handle: int, position: int) -> bool:
    """Whether ``path`` is another file than the open one by now, or was cut."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(handle)
    return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino) or there.st_size < position


def _tail(path: Path, count: int) -> tuple[list[str], int]:
    """The last ``count`` lines, and where the file ended; reads from the end, since a log may be large."""
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


def _print(session: Session, line: str) -> None:
    session.line(json.dumps({"line": line}, ensure_ascii=False) if session.json else line)
