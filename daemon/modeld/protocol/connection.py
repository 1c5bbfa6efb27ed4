"""The connection file: how a client finds the daemon of this home."""

import msgspec

from modeld.protocol.wire import VERSION


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where the daemon listens; written 0600 by rename once its sockets are bound, gone when it has stopped."""

    v: int = VERSION
    pid: int
    version: str
    commands: str
    events: str
    server_key: str = ""
