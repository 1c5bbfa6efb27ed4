"""Downloads: bytes from a server to a verified file, in a thread of their own."""

from modeld.downloader.pool import Pulls

__all__ = ["Pulls"]
