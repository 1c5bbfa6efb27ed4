"""The classes in JarvisCore's documentation, under the same names, implemented with the daemon.

    from modelctl.jarvis import ModelBenchmark, ModelDownloadManager, format_speed

Each is imported when it is first asked for: those that draw need DearPyGui, the others do not.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelctl.desktop.viewer.frame.embed import ExtendedModelManagerUI
    from modelctl.desktop.viewer.models.context_bar import ContextWindowVisualizer
    from modelctl.jarvis.benchmark import BenchmarkResult, ModelBenchmark
    from modelctl.jarvis.control import control_llm_model, get_llm_status
    from modelctl.jarvis.downloader import ModelDownloader
    from modelctl.jarvis.downloads import ModelDownloadManager
    from modelctl.jarvis.manager import LlmManager
    from modelctl.jarvis.progress import DownloadProgress
    from modelctl.jarvis.runtime import LlamaRuntime
    from modelctl.language.format import format_bytes, format_eta, format_speed

__all__ = [
    "BenchmarkResult",
    "ContextWindowVisualizer",
    "DownloadProgress",
    "ExtendedModelManagerUI",
    "LlamaRuntime",
    "LlmManager",
    "ModelBenchmark",
    "ModelDownloadManager",
    "ModelDownloader",
    "control_llm_model",
    "format_bytes",
    "format_eta",
    "format_speed",
    "get_llm_status",
]

_HOME = {
    "BenchmarkResult": "modelctl.jarvis.benchmark",
    "ContextWindowVisualizer": "modelctl.desktop.viewer.models.context_bar",
    "DownloadProgress": "modelctl.jarvis.progress",
    "ExtendedModelManagerUI": "modelctl.desktop.viewer.frame.embed",
    "LlamaRuntime": "modelctl.jarvis.runtime",
    "LlmManager": "modelctl.jarvis.manager",
    "ModelBenchmark": "modelctl.jarvis.benchmark",
    "ModelDownloadManager": "modelctl.jarvis.downloads",
    "ModelDownloader": "modelctl.jarvis.downloader",
    "control_llm_model": "modelctl.jarvis.control",
    "format_bytes": "modelctl.language.format",
    "format_eta": "modelctl.language.format",
    "format_speed": "modelctl.language.format",
    "get_llm_status": "modelctl.jarvis.control",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
