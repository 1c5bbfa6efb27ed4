"""Notifications through plyer: Windows, macOS, and Linux without D-Bus.

plyer calls block, some for more than a minute, and cannot be interrupted. Each runs in a thread that is abandoned after
the deadline; while an abandoned call runs, no other is started.
"""

import importlib.util
import sys
import threading
import warnings
from collections.abc import Callable

from modelctl.desktop.notices.backend import DEADLINE_S, NoAnswerError, UnavailableError
from modelctl.desktop.notices.notice import Notice, tidy
from modelctl.language.catalogue import _

TITLE_LENGTH = 63
BODY_LENGTH = 255
"""The maximum lengths of title and text on Windows, minus one: plyer raises above them."""

SHOWN_S = 5
"""On Windows, plyer keeps an icon and a thread this long, which also delays the end of the program."""

Notify = Callable[[str, str], None]


def available() -> bool:
    """Whether plyer is installed."""
    return importlib.util.find_spec("plyer") is not None


class PlyerBackend:
    """Shows notices through plyer, or through ``notify`` (title, body)."""

    name = "plyer"
    replaces = False

    def __init__(self, notify: Notify | None = None, deadline_s: float = DEADLINE_S) -> None:
        self._notify = notify or _by_plyer
        self._deadline_s = deadline_s
        self._running: threading.Thread | None = None

    def send(self, notice: Notice) -> str:
        """Show it; raises UnavailableError or NoAnswerError."""
        if self._running is not None and self._running.is_alive():
            raise NoAnswerError(_("an earlier call has not returned yet"))
        wrong: list[Exception] = []
        title, body = _fit(notice.title, TITLE_LENGTH), _fit(notice.body, BODY_LENGTH)

        def call() -> None:
            try:
                self._notify(title, body)
            except Exception as error:  # noqa: BLE001 - each platform's backend in plyer raises its own errors
                wrong.append(error)

        self._running = threading.Thread(target=call, name="plyer", daemon=True)
        self._running.start()
        self._running.join(self._deadline_s)
        if self._running.is_alive():
            raise NoAnswerError(_("the call did not return within {seconds} s").format(seconds=f"{self._deadline_s:g}"))
        if wrong:
            raise UnavailableError(str(wrong[0]) or type(wrong[0]).__name__) from wrong[0]
        return self.name

    def close(self) -> None:
        """Abandon a call that has not returned."""


def _fit(text: str, length: int) -> str:
    """``text`` cut to ``length``; it never starts like an option of the program that plyer may run with it."""
    kept = tidy(text, length - 1, lines=True)
    return f" {kept}" if not kept or kept.startswith("-") else kept


def _by_plyer(title: str, body: str) -> None:
    with warnings.catch_warnings():
        # plyer warns that dbus-python is missing, which the user cannot change.
        warnings.simplefilter("ignore")
        from plyer import notification

        shown = SHOWN_S if sys.platform == "win32" else 10
        notification.notify(title=title, message=body, app_name="modeld", timeout=shown)
