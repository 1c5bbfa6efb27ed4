"""Checks a home's folders, their disk, the model files, and the clock against the files' times."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modeld.places import Places

from modelctl.doctor.finding import Verdict, failed, ok, warning
from modelctl.language.catalogue import _, _n
from modelctl.language.format import GIB, MIB, format_bytes

PARTIAL = (".part", ".gguf.download", ".gguf.tmp")
MAGIC = b"GGUF"
DAY_S = 86_400.0


@dataclass(frozen=True)
class Folder:
    """A folder; ``nearest`` is the folder itself or, if it does not exist, its nearest existing parent."""

    path: str
    exists: bool
    nearest: str
    usable: bool
    mode: int = 0
    free: int = 0


@dataclass(frozen=True)
class ModelFile:
    """A file in the models folder."""

    name: str
    size: int
    has_magic: bool
    partial: bool


def look_at(path: Path) -> Folder:
    """Inspect a folder without creating it."""
    nearest = path
    while not _exists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    usable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    free = shutil.disk_usage(nearest).free
    there = nearest == path
    mode = path.stat().st_mode & 0o777 if there else 0
    return Folder(str(path), there, str(nearest), usable, mode, free)


def _exists(path: Path) -> bool:
    """Whether it exists, as far as we can see (a parent folder may be inaccessible to us)."""
    try:
        return path.exists()
    except OSError:
        return False


def look_for_models(folder: Path) -> list[ModelFile]:
    """The model files in a folder, and partial files; none if it does not exist or is inaccessible."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []
    found = []
    for path in paths:
        partial = path.name.endswith(PARTIAL)
        if partial or path.suffix == ".gguf":
            size = 0
            try:
                with path.open("rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    has_magic = file.read(len(MAGIC)) == MAGIC
            except OSError:
                has_magic = False
            found.append(ModelFile(path.name, size, has_magic, partial))
    return found


def judge(folder: Folder, *, private: bool = False) -> Verdict:
    """Whether the folder is usable and, if it must be ``private``, inaccessible to other users."""
    if not folder.usable:
        blocked = _("{path} cannot be written: {nearest} is not a folder, or you may not write to it.")
        fix = _("Make it writable, or choose another folder: MODELD_HOME for everything, models_dir for the models.")
        return failed(blocked.format(path=folder.path, nearest=folder.nearest), fix)
    if private and os.name == "posix" and folder.exists and folder.mode & 0o077:
        open_ = _("{path} is open to other users (mode {mode:o}).")
        return failed(open_.format(path=folder.path, mode=folder.mode), f"chmod 700 {folder.path}")
    return ok(folder.path if folder.exists else _("{path} (created when needed)").format(path=folder.path))


def judge_disk(folder: Folder) -> Verdict:
    """Whether there is enough space for a model."""
    text = _("{size} free for models in {path}").format(size=format_bytes(folder.free), path=folder.path)
    fix = _("Free some space, remove models (modelctl rm KEY), or set models_dir to a larger disk.")
    if folder.free < 200 * MIB:
        return failed(text, fix)
    return warning(text, fix) if folder.free < 3 * GIB else ok(text)


def judge_models(files: Sequence[ModelFile]) -> Iterator[Verdict]:
    """Files that are not models, and unfinished downloads."""
    for file in files:
        if not file.partial and not file.has_magic:
            text = _("{name} is not a GGUF file ({size}).").format(name=file.name, size=format_bytes(file.size))
            yield failed(text, _("Remove the model with its file, and pull it again."))
    partial = [file for file in files if file.partial]
    if partial:
        names = ", ".join(f"{file.name} ({format_bytes(file.size)})" for file in partial)
        text = _("Unfinished downloads: {names}").format(names=names)
        fix = _("Continue one with modelctl pull KEY; delete those that no model needs.")
        yield warning(text, fix)
    whole = sum(not file.partial and file.has_magic for file in files)
    if whole == len(files):
        yield ok(_n("{count} model file", "{count} model files", whole).format(count=whole))


def look_at_clock(places: Places) -> tuple[float, float]:
    """The current time, and the newest time at which something here was written."""
    known = [Path(__file__), places.database, places.log_file]
    return time.time(), max(path.stat().st_mtime for path in known if path.exists())


def judge_clock(now: float, newest: float) -> Verdict:
    """Whether the clock is behind; if so, every TLS certificate looks invalid."""
    shown = time.strftime("%Y-%m-%d %H:%M", time.localtime(now))
    if now + DAY_S < newest:
        text = _("The clock shows {now}, but files here are newer.").format(now=shown)
        return warning(text, _("Set the clock: downloads need it for their certificates."))
    return ok(shown)
