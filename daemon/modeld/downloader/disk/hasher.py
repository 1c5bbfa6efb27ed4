"""The SHA-256 of a file that is still arriving: a thread that follows its front, so that little is left at the end."""

import hashlib
import threading

from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError, Stopped
from modeld.protocol.reasons import Reason

BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes hashed at once: small updates wait for the interpreter's lock each time."""


class Hasher:
    """Hashes ``partial`` from its beginning, from what the system has in memory of it or else from disk.

    What an earlier run left is read again too, which proves it.
    """

    def __init__(self, partial: Partial, name: str) -> None:
        self._partial = partial
        self._digest = hashlib.sha256()
        self._changed = threading.Condition()
        self._front = 0
        self._hashed = 0
        self._stopped = False
        self._failure: PullError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def hashed(self) -> int:
        """Bytes hashed so far."""
        return self._hashed

    def reached(self, front: int) -> None:
        """Bytes before ``front`` are there."""
        with self._changed:
            if front > self._front:
                self._front = front
                self._changed.notify_all()

    def finish(self, size: int) -> str:
        """Hash to the end of the file, ``size``, and say the digest.

        Raises:
            PullError: what was written cannot be read.
            Stopped: ``stop`` was called meanwhile.
        """
        self.reached(size)
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._failure is not None or self._hashed >= size)
            if self._failure is not None:
                raise self._failure
            if self._hashed < size:
                raise Stopped
            return self._digest.hexdigest()

    def stop(self) -> None:
        """End soon; from any thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, and wait for the thread to end."""
        self.stop()
        self._thread.join()

    def _run(self) -> None:
        view = memoryview(bytearray(BLOCK_BYTES))
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._front > self._hashed)
                if self._stopped:
                    return
                block = view[: min(BLOCK_BYTES, self._front - self._hashed)]
            try:
                count = self._partial.read_into(self._hashed, block)
                if not count:
                    raise PullError(Reason.PARTIAL_DAMAGED.failure(path=str(self._partial.part)))
            except PullError as error:
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return
            self._digest.update(block[:count])
            with self._changed:
                self._hashed += count
                self._changed.notify_all()
