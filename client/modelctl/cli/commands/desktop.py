"""``notify``, ``tray``, ``viewer``: the desktop programs, each in its own process."""

import logging
import signal
import threading
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import click
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.errors import LocalFailure, ModeldError
from modelctl.language.catalogue import _

if TYPE_CHECKING:
    from modeld.protocol.events import AnyEvent

    from modelctl.follow import Mirror


@click.command(cls=Verb, example="modelctl notify --test")
@click.option("--test", "only_test", is_flag=True, help="Show one test notification, print how it was shown, and exit.")
@pass_session
def notify(session: Session, only_test: bool) -> None:
    """Show desktop notifications until interrupted; a running tray icon does the same."""
    logging.basicConfig(format="%(message)s", level=logging.ERROR if only_test else logging.INFO)
    if only_test:
        _show_test_notice(session)
    else:
        _notify(session)


@click.command(cls=Verb, example="modelctl tray")
@pass_session
def tray(session: Session) -> None:
    """Show the tray icon until you quit it; on a desktop, the daemon starts it automatically."""
    try:
        from modelctl.desktop.tray import program
    except ImportError as error:
        raise _no_tray(f"{error}.", _("Install it with: pip install 'modeld[desktop]'")) from error
    try:
        reason = program.run(session.places)
    except program.TrayError as error:
        raise _no_tray(str(error), "") from error
    if session.json:
        session.emit(replies.Done(note=reason))
    else:
        session.line(reason)


@click.command(cls=Verb, example="modelctl viewer")
@pass_session
def viewer(session: Session) -> None:
    """Show the models, downloads, benchmarks and the machine in a window."""
    try:
        from modelctl.desktop.viewer.frame import window
    except ImportError as error:
        if error.name is None or not error.name.startswith("dearpygui"):
            raise
        message = _("The window needs the package dearpygui, which is not installed.")
        hint = _("Install it with: pip install 'modeld[desktop]'")
        raise ModeldError(LocalFailure(code=ErrorCode.INTERNAL, message=message, hint=hint)) from error
    window.run(session.places, session.preferences.scale)


def _show_test_notice(session: Session) -> None:
    from modelctl.desktop.notices import backend_chain
    from modelctl.desktop.notices.backend import NotShownError
    from modelctl.desktop.notices.log import LogBackend
    from modelctl.desktop.notices.wording import test_notice

    backends = [each for each in backend_chain.found(lambda _notice, _action: None) if not isinstance(each, LogBackend)]
    chain = backend_chain.BackendChain(backends)
    try:
        how = chain.show(test_notice())
    except NotShownError as error:
        raise click.ClickException(_("No notification could be shown: {why}.").format(why=error)) from error
    finally:
        chain.close()
    if session.json:
        session.emit(replies.Done(note=how))
    else:
        session.line(_("{server} showed a notification.").format(server=how))


def _notify(session: Session) -> None:
    from modelctl.desktop.notices.desktop import DesktopNotices
    from modelctl.desktop.viewer_focus import is_focused
    from modelctl.follow import keep_following

    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    notices = DesktopNotices(
        session.client, session.preferences.notifications, viewer_focused=partial(is_focused, session.places)
    )
    shown_pid: int | None = 0

    def changed(mirror: "Mirror | None", event: "AnyEvent | None") -> None:
        nonlocal shown_pid
        pid = None if mirror is None or mirror.stale else mirror.snapshot.daemon.pid
        if pid is None:
            if shown_pid is not None:
                session.say(_("modeld is not reachable; waiting for it."))
        elif pid != shown_pid:
            session.say(_("Showing notifications of modeld (process {pid}).").format(pid=pid))
        shown_pid = pid
        notices.on_change(mirror, event)

    try:
        keep_following(session.client.transport, changed, stop)
    finally:
        if notices.close():
            session.client.close()


def _no_tray(why: str, hint: str) -> ModeldError:
    message = _("The tray cannot be shown: {why}").format(why=why)
    return ModeldError(LocalFailure(code=ErrorCode.INTERNAL, message=message, hint=hint))
