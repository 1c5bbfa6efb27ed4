"""The hub: what its repositories hold, asked over HTTP in threads of its own."""

from modeld.adapters.hub.hub import Hub
from modeld.adapters.hub.token import Token, find_token
from modeld.adapters.hub.web import Policy

__all__ = ["Hub", "Policy", "Token", "find_token"]
