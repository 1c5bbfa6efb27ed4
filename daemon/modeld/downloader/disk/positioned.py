"""Reading and writing at a place of a file, from several threads, on systems that have calls for it and that do not.

Windows has neither pwrite nor preadv: there a lock keeps a seek and what follows it together. macOS has no fdatasync.
"""

import os
import threading

_seeking = threading.Lock()


def write_at(fd: int, data: memoryview, offset: int) -> int:
    """Write some of ``data`` at ``offset``; returns how many bytes. Raises OSError."""
    if hasattr(os, "pwrite"):
        return os.pwrite(fd, data, offset)
    with _seeking:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.write(fd, data)


def read_at(fd: int, view: memoryview, offset: int) -> int:
    """Fill some of ``view`` from ``offset`` on; returns how many bytes, 0 at the end. Raises OSError."""
    if hasattr(os, "preadv"):
        return os.preadv(fd, [view], offset)
    with _seeking:
        os.lseek(fd, offset, os.SEEK_SET)
        data = os.read(fd, len(view))
    view[: len(data)] = data
    return len(data)


def sync_data(fd: int) -> None:
    """Bring the file's bytes, and what is needed to find them, to the disk. Raises OSError."""
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(fd)
