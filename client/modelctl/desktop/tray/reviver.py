"""Starts a daemon again that died; one that was stopped stays stopped, and a crash loop ends."""

import logging
import threading
import time
from collections.abc import Callable

from modelservice import ServiceError, for_this_system

from modelctl import starting
from modelctl.client import Client
from modelctl.errors import DaemonDied, ModeldError, advice, explained
from modelctl.language.catalogue import _

LOOK_S = 1.0
LOOP_S = 120.0
LOOP_STARTS = 5
"""After so many starts within ``LOOP_S`` the daemon is not started again until somebody else has started it."""

SERVICE_S = 10.0
"""How long a system service that starts the daemon gets to do so first."""

_log = logging.getLogger("modelctl.desktop.tray")


def service_grace_s() -> float:
    """How long to wait for a service of this system to start the daemon; 0 without one."""
    try:
        state = for_this_system().state()
    except ServiceError:
        return 0.0
    return SERVICE_S if state.running or state.at_login else 0.0


class Reviver:
    """Looks each second whether the daemon died, in its own thread; ``failed`` tells the user what went wrong."""

    def __init__(
        self,
        client: Client,
        failed: Callable[[str], None],
        *,
        start: Callable[[Client], object] = starting.start,
        grace_s: Callable[[], float] = service_grace_s,
    ) -> None:
        self._client = client
        self._failed = failed
        self._start = start
        self._grace_s = grace_s
        self._died_at: float | None = None
        self._starts: list[float] = []
        self._gave_up = False
        self._wait_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop`` is set."""
        while not stop.wait(LOOK_S):  # there is no event for the end of another process, so poll
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Start the daemon if it died, unless it is in a crash loop or a service gets to start it first."""
        died = self._died()
        if not died:
            self._died_at = None
            self._gave_up = self._gave_up and died is None
            return
        if self._gave_up:
            return
        if self._died_at is None:
            self._died_at, self._wait_s = now, self._grace_s()
        if now - self._died_at >= self._wait_s:
            self._revive(now)

    def _died(self) -> bool | None:
        """Whether the daemon died; None if it was stopped."""
        try:
            self._client.transport.connection()
        except DaemonDied:
            return True
        except ModeldError:
            return None
        return False

    def _revive(self, now: float) -> None:
        self._starts = [at for at in self._starts if now - at < LOOP_S]
        if len(self._starts) >= LOOP_STARTS:
            self._gave_up = True
            text = _("modeld died {count} times within {seconds:.0f} s and is not started again. See its log: {path}")
            self._tell(text.format(count=LOOP_STARTS, seconds=LOOP_S, path=self._client.transport.places.log_file))
            return
        self._starts.append(now)
        _log.warning("modeld died; it is started again")
        try:
            self._start(self._client)
        except ModeldError as error:
            self._tell(f"{explained(error.failure)} {advice(error.failure)}".strip())

    def _tell(self, sentence: str) -> None:
        _log.error("%s", sentence)
        self._failed(sentence)
