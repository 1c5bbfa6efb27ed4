"""Acts as another user of this machine: a child process switches the user and returns its result."""

import os
import socket
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

NOBODY = 65534
GREETING = b"\xff"
"""The start of ZMTP (https://rfc.zeromq.org/spec/23/)."""

needs_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become another user"
)


def as_nobody(act: Callable[[], str]) -> str:
    """What ``act`` returns, or the name of the OSError it raises, in a child that runs as the user nobody."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child uses only system calls and needs no threads
        child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            result = act()
        except OSError as error:
            result = type(error).__name__
        finally:
            os.write(writing, result.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        result = pipe.read().decode()
    os.waitpid(child, 0)
    return result


def greeted(path: Path) -> str:
    """``welcome`` if the server at ``path`` starts to speak, ``hung up`` if it closes the connection."""
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(10)
        made.connect(str(path))
        return "welcome" if made.recv(1) == GREETING else "hung up"
