"""One desktop notification as a value: its text, its urgency, and its actions."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from modelctl.language.printable import printable

TITLE_LENGTH = 80
BODY_LENGTH = 300
"""The length that servers show; longer text is cut and ends with an ellipsis."""

_JOINERS = "\u200c\u200d"
"""Unprintable code points that join others into one character."""


class NoticeKind(StrEnum):
    """The kinds of notices; the names are the switches in ``preferences.Notifications``.

    ANSWER has no switch: it is the reply to a test, or to a click whose action failed.
    """

    DOWNLOAD_FINISHED = "download_finished"
    DOWNLOAD_FAILED = "download_failed"
    BENCHMARK_FINISHED = "benchmark_finished"
    BENCHMARK_FAILED = "benchmark_failed"
    MODEL_CRASHED = "model_crashed"
    DISK_LOW = "disk_low"
    NOT_SAVING = "not_saving"
    ANSWER = "answer"


FAILURES = frozenset({NoticeKind.DOWNLOAD_FAILED, NoticeKind.BENCHMARK_FAILED, NoticeKind.MODEL_CRASHED})
"""The kinds that report a failure."""


class Urgency(IntEnum):
    """The levels of the notification specification; a critical one stays until the user dismisses it."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


class NoticeAction(StrEnum):
    """The actions of a notification; OPEN is a click on the notification itself."""

    OPEN = "default"
    RETRY = "retry"
    SHOW_LOG = "log"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notification; a later one with the same ``key`` replaces it on the screen.

    ``brief`` is its text in a summary (``LLAMA (disk full)``); ``progress`` is a percentage for servers that draw bars;
    ``instead_of`` is the key of another visible notice that this one replaces.
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

    def __post_init__(self) -> None:
        for name in ("title", "body", "brief"):
            object.__setattr__(self, name, printable(getattr(self, name)))


def tidy(text: str, length: int, *, lines: bool = False) -> str:
    """``text`` without control characters, at most ``length`` long, on one line unless ``lines``."""
    rows = [
        " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in row).split())
        for row in text.splitlines()
    ]
    kept = ("\n" if lines else " ").join(row for row in rows if row)
    return kept if len(kept) <= length else kept[: length - 1].rstrip() + "…"
