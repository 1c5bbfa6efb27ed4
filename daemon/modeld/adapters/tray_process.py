"""Starts the tray and keeps it: a process of its own that outlives the daemon, so that the icon can say it is away.

A tray that ends by itself with exit code 0 was ended by the person, or found another one there; it is left alone. One
that fails is started again, later each time.
"""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from modeld.settings import without_secrets

log = logging.getLogger(__name__)

# -P: a folder called "modelctl" where the daemon happens to stand is not the client.
TRAY = (sys.executable, "-P", "-m", "modelctl", "tray")

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
HEALTHY_S = 60.0
"""A tray that ran for this long and failed then is started again without a long pause."""

LOOK_S = 60.0
"""How often to look for a desktop while there is none."""


class Tray:
    """The tray of this person's desktop, from the moment there is one."""

    def __init__(
        self,
        command: Sequence[str] = TRAY,
        environment: Mapping[str, str] = os.environ,
        *,
        first_pause_s: float = FIRST_PAUSE_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._command = command
        self._environment = environment
        self._first_pause_s = self._pause_s = first_pause_s
        self._look_s = look_s
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.TimerHandle | None = None
        self._closed = False
        self._said = False

    def start(self) -> None:
        """Start it, or wait for a desktop to start it on."""
        if not has_desktop(self._environment):
            if not self._said:
                log.info("no display and no session bus here: no tray and no notifications until there is one")
            self._said = True
            self._later(self._look_s)
            return
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=without_secrets(self._environment),
            )
        except OSError as error:
            log.error("the tray cannot be started: %s", error)
            return
        log.info("tray: process %d", process.pid)
        threading.Thread(target=self._wait, args=(process,), name="tray", daemon=True).start()

    def close(self) -> None:
        """Stop starting the tray; a running one is left alone."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        """In a thread of its own, for as long as the tray runs."""
        began = time.monotonic()
        last_line = b""
        assert process.stderr is not None
        for line in process.stderr:
            last_line = line
        code = process.wait()
        process.stderr.close()
        try:
            self._loop.call_soon_threadsafe(
                self._ended, code, last_line.decode(errors="replace").strip(), time.monotonic() - began
            )
        except RuntimeError:
            log.debug("the tray ended after the loop did")

    def _ended(self, code: int, last_line: str, ran_s: float) -> None:
        if code == 0 or self._closed:
            log.info("the tray was ended")
            return
        if ran_s >= HEALTHY_S:
            self._pause_s = self._first_pause_s
        log.warning(
            "the tray failed (exit code %d: %s); started again in %.0f s",
            code,
            last_line or "no message",
            self._pause_s,
        )
        self._later(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _later(self, pause_s: float) -> None:
        if not self._closed:
            self._waiting = self._loop.call_later(pause_s, self.start)


def has_desktop(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a tray has a place to go: always on Windows and macOS, else with a display or a session bus."""
    if not platform.startswith("linux"):
        return True
    if any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")):
        return True
    runtime_dir = environment.get("XDG_RUNTIME_DIR")
    return bool(runtime_dir) and Path(runtime_dir or "", "bus").exists()
