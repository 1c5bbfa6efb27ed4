"""What the parts of a download share: its context, the state of its retries, and its progress reports."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError
from modeld.downloader.location import DownloadSource, Pause
from modeld.downloader.slots import Slots
from modeld.downloader.throttle import Throttle
from modeld.downloader.tuning import Tuning
from modeld.downloader.url import public
from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.states import Phase


@dataclass
class RetryState:
    """The retries of a download, over all its attempts; ``cause`` is the newest."""

    count: int = 0
    empty: int = 0
    cause: Note | None = None
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class ExpectedFile:
    """What is known of the file beforehand."""

    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class ProgressReport:
    """How far a download is; ``pause`` is set while it waits to try again."""

    done: int
    total: int
    phase: Phase
    connections: int
    pause: Pause | None = None


@dataclass(kw_only=True)
class DownloadContext:
    """What the connections of a download share."""

    source: DownloadSource
    partial: Partial
    throttles: tuple[Throttle, ...]
    slots: Slots
    tuning: Tuning
    name: str
    report: Callable[[ProgressReport], None]
    retries: RetryState = field(default_factory=RetryState)
    clock: Callable[[], float] = time.monotonic
    suspended: Callable[[], float] = lambda: 0.0


def unreachable(url: str, retries: RetryState) -> PullError:
    """Too many attempts in a row brought no data."""
    cause = retries.cause or Reason.CONNECTION_CLOSED.note()
    return PullError(Reason.DOWNLOAD_UNREACHABLE.failure(url=public(url), attempts=retries.empty, why=cause))
