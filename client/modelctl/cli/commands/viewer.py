"""``viewer``: the window."""

import click
from modeld.protocol.errors import ErrorCode

from modelctl import errors
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.language.catalogue import _


@click.command(cls=Verb, example="modelctl viewer")
@pass_session
def viewer(session: Session) -> None:
    """Show the models, downloads, benchmarks and the machine in a window."""
    try:
        from modelctl.desktop.viewer.frame import window
    except ImportError as error:
        if error.name is None or not error.name.startswith("dearpygui"):
            raise
        raise errors.of(
            errors.LocalFailure(
                code=ErrorCode.INTERNAL,
                message=_("The window needs the package dearpygui, which is not installed."),
                hint=_("Install it with: pip install 'modeld[desktop]'"),
            )
        ) from error
    window.run(session.places, session.preferences.scale)
