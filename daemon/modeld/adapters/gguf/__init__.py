"""Model files in GGUF: what model a file holds, read without loading it."""

from modeld.adapters.gguf.container import GgufError
from modeld.adapters.gguf.model import read_header, read_model, read_remote

__all__ = ["GgufError", "read_header", "read_model", "read_remote"]
