"""A mirror of the daemon's state, kept current by snapshots and events.

Subscribe first, then take a snapshot, drop the events that it already includes, and apply the rest. After missed events
or a restart of the daemon, take a new snapshot.
"""

import math
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modeld.protocol import replies, requests
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.errors import ModeldError
from modelctl.transport import mirror
from modelctl.transport.transport import ANSWER_S, Transport, new_id

if TYPE_CHECKING:
    from modeld.protocol.events import AnyEvent

RETRY_S = 1.0
"""The interval between attempts to reach a daemon that does not answer."""


class Mirror:
    """The daemon's state, updated while you iterate; may be read from any thread, and no read waits for the daemon.

    ``stale`` is true while the daemon has not responded for three seconds: ``snapshot`` may be out of date.
    """

    def __init__(self, transport: Transport, give_up_s: float = ANSWER_S) -> None:
        self._transport = transport
        self._events = transport.events(give_up_s=give_up_s)
        self.stale = False
        self.snapshot: Snapshot = self._fresh()

    def __iter__(self) -> "Iterator[AnyEvent | None]":
        """Yield each event after it was applied, and None when anything may have changed.

        That is after missed events led to a new snapshot, each second while ``stale`` is true, and when it ends.
        Heartbeats are yielded too, so an iterating caller wakes at least once a second. Raises ``DaemonUnavailable``;
        ``DaemonSilent`` after 20 s without an event.
        """
        while True:
            try:
                event = self._events.receive()
            except StopIteration:
                return
            was_stale, self.stale = self.stale, event is None
            missed = event is not None and self._missed(event)
            if event is None or missed or was_stale:
                yield None
            if event is not None and not missed:
                yield event

    def _missed(self, event: "AnyEvent") -> bool:
        """Apply the event; whether events before it were missed, so that a new snapshot was taken."""
        try:
            self.snapshot = mirror.apply(self.snapshot, event)
        except mirror.MissedEvents:
            self.snapshot = self._fresh()
            return True
        return False

    def close(self) -> None:
        """Stop listening; ``snapshot`` keeps its last state."""
        self._events.close()

    def model(self, key: str) -> ModelView | None:
        """The model with this key, if there is one."""
        return next((model for model in self.snapshot.models if model.key == key), None)

    def job(self, job_id: str) -> JobView | None:
        """The job with this id, if the daemon still knows it."""
        return next((job for job in self.snapshot.jobs if job.id == job_id), None)

    def _fresh(self) -> Snapshot:
        result = self._transport.request(requests.Snapshot(id=new_id()))
        if not isinstance(result, replies.Snapshot):
            raise TypeError(f"a snapshot was asked for and {type(result).__name__} came")
        return result.snapshot


def keep_following(
    transport: Transport, on_change: "Callable[[Mirror | None, AnyEvent | None], None]", stop: threading.Event
) -> None:
    """Follow the daemon until ``stop`` is set, across restarts; for a thread of a GUI.

    Calls ``on_change(mirror, event)`` after each change; ``event`` None: anything may have changed, also
    ``mirror.stale``. Calls ``on_change(None, None)`` once when the daemon becomes unreachable. A daemon of this machine
    that runs and does not respond stays stale, however long it takes.
    """
    away = False
    while not stop.is_set():
        try:
            followed = Mirror(transport, ANSWER_S if transport.host else math.inf)
            away = False
            on_change(followed, None)
            for event in followed:
                if stop.is_set():
                    followed.close()
                    return
                on_change(followed, event)
        except ModeldError:
            if not away:
                on_change(None, None)
            away = True
            stop.wait(RETRY_S)
