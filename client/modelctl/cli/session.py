"""What the verbs share in one run of the command line: the client, made when first needed, and the manners of output.

Data goes to standard output, everything else to standard error; with ``--json`` the data is the protocol's structs.
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
        """Where lines for the person go: above the bars while there are some."""
        self.host = ""

    @functools.cached_property
    def places(self) -> modeld_places.Places:
        """Where this home's files are."""
        return modeld_places.find()

    @functools.cached_property
    def client(self) -> "Client":
        """The client of this run."""
        from modelctl.client import Client

        return Client(self.places, host=self.host)

    @functools.cached_property
    def preferences(self) -> "Preferences":
        """What this person set for what they see; where that cannot be read, a warning and the defaults."""
        from modelctl import preferences

        try:
            return preferences.read(self.places)
        except preferences.PreferencesError as error:
            self.warn(_("warning: {message}").format(message=error))
            return preferences.Preferences()

    def emit(self, message: "msgspec.Struct") -> None:
        """One message as one line of JSON."""
        self.line(wire.encode(message).decode())

    def line(self, text: str) -> None:
        """One line of data; flushed, since whoever reads a pipe wants it as it happens."""
        click.echo(text)
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """One line for the person, not for programs; left out with ``--json``."""
        if not self.json:
            self.above(text)

    def warn(self, text: str) -> None:
        """One line on standard error that a program's log should have too."""
        click.echo(text, err=True)


def _to_stderr(text: str) -> None:
    click.echo(text, err=True)


pass_session = click.make_pass_decorator(Session, ensure=True)


def colour_wanted() -> bool | None:
    """False where NO_COLOR forbids it, None where click may look whether it writes to a terminal."""
    return False if os.environ.get("NO_COLOR") else None
