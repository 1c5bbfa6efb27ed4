"""The client side of modeld: the Python client, the command line, the viewer and the tray.

``from modelctl import Client`` is all a program needs. The names are resolved on first use, so that importing the
package is fast for programs that need only one module of it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelctl.client import Client
    from modelctl.errors import (
        BadRequest,
        DaemonAway,
        DaemonSilent,
        DaemonUnavailable,
        ModeldError,
        NotFound,
        Refused,
    )

__all__ = [
    "BadRequest",
    "Client",
    "DaemonAway",
    "DaemonSilent",
    "DaemonUnavailable",
    "ModeldError",
    "NotFound",
    "Refused",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("modelctl.client" if name == "Client" else "modelctl.errors"), name)
