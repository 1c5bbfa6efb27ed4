"""The daemon as the drop-in classes reach it: errors are values here, since a host program expects answers.

A daemon that is away is looked for again with every call, or started, with ``start_daemon = true`` in ``client.toml``.
"""

import functools
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from modelctl import preferences, starting
from modelctl.client import Client
from modelctl.errors import DaemonUnavailable, ModeldError
from modelctl.jarvis.feed import Feed

_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Reach:
    """A client, and the manners of a guest: no exception leaves ``ask`` or ``attempt`` because of the daemon."""

    def __init__(self, client: Client | None = None, *, start_daemon: bool | None = None) -> None:
        self.client = client or Client()
        self._start_daemon = self._preferred() if start_daemon is None else start_daemon
        self._starting = threading.Lock()

    @functools.cached_property
    def feed(self) -> Feed:
        """The news of jobs, one thread for all classes of this process."""
        return Feed(self.client.transport)

    def close(self) -> None:
        """End the news; the client is its owner's to close."""
        self.feed.close()

    def attempt(self, call: Callable[[Client], _T]) -> _T | ModeldError:
        """What ``call`` returns, or why it could not."""
        try:
            return call(self.client)
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
        """What ``call`` returns, or ``otherwise``; the reason is logged."""
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
def shared() -> Reach:
    """The one of this process, for classes that are not given another."""
    return Reach()
