"""The states that an icon can show."""

from enum import Enum


class IconState(Enum):
    """The states of an icon, each with its own shape and colour."""

    OFFLINE = "offline"
    """The daemon is not running."""
    IDLE = "idle"
    """Ready, and no model is in memory."""
    LOADING = "loading"
    """A model is being loaded."""
    LOADED = "loaded"
    """A model is in memory and idle."""
    BUSY = "busy"
    """A model is answering."""
    DOWNLOADING = "downloading"
    """A model is being downloaded; the ring shows the progress."""
    ERROR = "error"
    """Something failed and needs the user's attention."""
