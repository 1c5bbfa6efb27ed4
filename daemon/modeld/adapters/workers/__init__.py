"""Worker children: starts them, speaks with them, and notices when they end."""

from modeld.adapters.workers.workers import Workers

__all__ = ["Workers"]
