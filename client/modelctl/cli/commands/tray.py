"""``tray``: the icon of the desktop's tray, as a process of its own."""

import click
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.errors import LocalFailure, ModeldError
from modelctl.language.catalogue import _


@click.command(cls=Verb, example="modelctl tray")
@pass_session
def tray(session: Session) -> None:
    """Show the tray icon until it is quit; the daemon starts it by itself where there is a desktop."""
    try:
        from modelctl.desktop.tray import program
    except ImportError as error:
        raise _unusable(f"{error}.", _("Install it with: pip install 'modeld[desktop]'")) from error
    try:
        said = program.run(session.places)
    except program.TrayError as error:
        raise _unusable(str(error), "") from error
    if session.json:
        session.emit(replies.Done(note=said))
    else:
        session.line(said)


def _unusable(why: str, hint: str) -> ModeldError:
    message = _("The tray cannot be shown: {why}").format(why=why)
    return ModeldError(LocalFailure(code=ErrorCode.INTERNAL, message=message, hint=hint))
