"""The wire: commands in and answers out (ROUTER), events out (PUB), on this machine and, if wanted, the network."""

from modeld.adapters.server.limits import Limits
from modeld.adapters.server.server import Server

__all__ = ["Limits", "Server"]
