"""One download, from the first request to the verified file under its final name."""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from modeld.adapters.pulls.failures import PullError, Retry, Stopped
from modeld.adapters.pulls.partial import Partial
from modeld.adapters.pulls.source import Body, Source, public
from modeld.core.effects import StartPull
from modeld.core.facts import AnyFact, PullAdvanced, PullBroke, PullFinished, PullStopped
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.views import HeaderView

BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes hashed at once: small updates wait for the interpreter's lock each time."""

SAVE_BYTES = 64 * 1024 * 1024
SAVE_S = 2.0
REPORT_S = 0.125
MAX_EMPTY_TRIES = 10
"""Attempts in a row that bring no byte, after which the download gives up."""

MAX_WAIT_S = 60.0
PROGRESS_BYTES = 256 * 1024
"""An attempt that brought this much starts the counting of empty ones anew."""

HeaderReader = Callable[[Path], HeaderView | Failure]


class Pull:
    """A download in the calling thread; ``stop`` may be called from any other."""

    def __init__(
        self,
        order: StartPull,
        final: Path,
        source: Callable[[], Source],
        read_header: HeaderReader,
        report: Callable[[AnyFact], None],
    ) -> None:
        self._order = order
        self._final = final
        self._make_source = source
        self._read_header = read_header
        self._report = report
        self._stop = threading.Event()
        self._keep = True
        self._body: Body | None = None
        self._sha256 = order.sha256
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._retries = 0
        self._reported = 0.0
        self._saved_at = 0.0
        self._saved_bytes = 0

    def stop(self, keep: bool) -> None:
        """End soon, with what is there on disk and claimed, or (not ``keep``) deleted."""
        self._keep = keep
        self._stop.set()
        body = self._body
        if body is not None:
            body.interrupt()

    def run(self) -> None:
        """Download, and report how it ended; exactly one final fact."""
        job, run = self._order.job, self._order.run
        partial = Partial(self._final)
        try:
            fact = self._already_there() or self._download(partial)
        except Stopped:
            fact = PullStopped(job=job, run=run)
            if not self._keep:
                try:
                    partial.delete()
                except PullError as error:
                    fact = PullBroke(job=job, run=run, failure=error.failure)
        except PullError as error:
            fact = PullBroke(job=job, run=run, failure=error.failure)
        finally:
            partial.close()
        self._report(fact)

    def _already_there(self) -> AnyFact | None:
        """A file under the final name: taken if it is what is wanted, else moved aside (never lost, never trusted)."""
        if not self._final.is_file():
            return None
        self._advance(0, self._final.stat().st_size, "verifying", now=True)
        header = self._read_header(self._final)
        digest = _hash_file(self._final, self._stop)
        wanted = self._order.sha256
        if isinstance(header, HeaderView) and (not wanted or digest == wanted):
            return self._finished(header, digest, bool(wanted), True)
        self._final.replace(self._final.with_name(self._final.name + ".bad"))
        return None

    def _download(self, partial: Partial) -> AnyFact:
        partial.open(public(self._order.url))
        self._advance(partial.pieces.count(), partial.size, "connecting", now=True)
        source = self._make_source()
        try:
            self._fetch_all(source, partial)
        finally:
            if self._keep and partial.pieces.count():
                partial.save()
            source.close()
        return self._verify(partial)

    def _fetch_all(self, source: Source, partial: Partial) -> None:
        """Attempt after attempt until nothing is missing; only attempts without progress count against the limit."""
        empty = 0
        while not partial.size or partial.pieces.missing(partial.size):
            before = partial.pieces.count()
            try:
                self._fetch(source, partial)
                continue
            except Retry as fault:
                empty = 0 if partial.pieces.count() - before >= PROGRESS_BYTES else empty + 1
                if self._stop.is_set():
                    raise Stopped from fault
                if empty >= MAX_EMPTY_TRIES:
                    raise PullError(
                        ErrorCode.UNREACHABLE,
                        f"{public(self._order.url)} brought no byte in {empty} attempts: {fault}.",
                        "Check the network and the address; pull again to go on where it stopped.",
                    ) from fault
                wait = fault.after_s if fault.after_s is not None else _back_off(empty)
            self._retries += 1
            self._advance(partial.pieces.count(), partial.size, "waiting to retry", now=True)
            if self._stop.wait(wait):
                raise Stopped

    def _fetch(self, source: Source, partial: Partial) -> None:
        """One attempt: from the end of what is there without a hole to the end of the file."""
        if self._stop.is_set():
            raise Stopped
        offset = partial.pieces.front()
        with source.open(offset, partial.etag) as body:
            self._body = body
            if self._stop.is_set():
                raise Stopped
            self._agree(body, partial, offset)
            self._read(body, partial)

    def _agree(self, body: Body, partial: Partial, offset: int) -> None:
        """See that the answer is of the file we have; if not, start over (and never mix the two)."""
        if not self._sha256 and body.sha256:
            self._sha256 = body.sha256
        changed = bool(partial.size and body.size and body.size != partial.size)
        changed = changed or bool(partial.etag and body.etag and body.etag != partial.etag)
        if offset and (body.offset == 0 or changed):
            self._advance(0, body.size, "starting over: the server sends the file from its beginning", now=True)
            partial.restart()
            self._hash, self._hashed = hashlib.sha256(), 0
        if offset and body.offset and changed:
            raise Retry("the file on the server has changed; starting over")
        partial.expect(body.size, body.etag)

    def _read(self, body: Body, partial: Partial) -> None:
        position = body.offset
        known_size = body.size
        pending = bytearray()
        try:
            for data in body.response.iter_raw():
                if known_size and position + len(pending) + len(data) > known_size:
                    raise Retry(f"the body is longer than the {known_size} bytes it was said to have")
                pending += data
                if len(pending) >= PROGRESS_BYTES:
                    partial.write(position, pending)
                    position += len(pending)
                    pending.clear()
                    self._after_write(partial)
                if self._stop.is_set():
                    raise Stopped
        finally:
            if pending:
                partial.write(position, pending)
                position += len(pending)
                self._after_write(partial)
        if not known_size:
            partial.size = position
        elif position < known_size:
            raise Retry(f"the body ended at byte {position} of {known_size}")

    def _after_write(self, partial: Partial) -> None:
        self._follow_hash(partial, BLOCK_BYTES)
        count = partial.pieces.count()
        now = time.monotonic()
        if count - self._saved_bytes >= SAVE_BYTES or now - self._saved_at >= SAVE_S:
            partial.save()
            self._saved_at, self._saved_bytes = now, count
        self._advance(count, partial.size, "downloading")

    def _follow_hash(self, partial: Partial, least: int) -> None:
        """Hash what lies before the front and is not hashed yet, in blocks of at least ``least`` bytes."""
        front = partial.pieces.front()
        while front - self._hashed >= least:
            block = partial.read(self._hashed, min(BLOCK_BYTES, front - self._hashed))
            if not block:
                raise PullError(
                    ErrorCode.UNWRITABLE, f"{partial.part} lost bytes that were written to it.", "Pull again."
                )
            self._hash.update(block)
            self._hashed += len(block)
            if self._stop.is_set():
                raise Stopped

    def _verify(self, partial: Partial) -> AnyFact:
        self._advance(partial.size, partial.size, "verifying", now=True)
        self._follow_hash(partial, 1)
        digest = self._hash.hexdigest()
        if self._sha256 and digest != self._sha256:
            bad = partial.set_aside()
            raise PullError(
                ErrorCode.HASH_MISMATCH,
                f"{public(self._order.url)} has SHA-256 {digest}, and {self._sha256} was expected.",
                f"It was kept as {bad.name} and is not used. Pull again; if it happens twice, the source is wrong.",
            )
        header = self._read_header(partial.part)
        if isinstance(header, Failure):
            bad = partial.set_aside()
            raise PullError(
                header.code,
                f"What {public(self._order.url)} sends is no usable model: {header.message}",
                f"It was kept as {bad.name}. Check the address.",
            )
        partial.finish()
        return self._finished(header, digest, bool(self._sha256), False)

    def _finished(self, header: HeaderView, digest: str, verified: bool, already_there: bool) -> PullFinished:
        return PullFinished(
            job=self._order.job,
            run=self._order.run,
            path=str(self._final),
            header=header,
            sha256=digest,
            verified=verified,
            already_there=already_there,
        )

    def _advance(self, done: int, total: int, phase: str, now: bool = False) -> None:
        moment = time.monotonic()
        if now or moment - self._reported >= REPORT_S:
            self._reported = moment
            self._report(
                PullAdvanced(
                    job=self._order.job,
                    run=self._order.run,
                    done_bytes=done,
                    total_bytes=total,
                    phase=phase,
                    retries=self._retries,
                )
            )


def _back_off(tries: int) -> float:
    """Full jitter: anything up to 1, 2, 4 .. 60 s."""
    return random.uniform(0.1, min(MAX_WAIT_S, 2.0 ** max(tries - 1, 0)))


def _hash_file(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            if stop.is_set():
                raise Stopped
    return digest.hexdigest()
