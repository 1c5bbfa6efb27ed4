"""``LlmManager``: JarvisCore's classic ``jarvis.llm_manager``, implemented with the daemon.

It never raises because of the daemon: a call that fails returns False, None or an empty value, and logs the reason. It
keeps no conversation and no response cache; both counts are always 0.
"""

import re
from collections.abc import Callable
from pathlib import Path

from modeld.protocol.requests import Message, Sampling
from modeld.protocol.states import HAS_FILE, IN_MEMORY
from modeld.protocol.views import DaemonView, ModelView, Snapshot

from modelctl.client import Client
from modelctl.jarvis import progress, roles
from modelctl.jarvis.daemon_access import DaemonAccess, shared
from modelctl.jarvis.downloads import ModelDownloadManager
from modelctl.jarvis.progress import DownloadProgress
from modelctl.language.format import GIB, MIB, format_bytes

Overview = dict[str, dict[str, object]]

ProgressCallback = Callable[[dict[str, object]], object]


class LlmManager:
    """The classic interface. ``current_model`` is the model that answered last, unless the host sets another."""

    def __init__(self, jarvis_instance: object = None, *, access: DaemonAccess | None = None) -> None:
        self._jarvis = jarvis_instance
        self._access = access or shared()
        self._downloads = ModelDownloadManager(jarvis_instance, access=self._access)
        self._chosen: str | None = None

    # -- models in memory ----------------------------------------------------------------------------------------

    def load_model(self, model_key: str = "mistral") -> bool:
        """Load a model; blocks. True once it can answer."""
        loaded = self._access.ask(lambda client: client.load(model_key, wait=True), None) is not None
        if loaded:
            self._chosen = model_key.lower()
        return loaded

    def unload_model(self, model_key: str | None = None) -> None:
        """Unload one model, or all of them; returns once their memory is free."""
        self._access.ask(lambda client: client.unload(model_key or "", wait=True), None)
        if model_key is None or model_key.lower() == self._chosen:
            self._chosen = None

    def is_model_ready(self, model_key: str) -> bool:
        """Whether the model's file is complete on disk."""
        model = self._model(model_key)
        return model is not None and model.state in HAS_FILE

    def check_model_exists(self, model_key: str) -> bool:
        """Another name for ``is_model_ready``."""
        return self.is_model_ready(model_key)

    def get_model_path(self, model_key: str) -> str | None:
        """The path of the model's file; None if it is not on disk."""
        model = self._model(model_key)
        return model.path if model is not None and model.state in HAS_FILE else None

    # -- answers -------------------------------------------------------------------------------------------------

    def generate_response(
        self,
        prompt: str,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        model_key: str | None = None,
        use_case: str | None = None,
        task_hint: str | None = None,
        enable_cache: bool = True,  # noqa: ARG002 - part of the interface; there is no response cache to disable
    ) -> str | None:
        """The model's answer to ``prompt`` through its chat template; None if it failed. Blocks."""
        key = model_key or self.choose_model_for_prompt(prompt, use_case, task_hint)
        system = [Message(role="system", content=system_prompt)] if system_prompt else []
        sampling = Sampling() if temperature is None else Sampling(temperature=temperature)
        messages = [*system, Message(role="user", content=prompt)]

        def ask(client: Client) -> str:
            return client.chat(key, messages, max_tokens=max_tokens or 0, sampling=sampling).text

        return self._access.ask(ask, None)

    def predict_use_case(self, prompt: str) -> dict[str, object]:
        """``use_case`` and its ``scores``, from the words of the prompt."""
        return {"use_case": roles.best_for(prompt), "scores": roles.scores(prompt)}

    def choose_model_for_prompt(self, prompt: str, use_case: str | None = None, task_hint: str | None = None) -> str:
        """The model to use: one in memory for this use case, else the current one, one on disk, the default."""
        wanted = use_case or task_hint or roles.best_for(prompt)
        ready = [model for model in self._models() if model.state in HAS_FILE]
        loaded = [model for model in ready if model.state in IN_MEMORY]
        fitting = [model.key for model in loaded + ready if roles.of(model.key).use_case == wanted]
        current = self.current_model
        current_fits = current is not None and (wanted == "general" or current in fitting)
        first = [current] if current_fits else fitting[:1]
        candidates = [*first, current, *(model.key for model in loaded + ready)]
        return next(filter(None, candidates), self.default_model)

    # -- downloads -----------------------------------------------------------------------------------------------

    def download_model(self, model_key: str, progress_cb: ProgressCallback | None = None) -> bool:
        """Download a model; blocks. True if its file is complete and verified; ``progress_cb`` gets payloads."""
        key = model_key.lower()

        def on_progress(now: DownloadProgress) -> None:
            if progress_cb is not None and now.model == key:
                progress_cb(progress.payload(now))

        self._downloads.register_callback(on_progress)
        try:
            return self._downloads.download_model(key)
        finally:
            self._downloads.unregister_callback(on_progress)

    # -- overviews -----------------------------------------------------------------------------------------------

    def get_model_overview(self) -> Overview:
        """Everything that JarvisCore displays about each model, by key."""
        snapshot = self._snapshot()
        if snapshot is None:
            return {}
        return {model.key: _overview(model, snapshot.daemon) for model in snapshot.models}

    def get_model_status(self) -> dict[str, object]:
        """The state of the manager."""
        snapshot = self._snapshot()
        models = snapshot.models if snapshot is not None else []
        loaded = [model.key for model in models if model.state in IN_MEMORY]
        return {
            "current_model": self.current_model,
            "model_loaded": bool(loaded),
            "available_models": [model.key for model in models],
            "ready_models": [model.key for model in models if model.state in HAS_FILE],
            "conversation_length": 0,
            "models_directory": snapshot.daemon.models_dir if snapshot is not None else "",
            "use_gpu": self.use_gpu,
            "cached_models": loaded,
            "max_cached_models": snapshot.daemon.max_loaded_models if snapshot is not None else 0,
            "response_cache_entries": 0,
        }

    def list_available_models(self) -> Overview:
        """Another name for ``get_model_overview``."""
        return self.get_model_overview()

    # -- attributes ----------------------------------------------------------------------------------------------

    @property
    def available_models(self) -> Overview:
        """All models by key."""
        return self.get_model_overview()

    @property
    def loaded_models(self) -> dict[str, dict[str, object]]:
        """The metadata of the models in memory, by key."""
        return {model.key: _metadata(model) for model in self._models() if model.state in IN_MEMORY}

    @property
    def model_metadata(self) -> dict[str, dict[str, object]]:
        """Another name for ``loaded_models``."""
        return self.loaded_models

    @property
    def current_model(self) -> str | None:
        """The model that answers if none is named; None if none is in memory."""
        loaded = [model for model in self._models() if model.state in IN_MEMORY]
        active = [model.key for model in loaded if model.key == self._chosen] or [m.key for m in loaded if m.active]
        return next(iter(active), loaded[0].key if loaded else None)

    @current_model.setter
    def current_model(self, model_key: str | None) -> None:
        self._chosen = model_key.lower() if model_key else None

    @property
    def model_loaded(self) -> bool:
        """Whether any model is in memory."""
        return bool(self.loaded_models)

    @property
    def models_dir(self) -> Path:
        """The folder for downloads."""
        daemon = self._daemon()
        return Path(daemon.models_dir) if daemon is not None else self._access.client.transport.places.models_dir

    @property
    def default_model(self) -> str:
        """The model for requests that name none; empty if the daemon is not reachable."""
        daemon = self._daemon()
        return daemon.default_model if daemon is not None else ""

    @property
    def use_gpu(self) -> bool:
        """Whether the daemon may put layers on a GPU; False if it is not reachable."""
        daemon = self._daemon()
        return daemon is not None and daemon.use_gpu

    def _snapshot(self) -> Snapshot | None:
        return self._access.ask(lambda client: client.snapshot(), None)

    def _daemon(self) -> DaemonView | None:
        status = self._access.ask(lambda client: client.status(), None)
        return None if status is None else status.daemon

    def _models(self) -> list[ModelView]:
        return self._access.ask(lambda client: client.list(), [])

    def _model(self, key: str) -> ModelView | None:
        return self._access.ask(lambda client: client.show(key), None)


def _overview(model: ModelView, daemon: DaemonView) -> dict[str, object]:
    role = roles.of(model.key)
    ready = model.state in HAS_FILE
    header = model.header
    entry: dict[str, object] = {
        "name": model.key,
        "display_name": model.display_name,
        "description": model.description,
        "context_length": model.context_length,
        "parameters": _parameters(header.parameters) if header is not None else "",
        "use_case": role.use_case,
        "format": "GGUF",
        "size_gb": round(model.size_bytes / GIB, 2),
        "repo_url": _repository(model.source, daemon.hub_endpoint),
        "strengths": list(role.strengths),
        "weaknesses": list(role.weaknesses),
        "role": role.role,
        "downloaded": ready,
        "ready": ready,
        "local_path": model.path if ready else None,
        "size_bytes": model.size_bytes,
        "size_human": format_bytes(model.size_bytes),
        "loaded": model.state in IN_MEMORY,
        "active": model.active,
        "available": ready,
        "filename": _file_name(model),
        "size_mb": round(model.size_bytes / MIB, 1),
    }
    if model.state in IN_MEMORY:
        entry["metadata"] = _metadata(model)
    return entry


def _metadata(model: ModelView) -> dict[str, object]:
    loaded = model.loaded
    if loaded is None:
        return {}
    return {
        "loaded_at": loaded.loaded_at,
        "last_used": loaded.last_used_at,
        "gpu_layers": loaded.gpu_layers,
        "context_length": loaded.context_size,
        "load_duration": loaded.load_s,
    }


def _parameters(count: int) -> str:
    """``7.2B``, ``135M``."""
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"


def _repository(source: str, hub_endpoint: str) -> str:
    """The page of a model's repository; for other sources, the source itself."""
    if not source.startswith("hf:"):
        return source
    named = re.match(r"hf:([^/:@]+/[^/:@]+)", source)
    return f"{hub_endpoint.rstrip('/')}/{named[1]}" if named else source


def _file_name(model: ModelView) -> str:
    where = model.path or model.source.rsplit(":", 1)[-1]
    return where.replace("\\", "/").rsplit("/", 1)[-1]
