"""Finds files of ours that nothing uses any more; reports them, and never deletes one."""

import json
import sqlite3
import time
import urllib.parse
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from modeld.places import Places
from modeld.protocol.views import Snapshot

from modelctl.doctor.finding import Verdict, ok, warning
from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes
from modelctl.processes import is_alive
from modelctl.transport.daemon_socket import is_listening

PARTIAL = ".part"
PARTIAL_STATE = ".part.json"
REJECTED = ".bad"
TEMPORARY = (".tmp", ".new")
SETTLED_S = 3600.0
"""A temporary file that was written more recently may still be in use."""

SHOWN = 10


@dataclass(frozen=True)
class LeftFile:
    """A file that may be superfluous."""

    path: Path
    size: int


@dataclass(frozen=True)
class Leftovers:
    """The files, by what they are."""

    partial: tuple[LeftFile, ...] = ()
    unused: tuple[LeftFile, ...] = ()
    rejected: tuple[LeftFile, ...] = ()
    temporary: tuple[LeftFile, ...] = ()
    databases: tuple[LeftFile, ...] = ()
    runtime: tuple[LeftFile, ...] = ()


def known_files(places: Places, snapshot: Snapshot | None) -> frozenset[str] | None:
    """The file names of all models; None if they are unknown: no daemon answers, or the database cannot be read."""
    if snapshot is None:
        return None
    found = {Path(model.path).name for model in snapshot.models if model.path}
    for model in snapshot.models:
        if model.source.startswith(("https://", "http://")):
            found.add(Path(urllib.parse.unquote(urllib.parse.urlsplit(model.source).path)).name)
    try:
        # The database also has the names of files that are not complete yet, and of all parts of a model.
        with closing(sqlite3.connect(f"{places.database.as_uri()}?mode=ro", uri=True, timeout=1.0)) as database:
            specs = [json.loads(spec) for (spec,) in database.execute("SELECT spec FROM models")]
    except (sqlite3.Error, ValueError):
        return None
    for spec in specs:
        found.update(part.get("file_name", "") for part in (spec, *spec.get("parts", ())))
        found.add(Path(spec.get("path", "")).name)
    return frozenset(found)


def look(places: Places, models_dir: Path, known: Collection[str] | None) -> Leftovers:
    """Look through the folders of a home; model files only if the names that models use are ``known``."""
    models = _files(models_dir)
    ours = [file for folder in _folders(places) for file in _files(folder)]
    now = time.time()
    return Leftovers(
        partial=_partial(models, known) if known is not None else (),
        unused=_unused(models, known) if known is not None else (),
        rejected=tuple(file for file in models if file.path.name.endswith(f".gguf{REJECTED}")),
        temporary=tuple(
            file
            for file in (*ours, *(file for file in models if file.path.name.endswith(f"{PARTIAL_STATE}.tmp")))
            if file.path.suffix in TEMPORARY and now - file.path.stat().st_mtime > SETTLED_S
        ),
        databases=tuple(file for file in ours if _is_old_database(file.path, places.database)),
        runtime=tuple(_dead(places)),
    )


def judge(found: Leftovers, models_dir: Path) -> Iterator[Verdict]:
    """One warning for each kind of file, with its sizes and what to do."""
    kinds = (
        (
            found.partial,
            _("Partial downloads that belong to no model: {names}"),
            _("Delete them from {folder}, or add their model again and pull it."),
        ),
        (
            found.unused,
            _("Model files that no model uses: {names}"),
            _("Add one with: modelctl add KEY PATH. Or delete them from {folder}."),
        ),
        (
            found.rejected,
            _("Downloads that were damaged or not the expected file: {names}"),
            _("Delete them from {folder}."),
        ),
        (found.temporary, _("Temporary files of an interrupted write: {names}"), _("Delete them.")),
        (
            found.databases,
            _("Copies of the database that modeld does not use: {names}"),
            _("Delete them once you do not need them."),
        ),
        (
            found.runtime,
            _("Files of a daemon that ended without cleaning up: {names}"),
            _("The next start replaces them: modelctl up"),
        ),
    )
    clean = True
    for files, text, fix in kinds:
        if files:
            clean = False
            yield warning(text.format(names=_names(files)), fix.format(folder=models_dir))
    if clean:
        yield ok(_("none"))


def names(files: Collection[LeftFile]) -> frozenset[str]:
    """The names of these files."""
    return frozenset(file.path.name for file in files)


def _files(folder: Path) -> list[LeftFile]:
    """The regular files of a folder; none if it cannot be read."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
        return [LeftFile(path, path.stat().st_size) for path in paths]
    except OSError:
        return []


def _folders(places: Places) -> list[Path]:
    return list(dict.fromkeys((places.config_dir, places.data_dir, places.state_dir, places.runtime_dir)))


def _partial(models: Collection[LeftFile], known: Collection[str]) -> tuple[LeftFile, ...]:
    return tuple(
        file
        for file in models
        if file.path.name.endswith(PARTIAL) and file.path.name.removesuffix(PARTIAL) not in known
    )


def _unused(models: Collection[LeftFile], known: Collection[str]) -> tuple[LeftFile, ...]:
    return tuple(file for file in models if file.path.suffix == ".gguf" and file.path.name not in known)


def _is_old_database(path: Path, database: Path) -> bool:
    """Whether it is a copy of the database: its name begins like the database's, and SQLite does not use it."""
    used = {database.name + ending for ending in ("", "-wal", "-shm", "-journal")}
    return path.name.startswith(database.stem) and ".sqlite3" in path.name and path.name not in used


def _dead(places: Places) -> Iterator[LeftFile]:
    """The connection file and sockets of a daemon whose process is gone."""
    try:
        pid = int(json.loads(places.connection_file.read_bytes())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        pid = 0
    if pid and not is_alive(pid):
        yield LeftFile(places.connection_file, places.connection_file.stat().st_size)
    for path in sorted(places.runtime_dir.glob("*.sock")):
        if not is_listening(f"ipc://{path}"):
            yield LeftFile(path, 0)


def _names(files: Collection[LeftFile]) -> str:
    shown = [f"{file.path.name} ({format_bytes(file.size)})" for file in [*files][:SHOWN]]
    if len(files) > SHOWN:
        shown.append(_("and {count} more").format(count=len(files) - SHOWN))
    return ", ".join(shown)
