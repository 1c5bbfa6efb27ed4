"""``LlamaRuntime``: JarvisCore's live ``llama_runtime``: one model at a time, identified by its file's path."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from modeld.protocol.requests import Message, Sampling
from modeld.protocol.states import IN_MEMORY
from modeld.protocol.views import Generation, ModelView

from modelctl.client import Client, GenerationStream
from modelctl.decode_rate import decode_rate
from modelctl.errors import ModeldError
from modelctl.jarvis.daemon_access import DaemonAccess, shared
from modelctl.jarvis.progress import sentence

Answer = dict[str, object]

Turn = Mapping[str, str]

_Call = Callable[[Client], Generation]
_StreamCall = Callable[[Client], GenerationStream]


class LlamaRuntime:
    """The live runtime. The five ``default_...`` attributes apply to calls that do not override them."""

    def __init__(self, *, access: DaemonAccess | None = None) -> None:
        self._access = access or shared()
        self._key: str | None = None
        self._name = ""
        self.default_temperature = 0.7
        self.default_top_p = 0.9
        self.default_top_k = 40
        self.default_repeat_penalty = 1.1
        self.default_max_tokens = 512

    def load_model(
        self,
        model_path: str,
        model_name: str = "unknown",
        n_ctx: int = 4096,
        n_gpu_layers: int | None = None,
        n_threads: int | None = None,
        verbose: bool = False,  # noqa: ARG002 - part of the interface; the engine's output is in the daemon's log
    ) -> bool:
        """Load the model file at ``model_path`` (adding it to the daemon if needed); True once it can answer."""

        def load(client: Client) -> str:
            key = _known(client, model_path) or _add(client, model_path, model_name)
            client.load(key, context_size=n_ctx, gpu_layers=n_gpu_layers, threads=n_threads or 0, wait=True)
            return key

        before, key = self._key, self._access.ask(load, None)
        if key is None:
            return False
        if before is not None and before != key:
            self._access.ask(lambda client: client.unload(before, wait=True), None)
        self._key, self._name = key, model_name
        return True

    def unload_model(self) -> bool:
        """Unload the model; True if it is gone or none was loaded."""
        key, self._key = self._key, None
        if key is None:
            return True
        return self._access.ask(lambda client: client.unload(key, wait=True), None) is not None

    def generate(
        self,
        prompt: str,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        repeat_penalty: float | None = None,
        stop: Sequence[str] | None = None,
        stream: bool = False,
    ) -> Answer | Iterator[str]:
        """Continue ``prompt`` as is; with ``stream``, return an iterator of text chunks."""
        sampling = self._sampling(temperature, top_p, top_k, repeat_penalty, stop)
        limit = self.default_max_tokens if max_tokens is None else max_tokens
        if stream:
            return self._pieces(
                lambda client: client.stream_generate(self._key or "", prompt, max_tokens=limit, sampling=sampling)
            )
        return self._answer(
            lambda client: client.generate(self._key or "", prompt, max_tokens=limit, sampling=sampling)
        )

    def chat(
        self,
        message: str,
        history: Sequence[Turn] | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> Answer:
        """Answer ``message`` after ``history`` (dicts with ``role`` and ``content``) through the chat template."""
        system = [Message(role="system", content=system_prompt)] if system_prompt else []
        earlier = [Message(role=turn.get("role", "user"), content=turn.get("content", "")) for turn in history or ()]
        messages = [*system, *earlier, Message(role="user", content=message)]
        limit = self.default_max_tokens if max_tokens is None else max_tokens
        sampling = self._sampling(temperature)
        return self._answer(lambda client: client.chat(self._key or "", messages, max_tokens=limit, sampling=sampling))

    def get_status(self) -> Answer:
        """The loaded model and its device."""
        model = self._model()
        loaded = model.loaded if model is not None else None
        return {
            "loaded": loaded is not None,
            "model_name": self._name if loaded is not None else None,
            "model_path": model.path if model is not None and loaded is not None else None,
            "device": self.device,
            "context_window": loaded.context_size if loaded is not None else 0,
            "gpu_layers": loaded.gpu_layers if loaded is not None else 0,
            "available": not isinstance(self._access.attempt(lambda client: client.ping()), ModeldError),
        }

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._model() is not None

    @property
    def model_name(self) -> str | None:
        """The name under which it was loaded."""
        return self._name if self.is_loaded else None

    @property
    def n_ctx(self) -> int:
        """The size of its context in tokens; 0 without a model."""
        model = self._model()
        return model.loaded.context_size if model is not None and model.loaded is not None else 0

    @property
    def device(self) -> str:
        """``cpu``, or the GPU's name."""
        model = self._model()
        if model is None or model.loaded is None or not model.loaded.gpu_layers:
            return "cpu"
        return model.loaded.device

    @property
    def n_gpu_layers(self) -> int:
        """The number of layers on the GPU."""
        model = self._model()
        return model.loaded.gpu_layers if model is not None and model.loaded is not None else 0

    def _model(self) -> ModelView | None:
        """The model if it is in memory: another client or its idle timeout may have unloaded it."""
        key = self._key
        if key is None:
            return None
        model = self._access.ask(lambda client: client.show(key), None)
        return model if model is not None and model.state in IN_MEMORY else None

    def _answer(self, call: _Call) -> Answer:
        if self._key is None:
            return _failed("No model is loaded.")
        generation = self._access.attempt(call)
        if isinstance(generation, ModeldError):
            return _failed(sentence(generation.failure))
        seconds = (generation.prefill_ms + generation.decode_ms) / 1000
        return {
            "success": True,
            "text": generation.text,
            "tokens_generated": generation.completion_tokens,
            "time_taken": seconds,
            "tokens_per_second": decode_rate(generation) or 0.0,
            "model": self._name,
            "device": self.device,
        }

    def _pieces(self, call: _StreamCall) -> Iterator[str]:
        if self._key is None:
            return
        stream = self._access.ask(call, None)
        if stream is None:
            return
        with stream:
            chunks = iter(stream)
            while (chunk := self._access.ask(lambda _: next(chunks, None), None)) is not None:
                yield chunk.text

    def _sampling(
        self,
        temperature: float | None,
        top_p: float | None = None,
        top_k: int | None = None,
        repeat_penalty: float | None = None,
        stop: Sequence[str] | None = None,
    ) -> Sampling:
        return Sampling(
            temperature=self.default_temperature if temperature is None else temperature,
            top_p=self.default_top_p if top_p is None else top_p,
            top_k=self.default_top_k if top_k is None else top_k,
            repeat_penalty=self.default_repeat_penalty if repeat_penalty is None else repeat_penalty,
            stop=[*(stop or ())],
        )


def _failed(why: str) -> Answer:
    return {"success": False, "error": why, "text": ""}


def _known(client: Client, path: str) -> str | None:
    """The key of the model with this file."""
    wanted = Path(path).expanduser().resolve()
    return next((model.key for model in client.list() if model.path and Path(model.path).resolve() == wanted), None)


def _add(client: Client, path: str, name: str) -> str:
    """Add the file under a key made from its name."""
    stem = name if name != "unknown" else Path(path).stem
    key = re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-") or "model"
    taken = {model.key for model in client.list()}
    number = 2
    free = key
    while free in taken:
        free, number = f"{key}-{number}", number + 1
    client.add(free, str(Path(path).expanduser().absolute()), display_name=name if name != "unknown" else "")
    return free
