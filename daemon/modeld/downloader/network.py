"""Whether the machine got an address or a route just now, and how long it has slept."""

import logging
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

_ADDRESSES_AND_ROUTES = 0x10 | 0x40 | 0x100 | 0x400
"""RTMGRP_IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE (rtnetlink(7))."""

_NEW = (20, 24)
"""RTM_NEWADDR, RTM_NEWROUTE."""

_HEADER = struct.Struct("=IH")
"""Length and type, with which every message begins (netlink(7))."""


def suspended_s() -> float:
    """Seconds that this machine was suspended since it started (0 where the system does not count them)."""
    if sys.platform != "linux":
        return 0.0
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC))


def changes() -> socket.socket | None:
    """A socket on which the system reports new addresses and routes; None where it cannot."""
    if sys.platform != "linux":
        return None
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        sock.bind((0, _ADDRESSES_AND_ROUTES))
    except OSError as error:
        log.info("the network's changes cannot be watched: %s", error)
        return None
    return sock


class Network:
    """Calls ``came`` from a thread of its own when ``news`` (see ``changes``) reports an address or a route."""

    def __init__(self, came: Callable[[], None], news: socket.socket | None) -> None:
        self._came = came
        self._end, self._ended = socket.socketpair()
        self._thread: threading.Thread | None = None
        if news is not None:
            self._thread = threading.Thread(target=self._watch, args=(news,), name="network", daemon=True)
            self._thread.start()

    def _watch(self, news: socket.socket) -> None:
        with news:
            while True:
                ready, _, _ = select.select([news, self._ended], [], [])
                if self._ended in ready:
                    return
                try:
                    message = news.recv(65536)
                except OSError as error:
                    log.debug("some news of the network were lost: %s", error)  # too many at once: so there are some
                    self._came()
                    continue
                if len(message) >= _HEADER.size and _HEADER.unpack_from(message)[1] in _NEW:
                    self._came()

    def close(self) -> None:
        """Watch no longer."""
        self._end.close()
        if self._thread is not None:
            self._thread.join()
        self._ended.close()
