"""A file on its way: the bytes in FILE.part and, beside it in FILE.part.json, which of them are there.

The state never claims bytes that are not on disk: data is synced before the state that names it is written (temporary
file, fsync, rename). It holds no secret and no signed address.
"""

import contextlib
import os
import shutil
from pathlib import Path

import msgspec

from modeld.adapters.pulls.failures import PullError, disk_error
from modeld.core.pieces import Pieces
from modeld.protocol.errors import ErrorCode

RESERVE_BYTES = 64 * 1024 * 1024
"""Disk space a download leaves free."""

STATE_VERSION = 1


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What FILE.part.json says: whose bytes they are, and which are on disk."""

    v: int = STATE_VERSION
    url: str
    etag: str
    size: int
    done: tuple[tuple[int, int], ...]


class Partial:
    """The partial file of ``final``; open between ``open`` and ``close``."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.part = final.with_name(final.name + ".part")
        self._state_file = final.with_name(final.name + ".part.json")
        self.pieces = Pieces()
        self.etag = ""
        self.size = 0
        self.url = ""
        self._fd = -1

    def open(self, url: str) -> None:
        """Open the partial file; what an earlier run left is taken up if it is of the same ``url``."""
        self.url = url
        state = self._read_state()
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            length = os.fstat(self._fd).st_size
        except OSError as error:
            raise disk_error(error, self.part) from error
        if state is not None and state.url == url and all(end <= length for _, end in state.done):
            self.pieces, self.etag, self.size = Pieces(state.done), state.etag, state.size
        else:
            self.restart()

    def _read_state(self) -> State | None:
        """The state an earlier run left; one that is missing or unreadable means starting from nothing."""
        try:
            state = msgspec.json.decode(self._state_file.read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return state if state.v == STATE_VERSION else None

    def restart(self) -> None:
        """Forget every byte: they are not, or no longer, of the file that the server has."""
        self.pieces, self.etag, self.size = Pieces(), "", 0
        try:
            os.ftruncate(self._fd, 0)
            self._state_file.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, self.part) from error

    def expect(self, size: int, etag: str) -> None:
        """Note what the server says of the file, and see that the disk has room for the rest."""
        self.size, self.etag = size, etag
        needed = size - self.pieces.count() + RESERVE_BYTES
        free = shutil.disk_usage(self.part.parent).free
        if size and needed > free:
            raise PullError(
                ErrorCode.DISK_FULL,
                f"{self.final.name} needs {needed:,} more bytes (with a reserve); "
                f"{free:,} are free in {self.part.parent}.",
                "Make room, or set models_dir to a larger disk; what is there is kept.",
            )

    def write(self, offset: int, data: bytes | bytearray) -> None:
        """Write ``data`` at ``offset``; it counts as there, and will be claimed after the next ``save``."""
        view = memoryview(data)
        position = offset
        try:
            os.lseek(self._fd, offset, os.SEEK_SET)
            while view:
                written = os.write(self._fd, view)
                position += written
                view = view[written:]
        except OSError as error:
            raise disk_error(error, self.part) from error
        finally:
            if position > offset:
                self.pieces = self.pieces.add(offset, position)

    def read(self, offset: int, count: int) -> bytes:
        """Bytes that are there."""
        try:
            os.lseek(self._fd, offset, os.SEEK_SET)
            return os.read(self._fd, count)
        except OSError as error:
            raise disk_error(error, self.part) from error

    def save(self) -> None:
        """Bring the bytes to the disk, then the state that claims them."""
        state = State(url=self.url, etag=self.etag, size=self.size, done=self.pieces.done)
        temporary = self._state_file.with_name(self._state_file.name + ".tmp")
        try:
            os.fsync(self._fd)
            with temporary.open("wb") as file:
                file.write(msgspec.json.encode(state))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._state_file)
        except OSError as error:
            raise disk_error(error, self._state_file) from error

    def close(self) -> None:
        """Close the file; what is there stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def finish(self) -> None:
        """Give the whole, verified file its final name, durably."""
        try:
            os.ftruncate(self._fd, self.size)
            os.fsync(self._fd)
            self.close()
            self.part.replace(self.final)
            _sync_folder(self.final.parent)
            self._state_file.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, self.final) from error

    def set_aside(self) -> Path:
        """Keep a file that is not what was expected as FILE.bad, and forget it."""
        bad = self.final.with_name(self.final.name + ".bad")
        self.close()
        try:
            self.part.replace(bad)
            self._state_file.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, bad) from error
        return bad

    def delete(self) -> None:
        """Delete what is there."""
        self.close()
        for path in (self.part, self._state_file):
            with contextlib.suppress(FileNotFoundError):
                try:
                    path.unlink()
                except PermissionError as error:
                    raise disk_error(error, path) from error


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
