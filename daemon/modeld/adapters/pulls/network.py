"""Whether the machine got an address or a route just now, and how long it has slept."""

import logging
import os
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


def suspended_s() -> float:
    """Seconds this machine has slept since it started (0 where nobody counts them)."""
    if sys.platform != "linux":
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Network:
    """Calls ``came`` from a thread of its own when an address or a route is added (Linux; elsewhere never)."""

    def __init__(self, came: Callable[[], None]) -> None:
        self._came = came
        self._socket: socket.socket | None = None
        if sys.platform != "linux":
            return
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            self._socket.bind((0, _ADDRESSES_AND_ROUTES))
        except OSError as error:
            log.info("the network's changes cannot be watched: %s", error)
            self.close()
            return
        threading.Thread(target=self._watch, args=(self._socket,), name="network", daemon=True).start()

    def _watch(self, sock: socket.socket) -> None:
        while True:
            try:
                message = sock.recv(65536)
            except OSError as error:
                log.debug("no longer watching the network: %s", error)
                return
            if len(message) < 6:
                return
            if struct.unpack_from("=IH", message)[1] in _NEW:
                self._came()

    def close(self) -> None:
        """Watch no longer."""
        if self._socket is None:
            return
        sock, self._socket = self._socket, None
        try:
            # A message to ourselves, too short to be one: nothing else wakes a reader of such a socket.
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as other:
                other.sendto(b"end", sock.getsockname())
        except OSError as error:
            log.debug("the watcher of the network goes on until the process ends (%d): %s", os.getpid(), error)
