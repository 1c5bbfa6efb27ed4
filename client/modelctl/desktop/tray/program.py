"""The tray as a process: one per home, in its own session, until the user quits it or a signal ends it."""

import logging
import logging.handlers
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from modeld.places import Places

from modelctl import filelock, preferences
from modelctl.client import Client
from modelctl.desktop import viewer_focus
from modelctl.desktop.notices.desktop import DesktopNotices
from modelctl.desktop.tray import backends
from modelctl.desktop.tray.actions import Actions
from modelctl.desktop.tray.backend import Listener, TrayBackend
from modelctl.desktop.tray.choices import Choice
from modelctl.desktop.tray.painter import Painter
from modelctl.desktop.tray.reviver import Reviver
from modelctl.follow import Mirror, keep_following
from modelctl.language.catalogue import _

if TYPE_CHECKING:
    from modeld.protocol.events import AnyEvent

LOG_BYTES = 512 * 1024
LOG_FILES = 2
END_S = 5.0

_log = logging.getLogger("modelctl.desktop.tray")


class TrayError(Exception):
    """The tray cannot run here; the message says why."""


def run(places: Places) -> str:
    """Show the tray until the user quits it; return why it ended. Raises TrayError."""
    try:
        places.runtime_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = filelock.hold(places.runtime_dir / "tray.lock")
        if lock is None:
            return _("A tray icon is already running for this home.")
        with lock:
            _log_to(places)
            Tray(places).run()
    except (OSError, backends.NoBackendError) as error:
        raise TrayError(str(error)) from error
    return _("The tray icon has ended; the daemon keeps running.")


class Tray:
    """Connects the parts: follower -> painter -> backend -> actions."""

    def __init__(self, places: Places) -> None:
        self._client = Client(places)
        self._stop = threading.Event()
        self._bug: BaseException | None = None
        listener = Listener(
            chosen=self._chosen, opened=lambda: self._painter.opened(), closed=lambda: self._painter.closed()
        )
        wanted = _preferences(places)
        self._backend: TrayBackend = backends.choose(listener, wanted.panel)
        self._painter = Painter(self._backend)
        self._actions = Actions(places, self._client, failed=self._painter.failed, quit_tray=self._backend.stop)
        self._notices = DesktopNotices(
            self._client,
            wanted.notifications,
            viewer_focused=lambda: viewer_focus.is_focused(places),
            viewer=self._actions.open_viewer,
        )
        reviver = Reviver(self._client, self._painter.failed)
        self._reviver = threading.Thread(target=reviver.run, args=(self._stop,), name="reviver", daemon=True)
        self._follower = threading.Thread(target=self._follow, name="follower", daemon=True)

    def run(self) -> None:
        """Show the icon on this thread until the user quits it or SIGTERM arrives."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        threading.excepthook = self._thread_failed
        self._painter.start()
        self._follower.start()
        self._reviver.start()
        try:
            self._backend.run()
        finally:
            self._stop.set()
            self._painter.stop()
            self._follower.join(END_S)  # a daemon that does not respond would keep it longer
            ended = self._notices.close()
            self._actions.close()
            if ended and not self._follower.is_alive() and not self._reviver.is_alive():
                self._client.close()
        if self._bug is not None:
            raise self._bug
        _log.info("ended")

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        """A bug in a thread ends the process with its traceback: otherwise the icon would show an outdated state."""
        self._bug = failure.exc_value or RuntimeError("a thread failed")
        _log.error("%s failed", failure.thread.name if failure.thread else "a thread", exc_info=self._bug)
        self._backend.stop()

    def _chosen(self, choice: Choice) -> None:
        _log.info("chosen: %s", choice)
        self._actions.start(choice)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        _log.info("signal %d", number)
        self._backend.stop()

    def _follow(self) -> None:
        keep_following(self._client.transport, self._changed, self._stop)

    def _changed(self, mirror: Mirror | None, event: "AnyEvent | None") -> None:
        self._notices.on_change(mirror, event)
        self._painter.show(None if mirror is None else mirror.snapshot, mirror is not None and mirror.stale)


def _preferences(places: Places) -> preferences.Preferences:
    """This user's preferences, or the defaults and a line in the log."""
    try:
        return preferences.read(places)
    except preferences.PreferencesError as error:
        _log.warning("%s The defaults are used.", error)
        return preferences.Preferences()


def _log_to(places: Places) -> None:
    """Log to ``tray.log``, regardless of the environment's log settings."""
    places.state_dir.mkdir(parents=True, exist_ok=True)
    file = logging.handlers.RotatingFileHandler(
        places.state_dir / "tray.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
    )
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[file])
    logging.captureWarnings(True)
