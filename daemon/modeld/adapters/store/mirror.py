"""``model_benchmarks.json``: the last runs of every model, for other programs.

The database has all runs. The file follows within a second, in a thread of its own, so that no answer waits for it.
"""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from modeld.adapters.store.database import Database
from modeld.core.benchmarks import import_results
from modeld.protocol.views import BenchmarkResult, BenchmarkRun

log = logging.getLogger(__name__)

MIRRORED_RUNS = 10
"""Runs of each model in the mirror."""

WRITE_EVERY_S = 1.0


class Mirror:
    """The file. ``take_in`` and ``write`` block; the other methods belong to the loop's thread."""

    def __init__(self, path: Path, database: Database) -> None:
        self._path = path
        self._database = database
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mirror")
        self._records: dict[str, bytes] = {}
        """The file's lines of each model."""
        self._changed: set[str] = set()
        self._waits = False

    # -- out -----------------------------------------------------------------------------------------------------

    def changed(self, models: Iterable[str]) -> None:
        """Models have new runs: renew the file, now or a second after it was renewed last."""
        self._changed.update(models)
        if self._changed and not self._waits:
            self._waits = True
            self._renew()
            asyncio.get_running_loop().call_later(WRITE_EVERY_S, self._waited)

    def _waited(self) -> None:
        self._waits = False
        self.changed([])

    def _renew(self) -> None:
        models, self._changed = self._changed, set()
        self._thread.submit(self._try_to_write, models)

    def close(self) -> None:
        """Bring the file up to date; it blocks."""
        if self._changed:
            self._renew()
        self._thread.shutdown(wait=True)

    def _try_to_write(self, models: set[str]) -> None:
        try:
            self.write(models)
        except Exception:  # no code looks at the result of this thread's work
            self._records = {}  # the next change reads all models again
            log.exception("%s cannot be written (the runs are safe in the database)", self._path)

    def write(self, models: set[str]) -> None:
        """Write the file whole or not at all; only what it says of ``models`` is read again."""
        for key in models if self._records else self._database.benchmarked():
            runs = self._database.runs(key, MIRRORED_RUNS)
            one = msgspec.json.encode({key: [run.result for run in runs]})
            self._records[key] = msgspec.json.format(one, indent=2)[2:-2]
        data = b"{\n" + b",\n".join(self._records[key] for key in sorted(self._records)) + b"\n}"
        temporary = self._path.with_name(self._path.name + ".tmp")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            log.error("%s cannot be written (the runs are safe in the database): %s", self._path, error)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    # -- in ------------------------------------------------------------------------------------------------------

    def take_in(self) -> None:
        """Add the runs of a file that a person brought along to a database that has none."""
        if self._database.benchmarked():
            return
        runs = self._brought()
        if runs:
            self._database.add_runs(runs)
            log.info("imported %d benchmark records from %s", len(runs), self._path)

    def _brought(self) -> list[BenchmarkRun]:
        """The possible records of the file; one that cannot be read is moved aside, kept."""
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=dict[str, list[BenchmarkResult]])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            aside = self._path.with_name(self._path.name + ".unreadable")
            log.error("%s cannot be read and is kept as %s: %s", self._path, aside.name, error)
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            return []
        good = []
        for key, results in found.items():
            for result in results:
                run = import_results.as_run(msgspec.structs.replace(result, model_key=key))
                wrong = import_results.wrong_with(run)
                if wrong:
                    log.error("a record of %s in %s is left out: %s", key, self._path, wrong)
                else:
                    good.append(run)
        if len(good) < sum(map(len, found.values())):
            # The next run rewrites the mirror, and this file is the only copy of what was left out.
            with contextlib.suppress(OSError):
                shutil.copy2(self._path, self._path.with_name(self._path.name + ".original"))
        return good
