"""What another user of this machine can do: a child that has become one, and tells what it got."""

import os
import socket
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

NOBODY = 65534
GREETING = b"\xff"
"""How ZMTP begins (https://rfc.zeromq.org/spec/23/)."""

needs_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become another user"
)


def as_nobody(act: Callable[[], str]) -> str:
    """What ``act`` returns, or the name of the OSError it raises, in a child that has become nobody."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child uses system calls only, no thread is missed
        child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            said = act()
        except OSError as error:
            said = type(error).__name__
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def greeted(path: Path) -> str:
    """``welcome`` if whoever listens at ``path`` begins to speak with us, ``hung up`` if it ends the connection."""
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(10)
        made.connect(str(path))
        return "welcome" if made.recv(1) == GREETING else "hung up"
