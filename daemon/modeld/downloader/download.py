"""One download, from the first request to the verified file under its final name."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modeld.core.effects import StartPull
from modeld.core.facts import AnyFact, PullAdvanced, PullBroke, PullFinished, PullStopped
from modeld.downloader.attempt import Fetch
from modeld.downloader.context import DownloadContext, ExpectedFile, ProgressReport, RetryState, unreachable
from modeld.downloader.disk.existing import foreign, hash_file
from modeld.downloader.disk.hasher import Hasher
from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError, StartOver, Stopped, disk_error
from modeld.downloader.location import DownloadSource
from modeld.downloader.slots import Slots
from modeld.downloader.throttle import Throttle
from modeld.downloader.tuning import Tuning
from modeld.downloader.url import public
from modeld.protocol.errors import Failure, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.states import Phase
from modeld.protocol.views import HeaderView

HeaderReader = Callable[[Path], HeaderView | Failure]

MAX_CHANGES = 3
"""How often the file may change during a download: after the second change it uses one connection, after the third it
fails."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all downloads have in common."""

    slots: Slots
    throttle: Throttle
    tuning: Tuning
    read_header: HeaderReader
    report: Callable[[AnyFact], None]
    suspended: Callable[[], float] = lambda: 0.0


class Pull:
    """A download in the calling thread; ``stop`` may be called from any other. ``throttle`` is its own limit."""

    def __init__(
        self, order: StartPull, final: Path, source: DownloadSource, throttle: Throttle, shared: Shared
    ) -> None:
        self._order = order
        self._final = final
        self._source = source
        self._shared = shared
        self.throttle = throttle
        self._retries = RetryState()
        self._partial = Partial(final, shared.tuning.reserve_bytes)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._keep = True
        self._fetch: Fetch | None = None
        self._hasher: Hasher | None = None

    def stop(self, keep: bool) -> None:
        """End soon; with ``keep`` the partial file is saved, else it is deleted."""
        with self._lock:
            self._keep = keep
            self._stopped.set()
            fetch, hasher = self._fetch, self._hasher
        if fetch is not None:
            fetch.stop()
        if hasher is not None:
            hasher.stop()

    def wake(self) -> None:
        """The network is back: connections that wait for it try at once."""
        with self._lock:
            fetch = self._fetch
        if fetch is not None:
            fetch.wake()

    def run(self) -> None:
        """Download, and report how it ended; exactly one final fact."""
        partial = self._partial
        try:
            fact = self._already_there() or self._download()
        except Stopped:
            fact = self._end_stopped()
        except PullError as error:
            fact = self._broke(error)
        finally:
            partial.close()
        self._shared.report(fact)

    def _end_stopped(self) -> AnyFact:
        if not self._keep:
            try:
                self._partial.delete()
            except PullError as error:
                return self._broke(error)
        return PullStopped(job=self._order.job, run=self._order.run)

    def _broke(self, error: PullError) -> PullBroke:
        return PullBroke(job=self._order.job, run=self._order.run, failure=error.failure)

    def _already_there(self) -> AnyFact | None:
        """Use an existing file if it is the expected one; else keep it under another name."""
        order, final = self._order, self._final
        try:
            if final.is_file():
                self._tell(0, final.stat().st_size, Phase.VERIFYING)
                header = self._shared.read_header(final)
                digest = hash_file(final, self._stopped.is_set)
                if isinstance(header, HeaderView) and (not order.sha256 or digest == order.sha256):
                    self._partial.forget()
                    return self._finished(header, digest, bool(order.sha256), already_there=True)
                final.replace(final.with_name(final.name + ".bad"))
                return None
            taken = foreign(final, order.size_bytes, order.sha256, self._stopped.is_set)
            if taken is None:
                return None
            header = self._shared.read_header(taken)
            if isinstance(header, Failure):
                return None
            taken.replace(final)
            return self._finished(header, order.sha256, verified=True, already_there=True)
        except OSError as error:
            raise disk_error(error, final) from error

    def _download(self) -> AnyFact:
        """Attempt after attempt: each continues the last, and only a changed file or a wrong hash starts over."""
        partial = self._partial
        partial.open(public(self._order.url))
        self._tell(partial.pieces.count(), partial.size, Phase.CONNECTING)
        single, changes, wrong = False, 0, ""
        while True:
            try:
                return self._try_once(single)
            except StartOver as over:
                if self._retries.empty >= self._shared.tuning.max_empty:
                    raise unreachable(self._order.url, self._retries) from over
                changes += over.changed or changes > 1
                if changes >= MAX_CHANGES:
                    url = public(self._order.url)
                    raise PullError(Reason.CHANGES_EVERY_TIME.failure(url=url, why=over.cause)) from over
                single = single or over.single or changes > 1
                self._begin_again(over.cause)
            except _WrongHash as found:
                if wrong:
                    raise self._mismatch(found, wrong) from found
                wrong = found.digest
                single = True
                self._begin_again(Reason.HASH_WRONG.note(found=found.digest, expected=found.expected))

    def _begin_again(self, cause: Note) -> None:
        self._tell(0, self._partial.size, Phase.STARTING_OVER, cause=cause)
        self._partial.restart()
        self._source.forget()
        waits = self._retries.empty
        if waits and self._stopped.wait(random.random() * min(60.0, 2.0**waits) * self._shared.tuning.first_wait_s):
            raise Stopped

    def _try_once(self, single: bool) -> AnyFact:
        partial, order, shared = self._partial, self._order, self._shared
        hasher = Hasher(partial, f"pull-{order.job}-hash")
        context = DownloadContext(
            source=self._source,
            partial=partial,
            throttles=(shared.throttle, self.throttle),
            slots=shared.slots,
            tuning=shared.tuning,
            name=f"pull-{order.job}",
            report=self._report,
            retries=self._retries,
            suspended=shared.suspended,
        )
        fetch = Fetch(context, ExpectedFile(sha256=order.sha256, size=order.size_bytes), hasher, single)
        try:
            with self._lock:
                self._fetch, self._hasher = fetch, hasher
                if self._stopped.is_set():
                    raise Stopped
            try:
                fetch.run()
            except (Stopped, PullError):
                if self._keep:
                    fetch.save()
                raise
            return self._verify(hasher)
        finally:
            hasher.close()

    def _verify(self, hasher: Hasher) -> AnyFact:
        """Sync while the rest is hashed; then check the hash and the header, and rename the file."""
        partial = self._partial
        self._tell(partial.size, partial.size, Phase.VERIFYING)
        partial.sync()
        digest = hasher.finish(partial.size)
        expected = self._order.sha256 or partial.sha256
        if expected and digest != expected:
            raise _WrongHash(digest, expected)
        header = self._shared.read_header(partial.part)
        if isinstance(header, Failure):
            bad = partial.set_aside()
            url = public(self._order.url)
            raise PullError(Reason.NOT_A_MODEL.failure(url=url, why=header.note(), name=bad.name))
        partial.finish()
        return self._finished(header, digest, bool(expected), already_there=False)

    def _mismatch(self, found: "_WrongHash", before: str) -> PullError:
        bad = self._partial.set_aside()
        reason = Reason.HASH_WRONG_TWICE if found.digest == before else Reason.HASH_VARIES
        url = public(self._order.url)
        return PullError(
            reason.failure(url=url, found=found.digest, before=before, expected=found.expected, name=bad.name)
        )

    def _finished(self, header: HeaderView, digest: str, verified: bool, *, already_there: bool) -> PullFinished:
        return PullFinished(
            job=self._order.job,
            run=self._order.run,
            path=str(self._final),
            header=header,
            sha256=digest,
            verified=verified,
            already_there=already_there,
        )

    def _report(self, progress: ProgressReport) -> None:
        """The progress of an attempt."""
        pause = progress.pause
        self._tell(
            progress.done,
            progress.total,
            progress.phase,
            progress.connections,
            cause=pause.cause if pause else None,
            retry_in_s=max(0.0, pause.until - time.monotonic()) if pause else None,
        )

    def _tell(
        self,
        done: int,
        total: int,
        phase: Phase,
        connections: int = 0,
        *,
        cause: Note | None = None,
        retry_in_s: float | None = None,
    ) -> None:
        self._shared.report(
            PullAdvanced(
                job=self._order.job,
                run=self._order.run,
                done_bytes=done,
                total_bytes=total,
                phase=phase,
                retries=self._retries.count,
                connections=connections,
                retry_in_s=retry_in_s,
                cause=cause,
            )
        )


class _WrongHash(Exception):  # noqa: N818 - a signal to the loop
    def __init__(self, digest: str, expected: str) -> None:
        super().__init__(digest)
        self.digest = digest
        self.expected = expected
