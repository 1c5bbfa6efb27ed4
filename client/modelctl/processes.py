"""Whether a process is alive, by the means each platform has; the client ships without psutil."""

import os
import sys
from pathlib import Path

if sys.platform == "win32":

    def is_alive(pid: int) -> bool:
        """Whether ``pid`` names a running process (``os.kill(pid, 0)`` would end it on Windows)."""
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
        """Whether ``pid`` names a running process; one that ended and waits for its parent (a zombie) does not run."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:  # no /proc here (macOS), or it ended just now: the signal's answer stands
            return True
        return stat.rpartition(b")")[2].split()[:1] != [b"Z"]
