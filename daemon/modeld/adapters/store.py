"""What is remembered: SQLite for models, jobs and benchmark runs, and the JSON mirror of the last runs.

One thread writes (the caller sees to that); WAL and FULL synchronisation keep what was committed through a power loss.
"""

import contextlib
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from modeld.core.benchmarks import import_results
from modeld.core.effects import AnyEffect, ForgetModel, ReadRuns, SaveJob, SaveModel, SaveRun
from modeld.core.facts import RunsRead
from modeld.core.state.model import ModelSpec
from modeld.protocol.errors import FailureError
from modeld.protocol.reasons import Reason
from modeld.protocol.states import FINAL
from modeld.protocol.views import BenchmarkAverage, BenchmarkResult, BenchmarkRun, JobView

_V = TypeVar("_V")

log = logging.getLogger(__name__)

MIRRORED_RUNS = 10
"""Runs of each model in the mirror."""

MIGRATIONS = (
    """
    CREATE TABLE models (key TEXT PRIMARY KEY, spec TEXT NOT NULL);
    CREATE TABLE jobs (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, ended INTEGER NOT NULL, view TEXT NOT NULL);
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, model TEXT NOT NULL, at TEXT NOT NULL, tokens_per_second REAL NOT NULL,
        inference_ms REAL NOT NULL, memory_mb REAL NOT NULL, run TEXT NOT NULL
    );
    CREATE INDEX runs_by_model ON runs (model, at);
    """,
)
"""SQL that takes the database from version n to n + 1; never changed once released."""


class StoreError(FailureError):
    """The database cannot be used; ``failure`` says why and what to do."""


class Store:
    """The database file and the mirror beside it. Every method blocks."""

    def __init__(self, database: Path, mirror: Path) -> None:
        self._database = database
        self._mirror = mirror
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            self._sql = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(database, error) from error
        try:
            self._migrate()
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
            self._import_mirror()
        except sqlite3.Error as error:
            self._sql.close()
            raise _unusable(database, error) from error
        except StoreError:
            self._sql.close()
            raise

    def _migrate(self) -> None:
        version = self._sql.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            too_new = Reason.DATABASE_TOO_NEW
            raise StoreError(too_new.failure(path=str(self._database), version=version, most=len(MIGRATIONS)))
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            # One transaction each: what is broken off leaves the version before, whole.
            self._sql.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
            if version:
                log.info("%s is of version %d now", self._database, number)

    def unusable(self, error: sqlite3.Error) -> StoreError:
        """What to say where the database cannot be read."""
        return _unusable(self._database, error)

    # -- reading -------------------------------------------------------------------------------------------------

    def specs(self) -> list[ModelSpec]:
        """The remembered models, by key."""
        rows = self._sql.execute("SELECT spec FROM models ORDER BY key")
        return _decoded((spec for (spec,) in rows), ModelSpec)

    def jobs(self, limit: int = 100) -> list[JobView]:
        """The unended jobs and the newest ``limit`` ended ones, oldest first."""
        rows = self._sql.execute(
            "SELECT view FROM jobs WHERE NOT ended OR id IN (SELECT id FROM jobs WHERE ended ORDER BY created_at DESC"
            " LIMIT ?) ORDER BY created_at, rowid",
            (limit,),
        )
        return _decoded((view for (view,) in rows), JobView)

    def latest(self) -> dict[str, BenchmarkResult]:
        """The newest benchmark result of each model."""
        rows = self._sql.execute("SELECT run, MAX(at) FROM runs GROUP BY model")
        runs = _decoded((run for run, _ in rows), BenchmarkRun)
        return {run.result.model_key: run.result for run in runs}

    def averages(self) -> dict[str, BenchmarkAverage]:
        """The averages over each model's whole history."""
        rows = self._sql.execute(
            "SELECT model, COUNT(*), AVG(tokens_per_second), AVG(inference_ms), AVG(memory_mb) FROM runs GROUP BY model"
        )
        return {
            key: BenchmarkAverage(
                runs=count, avg_tokens_per_second=speed, avg_inference_time=time, avg_memory_usage_mb=memory
            )
            for key, count, speed, time, memory in rows
        }

    def runs(self, model: str, limit: int) -> list[BenchmarkRun]:
        """The newest ``limit`` runs of a model, oldest first."""
        rows = self._sql.execute("SELECT run FROM runs WHERE model = ? ORDER BY at DESC LIMIT ?", (model, limit))
        return _decoded((run for (run,) in rows), BenchmarkRun)[::-1]

    def all_runs(self) -> list[BenchmarkRun]:
        """Every run of every model, oldest first."""
        rows = self._sql.execute("SELECT run FROM runs ORDER BY at")
        return _decoded((run for (run,) in rows), BenchmarkRun)

    # -- writing -------------------------------------------------------------------------------------------------

    def perform(self, effect: AnyEffect) -> RunsRead | None:
        """Do one of the store's effects."""
        match effect:
            case SaveModel(spec=spec):
                self._sql.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (spec.key, _text(spec)))
            case ForgetModel(model=key):
                self._sql.execute("DELETE FROM models WHERE key = ?", (key,))
            case SaveJob(job=job):
                row = (job.id, job.created_at, job.state in FINAL, _text(job))
                self._sql.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?)", row)
            case SaveRun(run=run):
                self._insert(run)
                self._write_mirror()
            case ReadRuns(model=key, limit=limit, ticket=ticket):
                return RunsRead(model=key, ticket=ticket, runs=self.runs(key, limit))
            case _:
                raise TypeError(f"not an effect of the store: {effect}")
        return None

    def merge(self, runs: list[BenchmarkRun]) -> int:
        """Add the runs that are not there yet, all or none; how many. A model has one run at one moment."""
        count = 0
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            for run in runs:
                result = run.result
                known = self._sql.execute(
                    "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ? OR (model = ? AND at = ?))",
                    (run.id, result.model_key, result.timestamp),
                )
                if not known.fetchone()[0]:
                    self._insert(run)
                    count += 1
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")
        if count:
            self._write_mirror()
        return count

    def _insert(self, run: BenchmarkRun) -> None:
        result = run.result
        row = (
            run.id,
            result.model_key,
            result.timestamp,
            result.tokens_per_second,
            result.inference_time,
            result.memory_usage_mb,
            _text(run),
        )
        self._sql.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        """Close the database."""
        self._sql.close()

    # -- the mirror ----------------------------------------------------------------------------------------------

    def _write_mirror(self) -> None:
        """The last runs of every model, oldest first, in one JSON object; whole or not at all."""
        keys = [key for (key,) in self._sql.execute("SELECT DISTINCT model FROM runs ORDER BY model")]
        records = {key: [run.result for run in self.runs(key, MIRRORED_RUNS)] for key in keys}
        data = msgspec.json.format(msgspec.json.encode(records), indent=2)
        temporary = self._mirror.with_name(self._mirror.name + ".tmp")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._mirror)
        except OSError as error:
            log.error("%s cannot be written (the runs are safe in the database): %s", self._mirror, error)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _import_mirror(self) -> None:
        """Take in the records of a mirror that a person brought along; one that cannot be read is moved aside, kept."""
        if self._sql.execute("SELECT EXISTS (SELECT 1 FROM runs)").fetchone()[0]:
            return
        try:
            found = msgspec.json.decode(self._mirror.read_bytes(), type=dict[str, list[BenchmarkResult]])
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            aside = self._mirror.with_name(self._mirror.name + ".unreadable")
            log.error("%s cannot be read and is kept as %s: %s", self._mirror, aside.name, error)
            with contextlib.suppress(OSError):
                self._mirror.replace(aside)
            return
        good = []
        for key, results in found.items():
            for result in results:
                run = import_results.as_run(msgspec.structs.replace(result, model_key=key))
                wrong = import_results.wrong_with(run)
                if wrong:
                    log.error("a record of %s in %s is left out: %s", key, self._mirror, wrong)
                else:
                    good.append(run)
        if len(good) < sum(map(len, found.values())):
            # The next run rewrites the mirror, and this file is the only copy of what was left out.
            with contextlib.suppress(OSError):
                shutil.copy2(self._mirror, self._mirror.with_name(self._mirror.name + ".original"))
        for run in good:
            self._insert(run)
        log.info("imported %d benchmark records from %s", len(good), self._mirror)


def _unusable(database: Path, error: Exception) -> StoreError:
    return StoreError(Reason.DATABASE_NOT_USABLE.failure(path=str(database), error=str(error)))


def _decoded(texts: Iterable[str], kind: type[_V]) -> list[_V]:
    """The rows that can be read; a damaged one is named in the log and stays where it is."""
    values = []
    for text in texts:
        try:
            values.append(msgspec.json.decode(text, type=kind))
        except msgspec.MsgspecError as error:
            log.error("a %s in the database cannot be read and is left out: %s", kind.__name__, error)
    return values


def _text(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
