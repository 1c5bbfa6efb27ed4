"""One desktop notification as a value: what is said, how loudly, and what a click may do."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

TITLE_LENGTH = 80
BODY_LENGTH = 300
"""Servers show about this much; a longer text is cut and ends with an ellipsis."""

_JOINERS = "\u200c\u200d"
"""Not printable by themselves, but they make one sign of several."""


class NoticeKind(StrEnum):
    """What a notice is about: the names of the switches in ``preferences.Notifications``.

    ANSWER has no switch: it answers a test, or a click whose wish could not be fulfilled.
    """

    DOWNLOAD_FINISHED = "download_finished"
    DOWNLOAD_FAILED = "download_failed"
    BENCHMARK_FINISHED = "benchmark_finished"
    BENCHMARK_FAILED = "benchmark_failed"
    MODEL_CRASHED = "model_crashed"
    DISK_LOW = "disk_low"
    ANSWER = "answer"


FAILURES = frozenset({NoticeKind.DOWNLOAD_FAILED, NoticeKind.BENCHMARK_FAILED, NoticeKind.MODEL_CRASHED})
"""The kinds that say that something went wrong."""


class Urgency(IntEnum):
    """As the notification specification counts; a critical one stays until it is clicked away."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


class NoticeAction(StrEnum):
    """What the user may choose; OPEN is a click on the notification itself."""

    OPEN = "default"
    RETRY = "retry"
    SHOW_LOG = "log"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notification. A later one of the same ``key`` takes its place on the screen.

    ``brief`` is what a summary says of it (``LLAMA (disk full)``); ``progress`` is a percentage to draw, where the
    server draws bars; ``instead_of`` is the key of another notice on the screen that this one takes the place of.
    """

    key: str
    kind: NoticeKind
    title: str
    body: str
    urgency: Urgency = Urgency.NORMAL
    actions: tuple[NoticeAction, ...] = ()
    model: str = ""
    brief: str = ""
    progress: int | None = None
    instead_of: str = ""


def tidy(text: str, length: int, *, lines: bool = False) -> str:
    """``text`` fit to be shown: no control characters, at most ``length`` long, on one line unless ``lines``."""
    rows = [
        " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in row).split())
        for row in text.splitlines()
    ]
    kept = ("\n" if lines else " ").join(row for row in rows if row)
    return kept if len(kept) <= length else kept[: length - 1].rstrip() + "…"
