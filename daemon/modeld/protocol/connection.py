"""The connection file: how a client finds the daemon of this home."""

import msgspec

from modeld.protocol.wire import VERSION

ALREADY_RUNNING_EXIT = 3
"""The exit code of a daemon that ends at once because another one runs for the same home."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where the daemon listens; written 0600 by rename once its sockets are bound, gone when it has stopped.

    With ``server_key`` the two endpoints are tcp, encrypted with CURVE, and ``client_key`` and ``client_secret`` are
    the pair that lets this user in. ``remote_*`` is where it listens for other machines, whose users have keys of
    their own; ``remote_key`` is what they have to know of it.
    """

    v: int = VERSION
    pid: int
    version: str
    commands: str
    events: str
    server_key: str = ""
    client_key: str = ""
    client_secret: str = ""
    remote_commands: str = ""
    remote_events: str = ""
    remote_key: str = ""

    def __repr__(self) -> str:
        return f"Connection(pid={self.pid}, commands={self.commands!r}, events={self.events!r})"
