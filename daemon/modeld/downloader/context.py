"""What a download has at its disposal, what went wrong in it, and how far it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError
from modeld.downloader.location import Source
from modeld.downloader.slots import Slots
from modeld.downloader.throttle import Throttle
from modeld.downloader.tuning import Tuning
from modeld.downloader.url import public
from modeld.protocol.errors import ErrorCode


@dataclass
class Trouble:
    """What went wrong in a download so far, over all its tries."""

    retries: int = 0
    empty: int = 0
    why: str = ""
    retry_at: float | None = None
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is known of the file beforehand."""

    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a download is."""

    done: int
    total: int
    phase: str
    connections: int


@dataclass(kw_only=True)
class Means:
    """What a download has at its disposal."""

    source: Source
    partial: Partial
    throttles: tuple[Throttle, ...]
    slots: Slots
    tuning: Tuning
    name: str
    report: Callable[[Standing], None]
    trouble: Trouble = field(default_factory=Trouble)
    clock: Callable[[], float] = time.monotonic
    suspended: Callable[[], float] = lambda: 0.0


def unreachable(url: str, trouble: Trouble) -> PullError:
    """Too many attempts in a row that brought nothing."""
    return PullError(
        ErrorCode.UNREACHABLE,
        f"{public(url)} brought no byte in {trouble.empty} attempts: {trouble.why}.",
        "Check the network and the address; pull again to go on where it stopped.",
    )
