"""Models that other programs have on this disk. Their folders are read and never written.

Where each keeps its models, as its documentation says: Ollama (manifests that name blobs), LM Studio (publisher and
repository folders), the hub's own cache (snapshots of links to blobs), llama.cpp's cache (plain files).
"""

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from modeld.core.effects import ScanExternalModels
from modeld.core.facts import ExternalFile, ExternalModelsScanned
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.views import HeaderView

log = logging.getLogger(__name__)

MODEL_LAYER = "application/vnd.ollama.image.model"
ADAPTER_LAYER = "application/vnd.ollama.image.adapter"
MAX_MANIFEST_BYTES = 1024 * 1024
MOST_ENTRIES = 10_000
"""The most files and folders to read below one folder: a wrong folder (a whole disk) must not take for ever."""

_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_DIGEST = re.compile(r"sha256[:-][0-9a-f]{64}")

ModelReader = Callable[[Path], HeaderView | Failure]
Named = Iterator[tuple[str, Path, Failure | None]]
"""Models as a program keeps them: name, file, and why it cannot be used without what else the program has of it."""


class _Layer(msgspec.Struct):
    media_type: str = msgspec.field(name="mediaType")
    digest: str


class _Manifest(msgspec.Struct):
    layers: list[_Layer] = []


class ExternalFolders:
    """The other programs' folders of the user of this ``environment``."""

    def __init__(self, environment: Mapping[str, str], read_model: ModelReader, home: Path | None = None) -> None:
        self._environment = environment
        self._read_model = read_model
        self._home = home

    def scan(self, effect: ScanExternalModels) -> ExternalModelsScanned:
        """Look at all of them. Blocking."""
        files: list[ExternalFile] = []
        looked: list[str] = []
        seen: set[Path] = set()
        for program, folder, names in self._programs():
            if not folder.is_dir():
                continue
            looked.append(str(folder))
            try:
                for name, path, failure in names(folder):
                    real = path.resolve()
                    if failure is not None:  # another name may use the same file as it is
                        files.append(self._file(program, name, path, failure))
                    elif real not in seen:
                        seen.add(real)
                        files.append(self._file(program, name, path))
            except OSError as error:
                log.warning("the folder of %s cannot be read: %s", program, error)
        return ExternalModelsScanned(files=files, looked=looked, add=effect.add, all=effect.all, ticket=effect.ticket)

    def _programs(self) -> Iterator[tuple[str, Path, Callable[[Path], Named]]]:
        """Program, folder, and how its models are found there."""
        env = self._environment
        home = self._home or Path.home()
        cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache")
        yield "Ollama", Path(env.get("OLLAMA_MODELS") or home / ".ollama" / "models"), of_ollama
        yield "Ollama", Path("/usr/share/ollama/.ollama/models"), of_ollama
        yield "LM Studio", home / ".lmstudio" / "models", of_folder
        yield "LM Studio", home / ".cache" / "lm-studio" / "models", of_folder
        hub = Path(env.get("HF_HOME") or cache / "huggingface") / "hub"
        yield "Hugging Face", Path(env.get("HF_HUB_CACHE") or hub).expanduser(), of_hub_cache
        yield "llama.cpp", Path(env.get("LLAMA_CACHE") or cache / "llama.cpp").expanduser(), of_folder

    def _file(self, program: str, name: str, path: Path, failure: Failure | None = None) -> ExternalFile:
        found = self._read_model(path)
        header = found if isinstance(found, HeaderView) else None
        failure = found if isinstance(found, Failure) else failure
        return ExternalFile(
            program=program,
            name=name,
            path=str(path),
            size_bytes=header.file_bytes if header else path.stat().st_size,
            header=header,
            failure=failure,
        )


def of_ollama(folder: Path) -> Named:
    """``model:tag`` and the blob with its weights, by the manifests; a missing blob is passed over."""
    manifests = folder / "manifests"
    for manifest in _files(manifests, ""):
        name = _ollama_name(manifest.relative_to(manifests).parts)
        layers = _layers(manifest)
        is_adapted = any(layer.media_type == ADAPTER_LAYER for layer in layers)
        failure = Reason.NEEDS_ADAPTER.failure(program="Ollama") if is_adapted else None
        for layer in layers:
            if layer.media_type == MODEL_LAYER and _DIGEST.fullmatch(layer.digest):
                blob = folder / "blobs" / layer.digest.replace(":", "-")
                if blob.is_file():
                    yield name, blob, failure


def _ollama_name(parts: tuple[str, ...]) -> str:
    """``registry.ollama.ai/library/llama3/8b`` is called ``llama3:8b``."""
    *path, tag = parts
    if path[:2] == ["registry.ollama.ai", "library"]:
        path = path[2:]
    elif path[:1] == ["registry.ollama.ai"]:
        path = path[1:]
    return f"{'/'.join(path)}:{tag}"


def _layers(manifest: Path) -> list[_Layer]:
    try:
        if manifest.stat().st_size > MAX_MANIFEST_BYTES:
            return []
        return msgspec.json.decode(manifest.read_bytes(), type=_Manifest).layers
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        log.info("%s is not a manifest: %s", manifest, error)
        return []


def of_folder(folder: Path) -> Named:
    """Every GGUF model below a folder; of one in several files the first."""
    for path in _files(folder, ".gguf"):
        if not _LATER_PART.search(path.name):
            yield path.name, path, None


def of_hub_cache(folder: Path) -> Named:
    """The models in the snapshots of repositories: ``models--org--repo/snapshots/COMMIT/FILE``."""
    for repo in sorted(folder.glob("models--*--*")):
        for path in _files(repo / "snapshots", ".gguf"):
            if not _LATER_PART.search(path.name):
                yield path.name, path, None


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    """The files below a folder with this suffix, in order; links to folders are not followed."""
    count = 0
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            count += 1
            path = Path(here, name)
            if name.lower().endswith(suffix) and _is_text(path) and path.is_file():
                yield path
        count += 1
        if count > MOST_ENTRIES:
            log.warning("%s has more than %d files and folders; the rest is ignored", folder, MOST_ENTRIES)
            return


def _is_text(path: Path) -> bool:
    """Whether a path can be sent to a client: a file name may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        log.warning("%r is ignored: its name is not text", path)
        return False
    return True
