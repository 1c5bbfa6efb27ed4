"""The backends that can show a notice, best first; each notice goes to the first one that works."""

import logging
import sys
import time
from collections.abc import Callable, Sequence

from modelctl.desktop.notices import plyer
from modelctl.desktop.notices.backend import NoAnswerError, NotifierBackend, NotShownError
from modelctl.desktop.notices.log import LogBackend
from modelctl.desktop.notices.notice import Notice, NoticeAction
from modelctl.language.catalogue import _

OFF_S = 60.0
"""How long a backend is skipped after it failed to answer."""

log = logging.getLogger("modelctl.desktop.notices")


def found(clicked: Callable[[Notice, NoticeAction], None]) -> list[NotifierBackend]:
    """This machine's backends: D-Bus (not on Windows and macOS), plyer if installed, and the log as the last."""
    first = _dbus(clicked)
    if first is None and plyer.available():
        first = plyer.PlyerBackend()
    return [LogBackend()] if first is None else [first, LogBackend()]


def _dbus(clicked: Callable[[Notice, NoticeAction], None]) -> NotifierBackend | None:
    if sys.platform in ("win32", "darwin"):
        return None
    try:
        from modelctl.desktop.notices.dbus import DBusBackend
    except ImportError:
        return None
    return DBusBackend(clicked)


class BackendChain:
    """Shows notices through the first working backend. Unavailable backends are tried every time and logged once."""

    def __init__(self, backends: Sequence[NotifierBackend], clock: Callable[[], float] = time.monotonic) -> None:
        self._backends = backends
        self._clock = clock
        self._off_until: dict[str, float] = {}
        self._missing: set[str] = set()

    @property
    def replaces(self) -> bool:
        """Whether the first backend in line can replace a notice it has shown."""
        return next((backend.replaces for backend in self._backends if not self._is_off(backend)), False)

    def show(self, notice: Notice) -> str:
        """Show a notice and return how; raises NotShownError if no backend could."""
        why = _("no backend can show it")
        for backend in self._backends:
            if self._is_off(backend):
                continue
            try:
                how = backend.send(notice)
            except NotShownError as error:
                why = str(error)
                self._note(backend, error)
            else:
                self._missing.discard(backend.name)
                return how
        raise NotShownError(why)

    def close(self) -> None:
        """Close all backends."""
        for backend in self._backends:
            backend.close()

    def _is_off(self, backend: NotifierBackend) -> bool:
        return self._off_until.get(backend.name, 0.0) > self._clock()

    def _note(self, backend: NotifierBackend, error: NotShownError) -> None:
        if isinstance(error, NoAnswerError):
            self._off_until[backend.name] = self._clock() + OFF_S
            log.warning("Notifications by %s: %s; not tried again for %.0f s.", backend.name, error, OFF_S)
        elif backend.name not in self._missing:
            self._missing.add(backend.name)
            log.warning("Notifications by %s: %s; tried again with the next one.", backend.name, error)
