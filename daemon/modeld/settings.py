"""The settings: config.toml, overridden by the environment. An invalid value is an error that names it."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.workers import MOST_THREADS

HUB_ENDPOINT = "https://huggingface.co"


_LISTEN = re.compile(r"tcp://([\w.*-]+|\[[0-9a-fA-F:.]+\]):(?P<port>\d{1,5})")
_LAST_PORT = 65534
"""The events go to the port after the one that is named."""


class SettingsError(Exception):
    """A setting that cannot be used; ``note`` says which one, where it came from and what is allowed."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.message)
        self.note = note


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings, with their defaults.

    ``gpu_layers`` -1 means all, and 0 or ``use_gpu`` false really means CPU. ``threads`` 0 means physical cores.
    ``listen`` is ``tcp://ADDRESS:PORT`` for other machines, empty for none. A limit on requests of 0 means none.
    ``download_connections`` 0 means as many as help, two to four; ``download_limit`` is in bytes/s, 0 for none.
    A worker is ended that loads for ``load_timeout_s``, renders a chat template for ``template_timeout_s``, gives no
    sign of life for ``worker_silence_s``, or works on for ``stop_timeout_s`` after it was asked to stop.
    ``idle_unload_s`` 0 means never; ``max_loaded_models`` 0 means as many as fit in memory.
    """

    models_dir: str = ""
    default_model: str = "smollm2"
    use_gpu: bool = True
    gpu_layers: int = -1
    threads: int = 0
    context_size: int = 8192
    max_loaded_models: int = 0
    idle_unload_s: float = 1800.0
    load_timeout_s: float = 1800.0
    template_timeout_s: float = 10.0
    worker_silence_s: float = 30.0
    stop_timeout_s: float = 5.0
    benchmark_every_days: float = 7.0
    max_downloads: int = 2
    download_connections: int = 0
    download_limit: int = 0
    hub_endpoint: str = HUB_ENDPOINT
    hub_token: str = ""
    allow_http: bool = False
    allow_private_redirects: bool = False
    listen: str = ""
    max_requests_per_s: float = 2000.0
    max_open_requests: int = 512
    log_level: str = "info"
    tray: bool = True

    def effective_gpu_layers(self) -> int:
        """The layers to offload: none when the GPU is switched off."""
        return self.gpu_layers if self.use_gpu else 0


_ENVIRONMENT = {
    "MODELD_MODELS_DIR": "models_dir",
    "LLM_DEFAULT_MODEL": "default_model",
    "LLAMA_USE_GPU": "use_gpu",
    "LLAMA_GPU_LAYERS": "gpu_layers",
    "LLM_CPU_THREADS": "threads",
    "LLM_CONTEXT_SIZE": "context_size",
    "LLM_MAX_CACHED_MODELS": "max_loaded_models",
    "MODELD_IDLE_UNLOAD_S": "idle_unload_s",
    "MODELD_LOAD_TIMEOUT_S": "load_timeout_s",
    "MODELD_TEMPLATE_TIMEOUT_S": "template_timeout_s",
    "MODELD_WORKER_SILENCE_S": "worker_silence_s",
    "MODELD_STOP_TIMEOUT_S": "stop_timeout_s",
    "MODELD_BENCHMARK_EVERY_DAYS": "benchmark_every_days",
    "MODELD_MAX_DOWNLOADS": "max_downloads",
    "MODELD_DOWNLOAD_CONNECTIONS": "download_connections",
    "MODELD_DOWNLOAD_LIMIT": "download_limit",
    "HF_ENDPOINT": "hub_endpoint",
    "HUGGINGFACE_TOKEN": "hub_token",
    "HUGGING_FACE_HUB_TOKEN": "hub_token",
    "HF_TOKEN": "hub_token",
    "MODELD_ALLOW_HTTP": "allow_http",
    "MODELD_ALLOW_PRIVATE_REDIRECTS": "allow_private_redirects",
    "MODELD_LISTEN": "listen",
    "MODELD_MAX_REQUESTS_PER_S": "max_requests_per_s",
    "MODELD_MAX_OPEN_REQUESTS": "max_open_requests",
    "MODELD_LOG_LEVEL": "log_level",
    "MODELD_TRAY": "tray",
}
"""Environment variable to setting; if several set the same, the later one here wins."""

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
_FLAGS = {"use_gpu", "allow_http", "allow_private_redirects", "tray"}
_AT_LEAST = {
    "gpu_layers": -1,
    "threads": 0,
    "context_size": 1,
    "max_loaded_models": 0,
    "idle_unload_s": 0,
    "load_timeout_s": 1,
    "template_timeout_s": 1,
    "worker_silence_s": 3,
    "stop_timeout_s": 1,
    "benchmark_every_days": 0,
    "max_downloads": 1,
    "download_limit": 0,
    "download_connections": 0,
}
_AT_MOST = {"download_connections": 16, "threads": MOST_THREADS}


_SECRETS = frozenset(variable for variable, name in _ENVIRONMENT.items() if name == "hub_token")


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process that has no business with the hub's token."""
    return {variable: value for variable, value in environment.items() if variable not in _SECRETS}


def read(config_file: Path, environment: Mapping[str, str] | None = None, *, origin: Note | None = None) -> Settings:
    """The settings of ``config_file`` (which may be missing) with the environment's values over them.

    ``origin`` says where the file's values come from, if that is not the file itself.

    Raises:
        SettingsError: broken TOML, an unknown name, or a value of the wrong kind or out of range.
    """
    env = os.environ if environment is None else environment
    values = _from_file(config_file)
    file = origin or str(config_file)
    origins: dict[str, str | Note] = dict.fromkeys(values, file)
    for variable, name in _ENVIRONMENT.items():
        if variable in env:
            values[name] = _flag(variable, env[variable]) if name in _FLAGS else env[variable]
            origins[name] = variable
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(Reason.SETTING_INVALID.note(origin=file, error=str(error))) from error
    for name, least in _AT_LEAST.items():
        value = getattr(settings, name)
        if value < least:
            raise SettingsError(
                Reason.SETTING_TOO_SMALL.note(name=name, origin=origins[name], value=value, least=least)
            )
    listen = _LISTEN.fullmatch(settings.listen)
    if settings.listen and (listen is None or int(listen["port"]) > _LAST_PORT):
        raise SettingsError(
            Reason.SETTING_LISTEN_INVALID.note(origin=origins["listen"], value=settings.listen, last=_LAST_PORT)
        )
    for name, most in _AT_MOST.items():
        value = getattr(settings, name)
        if value > most:
            raise SettingsError(Reason.SETTING_TOO_LARGE.note(name=name, origin=origins[name], value=value, most=most))
    return settings


def _from_file(config_file: Path) -> dict[str, object]:
    try:
        text = config_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(Reason.SETTINGS_FILE_NOT_READABLE.note(path=str(config_file), error=str(error))) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(Reason.SETTINGS_NOT_TOML.note(path=str(config_file), error=str(error))) from error


def _flag(variable: str, text: str) -> bool:
    value = text.strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise SettingsError(Reason.SETTING_NOT_A_FLAG.note(variable=variable, value=text))
