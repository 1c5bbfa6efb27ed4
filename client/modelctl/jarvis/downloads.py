"""``ModelDownloadManager``: blocking downloads with progress callbacks."""

import threading
from collections.abc import Callable

from modeld.protocol.states import JobKind
from modeld.protocol.views import JobView

from modelctl.errors import DaemonUnavailable, ModeldError
from modelctl.jarvis import progress
from modelctl.jarvis.daemon_access import DaemonAccess, shared
from modelctl.jarvis.feed import call_safely
from modelctl.jarvis.progress import DownloadProgress

CONNECT_S = 5.0
"""How long to wait for the connection before requesting a download."""

GRACE_S = 20.0
"""How long to wait for a daemon that becomes unreachable during a download (the download continues when it is back)."""

Callback = Callable[[DownloadProgress], object]


class ModelDownloadManager:
    """Downloads through the daemon. Callbacks get the progress of all downloads, also of those of other clients."""

    def __init__(self, jarvis_instance: object = None, *, access: DaemonAccess | None = None) -> None:
        self._jarvis = jarvis_instance
        self._access = access or shared()
        self._listening = False
        self._lock = threading.Lock()
        self._callbacks: list[Callback] = []
        self._newest: dict[str, DownloadProgress] = {}

    def register_callback(self, callback: Callback) -> None:
        """Call ``callback`` with the progress of every download; one that raises does not stop the others."""
        with self._lock:
            self._callbacks.append(callback)
        self._listen()

    def unregister_callback(self, callback: Callback) -> None:
        """Stop calling ``callback``."""
        with self._lock:
            self._callbacks.remove(callback)

    def download_model(self, model_key: str) -> bool:
        """Download a model; blocks until it has ended. True if its file is complete and verified."""
        return self.download(model_key).status in progress.SUCCESS

    def download(self, model_key: str) -> DownloadProgress:
        """Like ``download_model``, but returns the final progress."""
        key = model_key.lower()
        self._listen()
        if self._access.feed.is_own_thread():  # in a callback: waiting would block the delivery
            return self._ended(key, self._access.attempt(lambda client: client.pull(key, wait=True)))
        job = self._access.attempt(lambda client: client.pull(key))
        if isinstance(job, ModeldError):
            return self._ended(key, job)
        if not self._access.feed.wait_until_connected(CONNECT_S):
            return self._ended(key, DaemonUnavailable("The daemon's news does not arrive."))
        end = self._access.feed.wait_for(job, GRACE_S)
        if end is None:
            away = DaemonUnavailable("The daemon became unreachable during the download, which continues later.")
            return self._ended(key, away)
        return progress.of_job(end)

    def get_progress(self, model_key: str) -> DownloadProgress | None:
        """The newest download of a model, running or ended; None if there was none. May be called from any thread."""
        key = model_key.lower()
        with self._lock:
            known = self._newest.get(key)
        if known is not None and (self._listening or known.status in progress.TERMINAL):
            return known
        jobs = self._access.ask(lambda client: client.jobs(key), list[JobView]())
        pulls = [job for job in jobs if job.kind is JobKind.PULL]
        return progress.of_job(pulls[-1]) if pulls else known

    def is_downloading(self, model_key: str) -> bool:
        """Whether a download of this model is unfinished."""
        newest = self.get_progress(model_key)
        return newest is not None and newest.status not in progress.TERMINAL

    def close(self) -> None:
        """Stop listening; downloads continue in the daemon."""
        with self._lock:
            listening, self._listening = self._listening, False
        if listening:
            self._access.feed.forget(self._on_job)

    def _listen(self) -> None:
        with self._lock:
            if self._listening:
                return
            self._listening = True
        self._access.feed.listen(self._on_job)

    def _on_job(self, job: JobView) -> None:
        if job.kind is JobKind.PULL:
            self._report(progress.of_job(job))

    def _ended(self, key: str, answer: JobView | ModeldError) -> DownloadProgress:
        """Report an end for which no event arrives."""
        if not isinstance(answer, ModeldError):
            return progress.of_job(answer)
        now = progress.of_failure(key, answer.failure)
        self._report(now)
        return now

    def _report(self, now: DownloadProgress) -> None:
        with self._lock:
            self._newest[now.model] = now
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            call_safely(callback, now)
