"""What an icon can say."""

from enum import Enum


class IconState(Enum):
    """The states an icon tells apart, each by a shape and a colour of its own."""

    OFFLINE = "offline"
    """The daemon is not there."""
    IDLE = "idle"
    """Ready, and no model is in memory."""
    LOADING = "loading"
    """A model is on its way into memory."""
    LOADED = "loaded"
    """A model is in memory and waits."""
    BUSY = "busy"
    """A model answers."""
    DOWNLOADING = "downloading"
    """A model is on its way onto the disk; the ring shows how far."""
    ERROR = "error"
    """Something failed and wants to be looked at."""
