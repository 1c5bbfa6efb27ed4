"""One daemon for each home: a lock that the system releases when the process ends."""

import os
import stat
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

from modeld.protocol.errors import FailureError
from modeld.protocol.reasons import Reason

LOCKED_BYTE = 1 << 20
"""On Windows no process can read a locked byte, so it is one behind the pid."""


class HomeError(FailureError):
    """This home cannot be used; ``failure`` says why and what to do."""


class AlreadyRunningError(HomeError):
    """Another daemon holds the lock of this home."""


def private_folder(folder: Path) -> None:
    """Make ``folder`` for this user alone (mode 0700); one that others may enter, or that is not ours, is refused.

    It is refused, not narrowed: what others have put there already would stay.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
    except OSError as error:
        raise HomeError(Reason.HOME_NOT_USABLE.failure(path=str(folder), error=error.strerror or str(error))) from error
    if not stat.S_ISDIR(status.st_mode):
        raise HomeError(Reason.HOME_NOT_A_FOLDER.failure(path=str(folder)))
    if hasattr(os, "getuid"):
        if status.st_uid != os.getuid():
            raise HomeError(Reason.HOME_OF_ANOTHER_USER.failure(path=str(folder)))
        if status.st_mode & 0o077:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            raise HomeError(Reason.HOME_EXPOSED.failure(path=str(folder), mode=mode))


def hold(lock_file: Path) -> IO[str]:
    """Hold the lock as long as the returned file stays open; the file then names our pid.

    Raises:
        AlreadyRunningError: another daemon holds it.
        HomeError: the file cannot be written.
    """
    try:
        file = lock_file.open("a+", encoding="ascii")
    except OSError as error:
        failure = Reason.LOCK_NOT_WRITABLE.failure(path=str(lock_file), error=error.strerror or str(error))
        raise HomeError(failure) from error
    try:
        if sys.platform == "win32":
            file.seek(LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise AlreadyRunningError(Reason.ALREADY_RUNNING.failure(pid=pid)) from error
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file
