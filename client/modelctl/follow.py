"""A mirror of the daemon that stays fresh: snapshot and events, by the late joiner's rule.

Subscribe first, take a snapshot, drop what is in it already, apply the rest. After missed events or a restart of the
daemon, take a new snapshot.
"""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modeld.protocol import replies, requests
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.errors import ModeldError
from modelctl.transport import mirror
from modelctl.transport.transport import Transport, new_id

if TYPE_CHECKING:
    from modeld.protocol.events import AnyEvent

RETRY_S = 1.0
"""How long to wait before looking for a daemon that is away."""


class Mirror:
    """What the daemon shows, kept up while it is iterated over; ``snapshot`` may be read from any thread."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._events = transport.events()
        self.snapshot: Snapshot = self._fresh()

    def __iter__(self) -> "Iterator[AnyEvent | None]":
        """Yield each event once ``snapshot`` has it, and None when events were missed and a new snapshot was taken.

        Heartbeats are yielded too, so whoever iterates wakes at least once a second. Raises ``DaemonUnavailable``.
        """
        for event in self._events:
            try:
                self.snapshot = mirror.apply(self.snapshot, event)
            except mirror.MissedEvents:
                self.snapshot = self._fresh()
                yield None
            else:
                yield event

    def close(self) -> None:
        """Stop listening; ``snapshot`` stays as it was last."""
        self._events.close()

    def model(self, key: str) -> ModelView | None:
        """The model of this key, if there is one."""
        return next((model for model in self.snapshot.models if model.key == key), None)

    def job(self, job_id: str) -> JobView | None:
        """The job of this id, if it is still known."""
        return next((job for job in self.snapshot.jobs if job.id == job_id), None)

    def _fresh(self) -> Snapshot:
        result = self._transport.request(requests.Snapshot(id=new_id()))
        if not isinstance(result, replies.Snapshot):
            raise TypeError(f"a snapshot was asked for and {type(result).__name__} came")
        return result.snapshot


def keep_following(
    transport: Transport, on_change: "Callable[[Mirror | None, AnyEvent | None], None]", stop: threading.Event
) -> None:
    """Follow until ``stop`` is set, over every end and start of the daemon; for a thread of a GUI.

    ``on_change(mirror, event)`` after each change; ``event`` None: everything may be different.
    ``on_change(None, None)`` once when the daemon is away.
    """
    away = False
    while not stop.is_set():
        try:
            followed = Mirror(transport)
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
