"""Downloads: bytes from a server to a verified file, in a thread of their own."""

from modeld.adapters.pulls.pulls import Pulls

__all__ = ["Pulls"]
