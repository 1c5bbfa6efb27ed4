"""One daemon for each home: a lock that the system drops when the process ends, however it ends."""

import os
import stat
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class HomeError(Exception):
    """This home cannot be used; the message says why and what to do."""


def private_folder(folder: Path) -> None:
    """Make ``folder`` for this user alone (mode 0700); one that belongs to somebody else is refused."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
    except OSError as error:
        raise HomeError(f"{folder} cannot be used: {error.strerror}. Check who may write there.") from error
    if not stat.S_ISDIR(status.st_mode):
        raise HomeError(f"{folder} is not a folder.")
    if hasattr(os, "getuid"):
        if status.st_uid != os.getuid():
            raise HomeError(f"{folder} belongs to another user; set MODELD_HOME to a folder of your own.")
        if status.st_mode & 0o077:
            folder.chmod(0o700)


def hold(lock_file: Path) -> IO[str]:
    """Hold the lock as long as the returned file stays open; the file then names our pid.

    Raises:
        HomeError: another daemon holds it, or the file cannot be written.
    """
    try:
        file = lock_file.open("a+", encoding="ascii")
    except OSError as error:
        raise HomeError(f"{lock_file} cannot be written: {error.strerror}.") from error
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise HomeError(f"A modeld (pid {pid}) runs for this home already. Talk to it: modelctl status") from error
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file
