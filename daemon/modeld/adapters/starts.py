"""Counts the starts that had no orderly end, so that the daemon is not started again and again in a crash loop."""

import logging
from pathlib import Path

import msgspec

from modeld.protocol.errors import FailureError
from modeld.protocol.reasons import Reason

log = logging.getLogger(__name__)

LOOP_S = 120.0
LOOP_STARTS = 5
"""After so many starts within ``LOOP_S`` seconds that ended in a crash, the daemon does not start."""


class CrashLoopError(FailureError):
    """The daemon crashed too often; ``failure`` says what to do."""


def begin(file: Path, log_file: Path, now: float) -> bool:
    """Note a start at ``now`` (seconds since the epoch); whether the start before it had no orderly end.

    A full disk does not keep the daemon from starting: it then says itself what it cannot save.

    Raises:
        CrashLoopError: it is a crash loop.
    """
    before = _read(file)
    recent = [at for at in before if 0 <= now - at < LOOP_S]
    if len(recent) >= LOOP_STARTS:
        failure = Reason.CRASH_LOOP.failure(count=len(recent), seconds=round(LOOP_S), log=str(log_file), path=str(file))
        raise CrashLoopError(failure)
    try:
        file.write_bytes(msgspec.json.encode([*recent, now]))
    except OSError as error:
        log.error("the start cannot be noted: %s", error)
    return bool(before)


def end(file: Path) -> None:
    """Note an orderly end."""
    file.unlink(missing_ok=True)


def _read(file: Path) -> list[float]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[float])
    except FileNotFoundError:
        return []
    except msgspec.MsgspecError:  # the crash cut it
        return [0.0]
