"""Limits for the worker's memory: a chat template cannot take all of it, and the kernel spares the daemon."""

import contextlib
import sys
from pathlib import Path

ROOM_BYTES = 1024**3
"""More than a prompt, its tokens and llama.cpp's buffers need once the model is loaded."""


OOM_SCORE = 500
"""Half of the machine's memory, as the kernel counts it (proc_pid_oom_score_adj(5))."""


def be_killed_first() -> None:
    """When memory runs out, make the kernel end this worker and not the daemon with everything it does. On Linux."""
    with contextlib.suppress(OSError):  # no /proc, or one that cannot be written: the kernel chooses by size
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")


def limit_growth() -> None:
    """Let private memory grow by ``ROOM_BYTES`` from now on; an allocation beyond that fails with MemoryError.

    On Linux only: RLIMIT_DATA counts private writable memory there (getrlimit(2)), and not the file that is mapped.
    """
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _data_bytes() + ROOM_BYTES
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _data_bytes() -> int:
    """The private writable memory of this process (VmData in /proc/self/status, in kB)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
