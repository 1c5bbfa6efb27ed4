"""The wire: commands in and answers out (ROUTER), events out (PUB), on this machine and, if wanted, the network."""

from modeld.adapters.endpoint.endpoint import Server
from modeld.adapters.endpoint.limits import Limits

__all__ = ["Limits", "Server"]
