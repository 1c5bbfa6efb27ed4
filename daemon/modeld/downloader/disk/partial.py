"""A partial download: the bytes in FILE.part and, beside it in FILE.part.json, which of them are on disk.

The state never claims bytes that are not on disk: data is synced before the state that names it is written (temporary
file, fsync, rename). It contains no secret and no signed URL.
"""

import contextlib
import errno
import os
import shutil
import sys
import threading
from pathlib import Path

import msgspec

from modeld.downloader.disk.positioned import read_at, sync_data, write_at
from modeld.downloader.failures import PullError, StartOver, disk_error
from modeld.downloader.plan.pieces import Pieces
from modeld.downloader.tuning import MIB
from modeld.protocol.reasons import Reason

STATE_VERSION = 1


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The content of FILE.part.json: which file the bytes are of, and which of them are on disk."""

    v: int = STATE_VERSION
    url: str
    etag: str
    size: int
    done: tuple[tuple[int, int], ...]
    sha256: str = ""


class Partial:
    """The partial file of ``final``, open between ``open`` and ``close``; ``write`` and ``read`` from any thread.

    ``validator`` (a strong ETag or a date), ``size`` and ``sha256`` (as the hub linked it) identify the file.
    """

    def __init__(self, final: Path, reserve_bytes: int) -> None:
        self.final = final
        self.part = final.with_name(final.name + ".part")
        self._state_file = final.with_name(final.name + ".part.json")
        self._reserve = reserve_bytes
        self._saving = threading.Lock()
        self.pieces = Pieces()
        self.validator = ""
        self.size = 0
        self.sha256 = ""
        self.url = ""
        self._fd = -1

    def open(self, url: str) -> None:
        """Open the partial file; continue what an earlier run left if it is of the same ``url``."""
        self.url = url
        state = self._read_state()
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            self._lock()
            length = os.fstat(self._fd).st_size
        except OSError as error:
            raise disk_error(error, self.part) from error
        usable = state is not None and state.url == url and all(end <= length for _, end in state.done)
        if state is not None and usable:
            self.pieces, self.validator, self.size = Pieces(state.done), state.etag, state.size
            self.sha256 = state.sha256
        else:
            self.restart()

    def _lock(self) -> None:
        """Make sure that no other program writes this file, such as a second daemon with the same models_dir."""
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PullError(Reason.PARTIAL_IN_USE.failure(path=str(self.part))) from error
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):  # a file system without locks
                raise

    def _read_state(self) -> State | None:
        """The state that an earlier run left; if it is missing or unreadable, the download starts from nothing."""
        try:
            state = msgspec.json.decode(self._state_file.read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return state if state.v == STATE_VERSION else None

    def restart(self) -> None:
        """Forget every byte: they are not of the file that the server has now."""
        self.pieces, self.validator, self.size, self.sha256 = Pieces(), "", 0, ""
        try:
            if self.deleted():
                os.close(self._fd)
                self._fd = os.open(self.part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
                self._lock()
            os.ftruncate(self._fd, 0)
            self._state_file.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, self.part) from error

    def expect(self, size: int, validator: str, sha256: str) -> None:
        """Note what the server says of the file, check that the disk has room for the rest, and allocate it."""
        self.size, self.validator, self.sha256 = size, validator, sha256
        if size:
            self.check_room(self._reserve)
            self._allocate(size)

    def check_room(self, reserve: int) -> None:
        """Check that the disk has room for what is not allocated yet, and a reserve.

        Raises:
            PullError: there is not enough room.
        """
        try:
            status = os.fstat(self._fd)
            free = shutil.disk_usage(self.part.parent).free
        except OSError as error:
            raise disk_error(error, self.part) from error
        taken = status.st_blocks * 512 if hasattr(status, "st_blocks") else status.st_size
        needed = max(0, self.size - taken) + reserve
        if self.size > taken and needed > free:
            raise PullError(
                Reason.DISK_TOO_FULL_FOR_REST.failure(
                    name=self.final.name,
                    needed_mib=needed / MIB,
                    free_mib=free / MIB,
                    folder=str(self.part.parent),
                )
            )

    def _allocate(self, size: int) -> None:
        """Allocate the whole file now, so that a full disk is noticed before the download and not in its middle.

        fallocate(2) itself: posix_fallocate writes every block where the file system cannot.
        """
        if sys.platform != "linux":
            return
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.fallocate(self._fd, 0, ctypes.c_longlong(0), ctypes.c_longlong(size)) and ctypes.get_errno() in (
            errno.ENOSPC,
            errno.EDQUOT,
        ):
            raise disk_error(OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno())), self.part)

    def write(self, offset: int, data: memoryview) -> None:
        """Write ``data`` at ``offset``; the next ``save`` with these pieces claims it."""
        try:
            while data:
                written = write_at(self._fd, data, offset)
                offset += written
                data = data[written:]
        except OSError as error:
            raise disk_error(error, self.part) from error

    def read_into(self, offset: int, view: memoryview) -> int:
        """Read bytes that have been written."""
        try:
            return read_at(self._fd, view, offset)
        except OSError as error:
            raise disk_error(error, self.part) from error

    def save(self, pieces: Pieces) -> None:
        """Sync the bytes to disk, then write the state that claims ``pieces`` of them."""
        temporary = self._state_file.with_name(self._state_file.name + ".tmp")
        with self._saving:
            state = State(url=self.url, etag=self.validator, size=self.size, done=pieces.done, sha256=self.sha256)
            try:
                sync_data(self._fd)
                with temporary.open("wb") as file:
                    file.write(msgspec.json.encode(state))
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self._state_file)
            except OSError as error:
                raise disk_error(error, self._state_file) from error
            self.pieces = pieces

    def deleted(self) -> bool:
        """Whether the partial file was deleted while it is open."""
        return os.fstat(self._fd).st_nlink == 0

    def close(self) -> None:
        """Close the file and keep it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def sync(self) -> None:
        """Cut the file to its length and sync it to disk."""
        try:
            os.ftruncate(self._fd, self.size)
            os.fsync(self._fd)
        except OSError as error:
            raise disk_error(error, self.part) from error

    def finish(self) -> None:
        """Give the whole, verified and synced file its final name, durably."""
        try:
            if self.deleted():
                raise StartOver(Reason.PARTIAL_DELETED.note(name=self.part.name))
            self.part.replace(self.final)
            self.close()
            _sync_folder(self.final.parent)
            self._state_file.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, self.final) from error

    def set_aside(self) -> Path:
        """Keep a file that is not the expected one as FILE.bad, and forget it."""
        bad = self.final.with_name(self.final.name + ".bad")
        self.close()
        try:
            self.part.replace(bad)
            self._state_file.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, bad) from error
        return bad

    def forget(self) -> None:
        """Remove the state of an earlier run that ended between its last two steps."""
        if not self.part.exists():
            self._state_file.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete the partial file and its state."""
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
