"""What all verbs share in one run of the command line: the client, created on first use, and the output functions.

Data goes to standard output, everything else to standard error. With ``--json`` the data is the protocol's structs.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from modeld import places as modeld_places
from modeld.protocol import wire

from modelctl.cli import output
from modelctl.cli.output import Part
from modelctl.language.catalogue import _

if TYPE_CHECKING:
    import msgspec

    from modelctl.client import Client
    from modelctl.preferences import Preferences


class Session:
    """One run of the command line."""

    def __init__(self) -> None:
        self.json = False
        self.above: Callable[[Part], None] = _to_stderr
        """Prints a line for the user: above the progress bars, while there are any."""
        self.host = ""
        self.revives = False

    @functools.cached_property
    def places(self) -> modeld_places.Places:
        """The paths of this home."""
        return modeld_places.find()

    @functools.cached_property
    def client(self) -> "Client":
        """The client of this run; the daemon is started again if it died, unless the verb leaves that alone."""
        from modelctl.client import Client

        client = Client(self.places, host=self.host)
        if self.revives and not self.host:
            from modelctl.starting import revive

            pong = revive(client)
            if pong is not None:
                self.warn(
                    _("modeld had ended unexpectedly and was started again (process {pid}).").format(pid=pong.pid)
                )
        return client

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
        self.json_line(wire.encode(message).decode())

    def json_line(self, text: str) -> None:
        """Print one line of JSON."""
        output.json_line(text)

    def line(self, *parts: Part) -> None:
        """Print one line of data."""
        output.line(*parts)

    def say(self, text: Part) -> None:
        """Print one line for the user; omitted with ``--json``."""
        if not self.json:
            self.above(text)

    def warn(self, *parts: Part) -> None:
        """Print text on standard error that a program's log should also contain."""
        output.lines(*parts, err=True)


def _to_stderr(text: Part) -> None:
    output.line(text, err=True)


pass_session = click.make_pass_decorator(Session, ensure=True)
