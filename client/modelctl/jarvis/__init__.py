"""The classes that JarvisCore's documentation names, under those names.

Those that draw need DearPyGui; they are imported when they are first asked for, so that the others work without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelctl.viewer.context import ContextWindowVisualizer
    from modelctl.viewer.embed import ExtendedModelManagerUI

__all__ = ["ContextWindowVisualizer", "ExtendedModelManagerUI"]

_DRAWING = {
    "ContextWindowVisualizer": "modelctl.viewer.context",
    "ExtendedModelManagerUI": "modelctl.viewer.embed",
}


def __getattr__(name: str) -> object:
    if name in _DRAWING:
        return getattr(import_module(_DRAWING[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
