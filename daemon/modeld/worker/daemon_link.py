"""The worker's line to the daemon: orders in, news out, and a look whether a stop has come."""

import os
import time
from collections import deque

import msgspec
import zmq

from modeld.protocol.wire import encode
from modeld.protocol.workers import (
    OWN_SECRET,
    SERVER_KEY,
    Activity,
    Alive,
    Answer,
    AnyNews,
    AnyOrder,
    Exit,
    Measure,
    Stop,
)

LINGER_MS = 1000
"""Time for the last news to leave when the process ends."""

ALIVE_S = 1.0
"""Least time between two signs of life."""


class Link:
    """A DEALER whose identity is the run number; used from one thread."""

    def __init__(self, endpoint: str, run: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(1)
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, run.encode())
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        server_key, secret = os.environ.pop(SERVER_KEY, ""), os.environ.pop(OWN_SECRET, "")
        if server_key:
            self._socket.setsockopt(zmq.CURVE_SERVERKEY, server_key.encode())
            self._socket.setsockopt(zmq.CURVE_SECRETKEY, secret.encode())
            self._socket.setsockopt(zmq.CURVE_PUBLICKEY, zmq.curve_public(secret.encode()))
        self._socket.connect(endpoint)
        self._decoder = msgspec.json.Decoder(AnyOrder)
        self._waiting: deque[AnyOrder] = deque()
        self._task = 0
        self._stopped = False
        self._given_up: set[int] = set()
        self._activity = Activity.LOADING
        self._alive_at = 0.0
        self.exiting = False

    def begin_activity(self, activity: Activity) -> None:
        """Say what the worker does from now on."""
        self._activity, self._alive_at = activity, 0.0
        self.say_alive()

    def say_alive(self) -> None:
        """Give a sign of life, if the last one is old enough."""
        now = time.monotonic()
        if now >= self._alive_at:
            self._alive_at = now + ALIVE_S
            self.say(Alive(activity=self._activity))

    def say(self, news: AnyNews) -> None:
        """Send a message to the daemon."""
        self._socket.send(encode(news))

    def next_order(self) -> AnyOrder:
        """Wait for the next order; a stop that came too late is passed over."""
        while True:
            order = self._waiting.popleft() if self._waiting else self._decoder.decode(self._socket.recv())
            if not isinstance(order, Stop):
                return order

    def begin(self, task: int) -> None:
        """From now on a stop of ``task`` counts; one that came while it waited for its turn does too."""
        self._task, self._stopped = task, task in self._given_up
        self._given_up.discard(task)

    def stopping(self) -> bool:
        """Whether to stop the current task; reads what has arrived, without waiting, and gives a sign of life."""
        self.say_alive()
        while self._has_order():
            order = self._decoder.decode(self._socket.recv(zmq.NOBLOCK))
            match order:
                case Stop(task=task) if task == self._task:
                    self._stopped = True
                case Stop(task=task):
                    self._given_up.update(
                        task
                        for waiting in self._waiting
                        if isinstance(waiting, Answer | Measure) and waiting.task == task
                    )
                case Exit():
                    self.exiting = True
                case _:
                    self._waiting.append(order)
        return self._stopped or self.exiting

    def _has_order(self) -> bool:
        """Whether something has arrived; asked once for every token, so by the flag and not by an exception."""
        events = self._socket.get(zmq.EVENTS)
        return isinstance(events, int) and bool(events & zmq.POLLIN)

    def close(self) -> None:
        """Let the last news leave."""
        self._socket.close()
        self._context.term()
