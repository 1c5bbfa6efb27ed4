"""One program of a kind for each home: a lock that the system drops when the process ends, however it ends."""

import os
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def hold(folder: Path, name: str = "tray.lock") -> IO[str] | None:
    """Hold the tray's lock (or ``name``) in ``folder`` while the returned file is open; None when another holds it.

    Raises OSError where the folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (folder / name).open("a+", encoding="ascii")
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
