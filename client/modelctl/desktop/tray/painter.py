"""Updates the icon and the menu: at most twice a second, and always to the latest state.

Other threads report changes; this thread draws them. Nothing is drawn or sent if the user would see no difference.
"""

import threading
import time
from collections.abc import Callable

from modeld.protocol.views import Snapshot

from modelctl.desktop.tray import unseen
from modelctl.desktop.tray.appearance import Appearance, appearance
from modelctl.desktop.tray.backend import TrayBackend
from modelctl.desktop.tray.menu import Menu, menu
from modelctl.desktop.tray.unseen import UnseenNews

INTERVAL_S = 0.5

READ_S = 30.0
"""How long seen news stays in the menu if the panel does not report that the menu was closed (xfce4-panel)."""


class Painter:
    """Draws on ``backend`` while it runs; the other methods may be called from any thread."""

    def __init__(self, backend: TrayBackend, *, read_s: float = READ_S) -> None:
        self._backend = backend
        self._read_s = read_s
        self._opened_at = 0.0
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._stale = False
        self._last_known: Snapshot | None = None
        self._news = UnseenNews()
        self._appearance: Appearance | None = None
        self._menu: Menu | None = None
        self._thread = threading.Thread(target=self._keep_drawing, name="painter")

    def start(self) -> None:
        """Start drawing; until the first snapshot, the daemon counts as not reachable."""
        self._changed.set()
        self._thread.start()

    def stop(self) -> None:
        """Stop drawing."""
        self._stop.set()
        self._changed.set()
        self._thread.join()

    def show(self, snapshot: Snapshot | None, stale: bool = False) -> None:
        """Set the daemon's current state; None: it is not reachable; ``stale``: it does not respond."""
        with self._lock:
            if snapshot is self._snapshot and stale == self._stale:
                return  # a heartbeat
            self._snapshot, self._stale = snapshot, stale
            if snapshot is not None:
                self._news = unseen.after(self._news, self._last_known, snapshot)
                self._last_known = snapshot
        self._changed.set()

    def failed(self, sentence: str) -> None:
        """A chosen action failed."""
        self._change(lambda _: unseen.failed(sentence))

    def opened(self) -> None:
        """The menu was opened."""
        self._opened_at = time.monotonic()
        self._change(unseen.opened)

    def closed(self) -> None:
        """The menu was closed."""
        self._change(unseen.closed)

    def draw(self) -> None:
        """Draw the changes, if there are any."""
        with self._lock:
            snapshot, stale, news = self._snapshot, self._stale, self._news
        new_appearance, new_menu = appearance(snapshot, news, stale), menu(snapshot, news, stale)
        if new_menu != self._menu:
            self._menu = new_menu
            self._backend.set_menu(new_menu)
        if new_appearance != self._appearance:
            self._appearance = new_appearance
            self._backend.set_appearance(new_appearance)

    def _change(self, change: Callable[[UnseenNews], UnseenNews]) -> None:
        with self._lock:
            self._news = change(self._news)
        self._changed.set()

    def _keep_drawing(self) -> None:
        while True:
            self._changed.wait(self._reading_s())
            self._changed.clear()
            if self._stop.is_set():
                return
            if self._reading_s() == 0:
                self.closed()
            self.draw()
            self._stop.wait(INTERVAL_S)

    def _reading_s(self) -> float | None:
        """How long the seen news still stays in the menu; None if there is none."""
        if not self._news.seen:
            return None
        return max(0.0, self._opened_at + self._read_s - time.monotonic())
