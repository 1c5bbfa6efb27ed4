"""``ModelDownloader``: JarvisCore's live ``model_downloader``."""

import logging
from collections.abc import Callable
from pathlib import Path

from modeld.protocol.states import FINAL, HAS_FILE, JobKind
from modeld.protocol.views import JobView, ModelView

from modelctl.jarvis.daemon_access import DaemonAccess, shared
from modelctl.jarvis.downloads import ModelDownloadManager
from modelctl.jarvis.progress import SUCCESS, DownloadProgress

log = logging.getLogger(__name__)


NEEDS_TOKEN = frozenset({"download_gated", "download_forbidden", "download_forbidden_with_token", "hub_gated"})
"""The reasons (``modeld.protocol.reasons``) of failures that a token can cure."""


class ModelDownloader:
    """The live downloader; ids are the daemon's keys."""

    def __init__(self, *, access: DaemonAccess | None = None) -> None:
        self._access = access or shared()
        self._downloads = ModelDownloadManager(access=self._access)

    def get_model_path(self, model_id: str) -> Path:
        """The path where the model's file is, or will be."""
        model = self._model(model_id)
        if model is not None and model.path:
            return Path(model.path)
        name = model.source.rsplit(":", 1)[-1].rsplit("/", 1)[-1] if model is not None else f"{model_id}.gguf"
        status = self._access.ask(lambda client: client.status(), None)
        folder = (
            status.daemon.models_dir if status is not None else str(self._access.client.transport.places.models_dir)
        )
        return Path(folder) / name

    def is_model_downloaded(self, model_id: str) -> bool:
        """Whether the model's file is complete on disk."""
        model = self._model(model_id)
        return model is not None and model.state in HAS_FILE

    def requires_token(self, model_id: str) -> bool:
        """Whether the last attempt failed for lack of a token; a repository reveals this only when asked."""
        model = self._model(model_id)
        failure = model.failure if model is not None else None
        return failure is not None and failure.reason in NEEDS_TOKEN

    def get_download_status(self) -> dict[str, object]:
        """Whether a download is running, which one, and its progress (0 to 100)."""
        jobs = self._access.ask(lambda client: client.jobs(), list[JobView]())
        running = [job for job in jobs if job.kind is JobKind.PULL and job.state not in FINAL]
        newest = running[-1] if running else None
        return {
            "is_downloading": bool(running),
            "current_model": newest.model if newest is not None else None,
            "progress": (newest.progress.percent or 0.0) if newest is not None else 0.0,
        }

    def download_model(
        self,
        model_id: str,
        hf_token: str | None = None,
        progress_callback: Callable[[float, str], object] | None = None,
    ) -> dict[str, object]:
        """Download a model; blocks. ``progress_callback`` gets the percentage and a message.

        The daemon uses the token of its own settings or environment; a token passed here is not sent anywhere.
        """
        if hf_token:
            log.warning("the token given for %s is not used: set HF_TOKEN for the daemon", model_id)
        key = model_id.lower()

        def on_progress(now: DownloadProgress) -> None:
            if progress_callback is not None and now.model == key:
                progress_callback(now.percent or 0.0, now.message)

        self._downloads.register_callback(on_progress)
        try:
            end = self._downloads.download(key)
        finally:
            self._downloads.unregister_callback(on_progress)
        success = end.status in SUCCESS
        return {
            "success": success,
            "message": end.message,
            "file_path": str(self.get_model_path(key)) if success else None,
        }

    def _model(self, model_id: str) -> ModelView | None:
        return self._access.ask(lambda client: client.show(model_id), None)
