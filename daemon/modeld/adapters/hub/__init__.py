"""The hub: looks up its repositories over HTTP, in threads of its own."""

from modeld.adapters.hub.hub import Hub
from modeld.adapters.hub.token import Token, find_token

__all__ = ["Hub", "Token", "find_token"]
