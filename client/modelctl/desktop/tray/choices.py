"""The menu's choices as values: the menu contains them, ``actions`` performs them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenViewer:
    """Show the window."""


@dataclass(frozen=True)
class OpenLogs:
    """Show the daemon's log."""


@dataclass(frozen=True)
class StartDaemon:
    """Start the daemon, which is not running."""


@dataclass(frozen=True)
class QuitTray:
    """End the tray; the daemon and its jobs continue."""


@dataclass(frozen=True)
class Load:
    """Load a model."""

    model: str


@dataclass(frozen=True)
class Unload:
    """Unload a model, or all with an empty key."""

    model: str = ""


@dataclass(frozen=True)
class Pin:
    """Pin a model, or unpin it."""

    model: str
    pinned: bool


@dataclass(frozen=True)
class Pull:
    """Download a model."""

    model: str


@dataclass(frozen=True)
class Pause:
    """Pause a download, or all with an empty id."""

    job: str = ""


@dataclass(frozen=True)
class Resume:
    """Resume a download, or all with an empty id."""

    job: str = ""


@dataclass(frozen=True)
class Cancel:
    """Cancel a job; a download's partial file is kept for later."""

    job: str


@dataclass(frozen=True)
class Benchmark:
    """Benchmark a model, or all on disk with an empty key."""

    model: str = ""


Choice = (
    OpenViewer | OpenLogs | StartDaemon | QuitTray | Load | Unload | Pin | Pull | Pause | Resume | Cancel | Benchmark
)
"""Every possible choice."""
