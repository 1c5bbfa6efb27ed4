"""modeld: the daemon that owns a person's local GGUF models."""

__version__ = "0.1.0"
