"""``up`` and ``down``: the daemon's process, started and stopped."""

import os
import subprocess
import sys
import time
from pathlib import Path

import click
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode

from modelctl.errors import DaemonAway, LocalFailure, ModeldError
from modelctl.i18n import _
from modelctl.processes import is_alive
from modelctl.session import Session, pass_session
from modelctl.verb import Verb

START_S = 15.0
STOP_S = 30.0
LOOK_S = 0.05
TAIL_LINES = 15


@click.command(cls=Verb, example="modelctl up")
@pass_session
def up(session: Session) -> None:
    """Start the daemon, unless it runs already."""
    pong = _answering(session)
    if pong is not None:
        text = _("modeld {version} is running already (process {pid}).")
        _tell(session, pong, text.format(version=pong.version, pid=pong.pid))
        return
    boot_log = session.places.state_dir / "boot.log"
    child = _start(boot_log)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            child.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            pong = _answering(session)
        else:
            # Another `up` may have been faster: then this child was not needed, and ends.
            pong = _answering(session)
            if pong is None:
                ended = _("modeld ended at once (exit code {code}).").format(code=child.returncode)
                raise _not_started(ended, boot_log)
        if pong is not None:
            text = _("modeld {version} is running (process {pid}).")
            _tell(session, pong, text.format(version=pong.version, pid=pong.pid))
            child.returncode = child.returncode or 0  # it outlives us: no warning about a child left behind
            return
    silent = _("modeld (process {pid}) did not answer within {seconds:.0f} s.")
    raise _not_started(silent.format(pid=child.pid, seconds=START_S), boot_log)


@click.command(cls=Verb, example="modelctl down")
@pass_session
def down(session: Session) -> None:
    """Stop the daemon in order: models unloaded, downloads kept for later."""
    link = session.client.link
    try:
        connection = link.connection()
    except DaemonAway:
        if session.json:
            session.emit(replies.Done(note="modeld was not running."))
        session.say(_("modeld is not running."))
        return
    done = session.client.shutdown()
    deadline = time.monotonic() + STOP_S
    while is_alive(connection.pid) or link.still_there(connection):
        if time.monotonic() > deadline:
            still = _("modeld (process {pid}) has not ended after {seconds:.0f} s.")
            raise ModeldError(
                LocalFailure(
                    code=ErrorCode.INTERNAL,
                    message=still.format(pid=connection.pid, seconds=STOP_S),
                    hint=_("See what it does with: modelctl logs"),
                )
            )
        time.sleep(LOOK_S)  # another process's end can only be looked for
    if session.json:
        session.emit(done)
    else:
        session.line(_("modeld has stopped."))


def _answering(session: Session) -> replies.Pong | None:
    """The daemon's answer to a ping, if one runs."""
    try:
        return session.client.ping()
    except DaemonAway:
        return None


def _start(boot_log: Path) -> "subprocess.Popen[bytes]":
    """The daemon as a process of its own session, so that closing the terminal does not end it."""
    try:
        boot_log.parent.mkdir(parents=True, exist_ok=True)
        output = boot_log.open("wb")
    except OSError as error:
        raise ModeldError(
            LocalFailure(
                code=ErrorCode.UNWRITABLE,
                message=_("The log {path} cannot be written: {reason}.").format(path=boot_log, reason=error.strerror),
                hint=_("Make the folder writable, or choose another with MODELD_HOME."),
            )
        ) from error
    with output:
        # -P: a folder called "modeld" where the person happens to stand is not the daemon.
        command = [sys.executable, "-P", "-m", "modeld"]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=os.environ
        )


def _not_started(what: str, boot_log: Path) -> ModeldError:
    tail = boot_log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    said = "\n".join(tail) if tail else _("(it said nothing)")
    return ModeldError(
        LocalFailure(
            code=ErrorCode.INTERNAL,
            message=_("{what} The end of {path}:").format(what=what, path=boot_log) + f"\n{said}",
            hint=_("Mend this, then: modelctl up"),
        )
    )


def _tell(session: Session, pong: replies.Pong, text: str) -> None:
    if session.json:
        session.emit(pong)
    else:
        session.line(text)
