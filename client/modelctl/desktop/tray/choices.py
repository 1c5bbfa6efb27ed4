"""What the user can choose in the tray's menu, as values: the menu holds them, ``actions`` performs them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenViewer:
    """Show the window."""


@dataclass(frozen=True)
class OpenLogs:
    """Show the daemon's log."""


@dataclass(frozen=True)
class StartDaemon:
    """Start the daemon, which is away."""


@dataclass(frozen=True)
class QuitTray:
    """End the tray; the daemon and its jobs go on."""


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
    """Keep a model loaded, or stop doing so."""

    model: str
    pinned: bool


@dataclass(frozen=True)
class Pull:
    """Download a model."""

    model: str


@dataclass(frozen=True)
class Pause:
    """Hold a download, or all with an empty id."""

    job: str = ""


@dataclass(frozen=True)
class Resume:
    """Let a held download go on, or all with an empty id."""

    job: str = ""


@dataclass(frozen=True)
class Cancel:
    """End a job; what it has downloaded stays for a later one."""

    job: str


@dataclass(frozen=True)
class Benchmark:
    """Benchmark a model, or all on disk with an empty key."""

    model: str = ""


Choice = (
    OpenViewer | OpenLogs | StartDaemon | QuitTray | Load | Unload | Pin | Pull | Pause | Resume | Cancel | Benchmark
)
"""Everything there is to choose."""
