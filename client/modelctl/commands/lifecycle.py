"""``up`` and ``down``: the daemon's process, started and stopped."""

import os
import subprocess
import sys
import time
from pathlib import Path

import click
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode, Failure

from modelctl.errors import DaemonAway, ModeldError
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
        _tell(session, pong, f"modeld {pong.version} is running already (process {pong.pid}).")
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
                raise _not_started(f"modeld ended at once (exit code {child.returncode}).", boot_log)
        if pong is not None:
            _tell(session, pong, f"modeld {pong.version} is running (process {pong.pid}).")
            child.returncode = child.returncode or 0  # it outlives us: no warning about a child left behind
            return
    raise _not_started(f"modeld (process {child.pid}) did not answer within {START_S:.0f} s.", boot_log)


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
        session.say("modeld is not running.")
        return
    done = session.client.shutdown()
    deadline = time.monotonic() + STOP_S
    while is_alive(connection.pid) or link.still_there(connection):
        if time.monotonic() > deadline:
            raise ModeldError(
                Failure(
                    code=ErrorCode.INTERNAL,
                    message=f"modeld (process {connection.pid}) has not ended after {STOP_S:.0f} s.",
                    hint="See what it does with: modelctl logs",
                )
            )
        time.sleep(LOOK_S)  # another process's end can only be looked for
    if session.json:
        session.emit(done)
    else:
        session.line("modeld has stopped.")


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
            Failure(
                code=ErrorCode.UNWRITABLE,
                message=f"The log {boot_log} cannot be written: {error.strerror}.",
                hint="Make the folder writable, or choose another with MODELD_HOME.",
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
    said = "\n".join(tail) if tail else "(it said nothing)"
    return ModeldError(
        Failure(
            code=ErrorCode.INTERNAL,
            message=f"{what} The end of {boot_log}:\n{said}",
            hint="Mend this, then: modelctl up",
        )
    )


def _tell(session: Session, pong: replies.Pong, text: str) -> None:
    if session.json:
        session.emit(pong)
    else:
        session.line(text)
