"""Ties the worker to the daemon: when the daemon dies, the kernel kills the worker, whatever the worker is doing.

A thread of the worker could not do this: it would need Python's global lock, which a long computation in a chat
template holds, and a stopped process runs no thread at all.
"""

import ctypes
import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1
"""prctl(2)"""


def tie_to(daemon: int) -> None:
    """Make the kernel kill this process when process ``daemon``, which started it, ends.

    On Windows the daemon does this: it puts its workers into a job object.
    """
    if sys.platform == "linux":
        _by_signal(daemon)
    elif sys.platform == "darwin":
        _by_watcher(daemon)


def _by_signal(daemon: int) -> None:
    """Linux: the signal comes when the *thread* that started this process ends (prctl(2)).

    The daemon starts workers from its event loop, which runs in its main thread, so the two end together.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != daemon:  # it ended before the call above
        os._exit(0)


def _by_watcher(daemon: int) -> None:
    """macOS: a small child of this process waits for the end of both, and kills this one. Not run by the tests."""
    if sys.platform != "darwin":
        return
    worker = os.getpid()
    if os.fork() == 0:
        queue = select.kqueue()
        for process in (daemon, worker):
            ends = select.kevent(process, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
            try:
                queue.control([ends], 0)
            except OSError:  # it has ended already
                break
        else:
            queue.control(None, 1)
        if os.getppid() == worker:
            os.kill(worker, signal.SIGKILL)
        os._exit(0)
