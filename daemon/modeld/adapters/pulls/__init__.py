"""Downloads: bytes from a server to a verified file, in a thread of their own."""

from modeld.adapters.pulls.pulls import Pulls
from modeld.adapters.pulls.source import Policy

__all__ = ["Policy", "Pulls"]
