"""What all verbs share in one run of the command line: the client, created on first use, and the output functions.

Data goes to standard output, everything else to standard error. With ``--json`` the data is the protocol's structs.
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from modeld import places as modeld_places
from modeld.protocol import wire

from modelctl.language.catalogue import _

if TYPE_CHECKING:
    import msgspec

    from modelctl.client import Client
    from modelctl.preferences import Preferences


class Session:
    """One run of the command line."""

    def __init__(self) -> None:
        self.json = False
        self.above: Callable[[str], None] = _to_stderr
        """Prints a line for the user: above the progress bars, while there are any."""
        self.host = ""

    @functools.cached_property
    def places(self) -> modeld_places.Places:
        """The paths of this home."""
        return modeld_places.find()

    @functools.cached_property
    def client(self) -> "Client":
        """The client of this run."""
        from modelctl.client import Client

        return Client(self.places, host=self.host)

    @functools.cached_property
    def preferences(self) -> "Preferences":
        """This user's display preferences; prints a warning and returns the defaults if they cannot be read."""
        from modelctl import preferences

        try:
            return preferences.read(self.places)
        except preferences.PreferencesError as error:
            self.warn(_("warning: {message}").format(message=error))
            return preferences.Preferences()

    def emit(self, message: "msgspec.Struct") -> None:
        """Print one message as one line of JSON."""
        self.line(wire.encode(message).decode())

    def line(self, text: str) -> None:
        """Print one line of data; flushed, so that a reader of a pipe gets it at once."""
        click.echo(text)
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Print one line for the user; omitted with ``--json``."""
        if not self.json:
            self.above(text)

    def warn(self, text: str) -> None:
        """Print one line on standard error that a program's log should also contain."""
        click.echo(text, err=True)


def _to_stderr(text: str) -> None:
    click.echo(text, err=True)


pass_session = click.make_pass_decorator(Session, ensure=True)


def colour_wanted() -> bool | None:
    """False if NO_COLOR forbids it, None if click may check whether it writes to a terminal."""
    return False if os.environ.get("NO_COLOR") else None
