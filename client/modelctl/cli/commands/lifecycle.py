"""``up`` and ``down``: start and stop the daemon's process."""

import time

import click
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.errors import DaemonDied, DaemonSilent, DaemonUnavailable, LocalFailure, ModeldError
from modelctl.language.catalogue import _
from modelctl.processes import is_alive
from modelctl.starting import LOOK_S, answering, start

STOP_S = 30.0


@click.command(cls=Verb, example="modelctl up")
@pass_session
def up(session: Session) -> None:
    """Start the daemon, unless it is already running."""
    pong = answering(session.client)
    if pong is not None:
        text = _("modeld {version} is running already (process {pid}).")
        _print_pong(session, pong, text.format(version=pong.version, pid=pong.pid))
        return
    pong = start(session.client)
    text = _("modeld {version} is running (process {pid}).")
    _print_pong(session, pong, text.format(version=pong.version, pid=pong.pid))


@click.command(cls=Verb, example="modelctl down")
@pass_session
def down(session: Session) -> None:
    """Stop the daemon cleanly: models are unloaded, downloads are kept for later."""
    transport = session.client.transport
    try:
        connection = transport.connection()
        done = session.client.shutdown()
    except DaemonSilent:
        raise
    except DaemonUnavailable as error:
        if isinstance(error, DaemonDied):  # from now on it counts as stopped, so nothing starts it again
            session.places.connection_file.unlink(missing_ok=True)
        if session.json:
            session.emit(replies.Done(note="modeld was not running."))
        session.say(_("modeld is not running."))
        return
    deadline = time.monotonic() + STOP_S
    while is_alive(connection.pid) or transport.still_there(connection):
        if time.monotonic() > deadline:
            still = _("modeld (process {pid}) has not ended after {seconds:.0f} s.")
            raise ModeldError(
                LocalFailure(
                    code=ErrorCode.INTERNAL,
                    message=still.format(pid=connection.pid, seconds=STOP_S),
                    hint=_("See what it is doing: modelctl logs"),
                )
            )
        time.sleep(LOOK_S)  # there is no event for the end of another user's process, so poll
    if session.json:
        session.emit(done)
    else:
        session.line(_("modeld has stopped."))


def _print_pong(session: Session, pong: replies.Pong, text: str) -> None:
    if session.json:
        session.emit(pong)
    else:
        session.line(text)
