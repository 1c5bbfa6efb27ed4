"""Model files on disk: examines and removes them."""

import logging
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from modeld.core.effects import DropPartial, Inspect, LookForFiles, RemoveFiles
from modeld.core.facts import FileInspected, FileRemoved, FilesLookedFor
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.views import HeaderView

log = logging.getLogger(__name__)

PARTIAL = (".part", ".part.json")
LEFTOVERS = ("", *PARTIAL, ".bad")
"""The suffixes of the files that a download can leave in the models folder."""


class Files:
    """The models folder; ``read_header`` returns a header, or a failure for a file that is not a model."""

    def __init__(self, models_dir: Path, read_header: Callable[[Path], HeaderView | Failure]) -> None:
        self._models_dir = models_dir
        self._read_header = read_header

    def inspect(self, effect: Inspect) -> FileInspected:
        """Examine a model's file; a missing file is not a failure. Blocking."""
        path = Path(effect.path) if effect.path else self._models_dir / effect.file_name
        header, failure = None, None
        found = self._look_at(path) if effect.path or effect.file_name else None
        if isinstance(found, Failure):
            # A download in several files may not have its last file yet.
            failure = None if found.code is ErrorCode.NOT_ON_DISK and not effect.path else found
        else:
            header = found
        return FileInspected(model=effect.model, path=str(path), header=header, failure=failure, ticket=effect.ticket)

    def _look_at(self, path: Path) -> HeaderView | Failure | None:
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                return None
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
            return None
        except OSError as error:  # a folder without permission, a name that is too long, a loop of links
            return Reason.PATH_NOT_READABLE.failure(path=str(path)[:200], error=error.strerror or str(error))
        return self._read_header(path)

    def look_for(self, effect: LookForFiles) -> FilesLookedFor:
        """See which models' files are there; one that cannot be asked for (a disk does not answer) is. Blocking."""
        gone = [key for key, paths in effect.paths.items() if any(_is_gone(path) for path in paths)]
        return FilesLookedFor(there=[key for key in effect.paths if key not in gone], gone=gone)

    def remove(self, effect: RemoveFiles) -> FileRemoved:
        """Delete a model's file and what is left of a partial one. Blocking."""
        failure = self._delete(effect.file_names, LEFTOVERS)
        return FileRemoved(model=effect.model, ticket=effect.ticket, failure=failure)

    def drop_partial(self, effect: DropPartial) -> None:
        """Delete a partial download; what cannot be deleted is logged. Blocking."""
        self._delete(effect.file_names, LEFTOVERS if effect.whole else PARTIAL)

    def _delete(self, file_names: Sequence[str], suffixes: Sequence[str]) -> Failure | None:
        """Delete all there is of them; the last failure, if any."""
        failure = None
        for name in (file_name + suffix for file_name in file_names if file_name for suffix in suffixes):
            path = self._models_dir / name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s cannot be deleted: %s", path, error)
                failure = Reason.FILE_NOT_DELETED.failure(path=str(path), error=error.strerror or str(error))
        return failure


def _is_gone(path: str) -> bool:
    try:
        return not Path(path).is_file()
    except OSError:
        return False
