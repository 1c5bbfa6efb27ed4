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


LOCKED_BYTE = 1 << 20
"""On Windows no process can read a locked byte, so it is one behind the pid."""


class HomeError(Exception):
    """This home cannot be used; the message says why, and what to do."""


def private_folder(folder: Path) -> None:
    """Make ``folder`` for this user alone (mode 0700); one that others may enter, or that is not ours, is refused.

    It is refused, not narrowed: what others have put there already would stay.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
    except OSError as error:
        raise HomeError(f"{folder} cannot be used: {error.strerror}. Check its permissions.") from error
    if not stat.S_ISDIR(status.st_mode):
        raise HomeError(f"{folder} is not a folder.")
    if hasattr(os, "getuid"):
        if status.st_uid != os.getuid():
            raise HomeError(f"{folder} belongs to another user; set MODELD_HOME to a folder of your own.")
        if status.st_mode & 0o077:
            raise HomeError(
                f"{folder} is open to other users (mode {stat.S_IMODE(status.st_mode):04o}), who could send "
                f"commands to the daemon there. Check its contents, then: chmod 700 {folder}"
            )


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
            file.seek(LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise HomeError(f"modeld (pid {pid}) is already running for this home. See: modelctl status") from error
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file
