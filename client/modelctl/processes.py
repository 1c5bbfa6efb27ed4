"""Checks whether a process is alive, on each platform, without psutil, which the client does not require."""

import os
import sys
from pathlib import Path

if sys.platform == "win32":

    def is_alive(pid: int) -> bool:
        """Whether ``pid`` is a running process (``os.kill(pid, 0)`` would end it on Windows)."""
        import ctypes

        query_limited_information, still_active = 0x1000, 259
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(query_limited_information, False, pid)
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == still_active

else:

    def is_alive(pid: int) -> bool:
        """Whether ``pid`` is a running process; a zombie does not count as running."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:  # no /proc here (macOS), or the process just ended: trust the signal
            return True
        return stat.rpartition(b")")[2].split()[:1] != [b"Z"]
