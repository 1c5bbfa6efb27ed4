"""The ways to show a notice, best first: the first that works shows it."""

import logging
import sys
import time
from collections.abc import Callable, Sequence

from modelctl.desktop.notices import plyer
from modelctl.desktop.notices.backend import NoAnswerError, NotifierBackend, NotShownError
from modelctl.desktop.notices.log import LogBackend
from modelctl.desktop.notices.notice import Action, Notice
from modelctl.language.catalogue import _

OFF_S = 60.0
"""How long a way is left alone after it did not answer."""

log = logging.getLogger("modelctl.desktop.notices")


def found(clicked: Callable[[Notice, Action], None]) -> list[NotifierBackend]:
    """The ways of this machine: D-Bus where its library is (not Windows, not macOS), else plyer; the log last."""
    first = _dbus(clicked)
    if first is None and plyer.available():
        first = plyer.PlyerBackend()
    return [LogBackend()] if first is None else [first, LogBackend()]


def _dbus(clicked: Callable[[Notice, Action], None]) -> NotifierBackend | None:
    if sys.platform in ("win32", "darwin"):
        return None
    try:
        from modelctl.desktop.notices.dbus import DBusBackend
    except ImportError:
        return None
    return DBusBackend(clicked)


class Ways:
    """Shows notices by the first way that works. A way that is not there is tried each time, and logged once."""

    def __init__(self, backends: Sequence[NotifierBackend], clock: Callable[[], float] = time.monotonic) -> None:
        self._backends = backends
        self._clock = clock
        self._off_until: dict[str, float] = {}
        self._missing: set[str] = set()

    @property
    def replaces(self) -> bool:
        """Whether the best way that is not left alone can replace what it has shown."""
        return next((way.replaces for way in self._backends if not self._is_off(way)), False)

    def show(self, notice: Notice) -> str:
        """Show it, and say how; raises NotShownError when no way could."""
        why = _("there is no way to show it")
        for way in self._backends:
            if self._is_off(way):
                continue
            try:
                how = way.send(notice)
            except NotShownError as error:
                why = str(error)
                self._note(way, error)
            else:
                self._missing.discard(way.name)
                return how
        raise NotShownError(why)

    def close(self) -> None:
        """Close all of them."""
        for way in self._backends:
            way.close()

    def _is_off(self, way: NotifierBackend) -> bool:
        return self._off_until.get(way.name, 0.0) > self._clock()

    def _note(self, way: NotifierBackend, error: NotShownError) -> None:
        if isinstance(error, NoAnswerError):
            self._off_until[way.name] = self._clock() + OFF_S
            log.warning("Notifications by %s: %s; not tried again for %.0f s.", way.name, error, OFF_S)
        elif way.name not in self._missing:
            self._missing.add(way.name)
            log.warning("Notifications by %s: %s; used as soon as it is there.", way.name, error)
