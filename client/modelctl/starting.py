"""Starts the daemon in its own session and waits until it answers; blocks. Every program uses this."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from modeld.protocol import replies
from modeld.protocol.connection import ALREADY_RUNNING_EXIT
from modeld.protocol.errors import ErrorCode

from modelctl.errors import DaemonDied, DaemonUnavailable, LocalFailure, ModeldError
from modelctl.language import system_errors
from modelctl.language.catalogue import _

if TYPE_CHECKING:
    from modelctl.client import Client

START_S = 15.0
LOOK_S = 0.05
TAIL_LINES = 15


def answering(client: "Client") -> replies.Pong | None:
    """The reply to a ping, if a daemon runs."""
    try:
        return client.ping()
    except DaemonUnavailable:
        return None


def revive(client: "Client") -> replies.Pong | None:
    """Start the daemon if it died; leave it alone if it runs or was stopped. Raises ``ModeldError`` if it fails."""
    try:
        client.transport.connection()
    except DaemonDied:
        return start(client)
    except ModeldError:
        return None
    return None


def start(client: "Client") -> replies.Pong:
    """Start the daemon of this client's home, unless it is running, and return once it answers.

    Raises ``ModeldError`` with the end of its output if it does not.
    """
    places = client.transport.places
    pong = answering(client)
    if pong is not None:
        return pong
    boot_log = places.state_dir / "boot.log"
    environment = dict(os.environ)
    if places.config_dir == places.data_dir:  # everything in one folder: only MODELD_HOME does that
        environment["MODELD_HOME"] = str(places.data_dir)
    child = _spawn(boot_log, environment)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LOOK_S)
        pong = answering(client)
        if pong is not None:
            child.returncode = child.returncode or 0  # the daemon outlives us: no warning about a child
            return pong
        if child.returncode is not None:
            # Another process may have started a daemon first: then ours exits, and theirs answers soon.
            if child.returncode != ALREADY_RUNNING_EXIT:
                ended = _("modeld ended at once (exit code {code}).").format(code=child.returncode)
                raise _not_started(ended, boot_log)
            time.sleep(LOOK_S)  # there is no event for the start of another process, so poll
    silent = _("modeld (process {pid}) did not answer within {seconds:.0f} s.")
    raise _not_started(silent.format(pid=child.pid, seconds=START_S), boot_log)


def _spawn(boot_log: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    try:
        boot_log.parent.mkdir(parents=True, exist_ok=True)
        output = boot_log.open("wb")
    except OSError as error:
        raise ModeldError(
            LocalFailure(
                code=ErrorCode.UNWRITABLE,
                message=_("The log {path} cannot be written: {reason}.").format(
                    path=boot_log, reason=system_errors.of(error)
                ),
                hint=_("Make the folder writable, or choose another with MODELD_HOME."),
            )
        ) from error
    with output:
        # -P: a folder named "modeld" in the current directory must not shadow the package.
        command = [sys.executable, "-P", "-m", "modeld"]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
        )


def _not_started(what: str, boot_log: Path) -> ModeldError:
    tail = boot_log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    words = "\n".join(tail) if tail else _("(no output)")
    return ModeldError(
        LocalFailure(
            code=ErrorCode.INTERNAL,
            message=_("{what} The end of {path}:").format(what=what, path=boot_log) + f"\n{words}",
            hint=_("Fix this, then run: modelctl up"),
        )
    )
