"""Saves the progress of a download twice a second, in a thread of its own, since a sync may take long."""

import threading
from collections.abc import Callable

from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError
from modeld.downloader.plan.pieces import Pieces


class Saver:
    """Saves ``partial`` every ``interval_s`` while ``pieces`` grow; calls ``failed`` when saving fails."""

    def __init__(
        self,
        partial: Partial,
        pieces: Callable[[], Pieces],
        interval_s: float,
        failed: Callable[[PullError], None],
        name: str,
    ) -> None:
        self._partial = partial
        self._pieces = pieces
        self._interval_s = interval_s
        self._failed = failed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            pieces = self._pieces()
            if pieces == self._partial.pieces:
                continue
            try:
                self._partial.save(pieces)
            except PullError as error:
                self._failed(error)
                return

    def close(self) -> None:
        """End, after the sync that is going on."""
        self._ended.set()
        self._thread.join()
