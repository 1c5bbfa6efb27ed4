"""Access to the daemon for the drop-in classes: errors are values here, since a host program expects return values.

Every call tries again to access a daemon that was unreachable, or starts it if ``client.toml`` has ``start_daemon =
true``.
"""

import functools
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from modelctl import preferences, starting
from modelctl.client import Client
from modelctl.errors import DaemonSilent, DaemonUnavailable, ModeldError
from modelctl.jarvis.feed import Feed

_T = TypeVar("_T")

HOST_WAITS_S = 10.0
"""How long a call of the host program waits for an answer that the daemon gives at once."""

log = logging.getLogger(__name__)


class DaemonAccess:
    """A client for host programs: ``ask`` and ``attempt`` never raise because of the daemon."""

    def __init__(self, client: Client | None = None, *, start_daemon: bool | None = None) -> None:
        self.client = client or Client(timeout_s=HOST_WAITS_S)
        self._start_daemon = self._preferred() if start_daemon is None else start_daemon
        self._starting = threading.Lock()

    @functools.cached_property
    def feed(self) -> Feed:
        """Job updates; one thread for all classes of this process."""
        return Feed(self.client.transport)

    def close(self) -> None:
        """Stop the job updates; the client's owner closes the client."""
        self.feed.close()

    def attempt(self, call: Callable[[Client], _T]) -> _T | ModeldError:
        """The result of ``call``, or the error."""
        try:
            return call(self.client)
        except DaemonSilent as error:
            return error
        except DaemonUnavailable as error:
            if not self._start_daemon:
                return error
        except ModeldError as error:
            return error
        try:
            with self._starting:
                starting.start(self.client)
            return call(self.client)
        except ModeldError as error:
            return error

    def ask(self, call: Callable[[Client], _T], otherwise: _T) -> _T:
        """The result of ``call``, or ``otherwise`` after logging the error."""
        answer = self.attempt(call)
        if isinstance(answer, ModeldError):
            log.warning("%s %s", answer.message, answer.hint)
            return otherwise
        return answer

    def _preferred(self) -> bool:
        try:
            return preferences.read(self.client.transport.places).start_daemon
        except preferences.PreferencesError as error:
            log.warning("%s", error)
            return False


@functools.cache
def shared() -> DaemonAccess:
    """The default instance of this process."""
    return DaemonAccess()
