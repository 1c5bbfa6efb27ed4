"""Gives memory that is no longer used back to the system; glibc keeps it otherwise. Elsewhere it does nothing."""

import contextlib
import ctypes
import os
import sys
from pathlib import Path

M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8

LARGE_BYTES = 128 * 1024
"""A block of this size or more is returned when it is freed; glibc would raise the size with each such block."""

ARENAS = 2
"""Heaps of all threads; glibc makes eight for each processor."""

GROWTH_BYTES = 4 * 1024 * 1024
"""Memory above the least since the start that is worth a trim."""

TRIM_EVERY_S = 5.0
"""A trim takes some milliseconds, also when nothing can be returned."""

_STATM = Path("/proc/self/statm")


class ProcessMemory:
    """The memory of this process."""

    def __init__(self) -> None:
        self._libc = _glibc()
        self._least = _resident_bytes() if self._libc is not None else 0
        self._trimmed_at = float("-inf")
        if self._libc is not None:
            self._libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
            self._libc.mallopt(M_ARENA_MAX, ARENAS)

    def trim(self, now: float) -> None:
        """Return what is free, if the process has grown; call it now and then with a monotonic time."""
        if self._libc is None or now - self._trimmed_at < TRIM_EVERY_S:
            return
        if _resident_bytes() - self._least >= GROWTH_BYTES:
            self._trimmed_at = now
            self._libc.malloc_trim(0)
        self._least = min(self._least, _resident_bytes())


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        _ = library.malloc_trim  # musl has none
        return library
    return None


def _resident_bytes() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
