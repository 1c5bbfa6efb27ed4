"""The database: SQLite for models, jobs and benchmark runs.

WAL and FULL synchronisation keep what was committed through a power loss. One thread writes; reads have a connection of
their own and do not wait for it.
"""

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, assert_never

import msgspec

from modeld.core.effects import AnySave, ForgetJob, ForgetModel, ReadRuns, SaveBackup, SaveJob, SaveModel, SaveRun
from modeld.core.facts import BackupSaved, RunsRead
from modeld.core.state.model import ModelSpec
from modeld.protocol.errors import FailureError
from modeld.protocol.reasons import Reason
from modeld.protocol.states import FINAL
from modeld.protocol.views import REMEMBERED_JOBS, BenchmarkAverage, BenchmarkResult, BenchmarkRun, JobView

_V = TypeVar("_V")

log = logging.getLogger(__name__)

BUSY_S = 2.0
"""How long a write waits for another program that holds the database."""

WAL_PAGES = 100
"""When the log is written back. A sync of a file that grows takes twice as long, so the log soon stops growing."""

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
    """
    CREATE TABLE totals (
        model TEXT PRIMARY KEY, runs INTEGER NOT NULL, tokens_per_second REAL NOT NULL,
        inference_ms REAL NOT NULL, memory_mb REAL NOT NULL
    );
    INSERT INTO totals
        SELECT model, COUNT(*), SUM(tokens_per_second), SUM(inference_ms), SUM(memory_mb) FROM runs GROUP BY model;
    CREATE TRIGGER runs_counted AFTER INSERT ON runs BEGIN
        INSERT INTO totals SELECT NEW.model, 0, 0.0, 0.0, 0.0
            WHERE NOT EXISTS (SELECT 1 FROM totals WHERE model = NEW.model);
        UPDATE totals SET runs = runs + 1, tokens_per_second = tokens_per_second + NEW.tokens_per_second,
            inference_ms = inference_ms + NEW.inference_ms, memory_mb = memory_mb + NEW.memory_mb
            WHERE model = NEW.model;
    END;
    """,
    "UPDATE runs SET at = utc(at) WHERE at <> utc(at);",
)
"""SQL that takes the database from version n to n + 1; never changed once released. ``utc`` is ``_utc`` below."""

_SAVE_JOB = (
    "INSERT INTO jobs VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, view = excluded.view"
)
_SAVE_RUN = "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
_FORGET_JOBS = (
    "DELETE FROM jobs WHERE ended AND id NOT IN"
    " (SELECT id FROM jobs WHERE ended ORDER BY created_at DESC, rowid DESC LIMIT ?)"
)


class StoreError(FailureError):
    """The database cannot be used; ``failure`` says why and what to do."""


class Database:
    """The database file. Every method blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sql = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._opened = path.stat()
        except (OSError, sqlite3.Error) as error:
            raise self.unusable(error) from error
        try:
            self._migrate()
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
            self._sql.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            self._sql.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")
        except sqlite3.Error as error:
            self._sql.close()
            raise self.unusable(error) from error
        except StoreError:
            self._sql.close()
            raise

    def _migrate(self) -> None:
        version = self._sql.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            too_new = Reason.DATABASE_TOO_NEW
            raise StoreError(too_new.failure(path=str(self.path), version=version, most=len(MIGRATIONS)))
        self._sql.create_function("utc", 1, _utc, deterministic=True)
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            # One transaction each: what is broken off leaves the version before, whole.
            self._sql.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
            if version:
                log.info("%s is of version %d now", self.path, number)

    def unusable(self, error: Exception) -> StoreError:
        """What to say where the database cannot be read."""
        return StoreError(Reason.DATABASE_NOT_USABLE.failure(path=str(self.path), error=str(error)))

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def _reads(self) -> sqlite3.Connection:
        """This thread's connection for reading."""
        sql: sqlite3.Connection | None = getattr(self._local, "sql", None)
        if sql is None:
            existing = f"{self.path.absolute().as_uri()}?mode=rw"  # a file that is gone must not be made again, empty
            sql = sqlite3.connect(existing, uri=True, check_same_thread=False, isolation_level=None, timeout=BUSY_S)
            self._local.sql = sql
            self._readers.append(sql)
        return sql

    def forget_residents(self) -> None:
        """Forget which models were in memory, before they are loaded again: loading one may kill the daemon."""
        self._sql.execute(
            "UPDATE models SET spec = json_remove(spec, '$.resident')"
            " WHERE json_extract(spec, '$.resident') IS NOT NULL"
        )

    def specs(self) -> list[ModelSpec]:
        """The remembered models, by key."""
        rows = self._reads.execute("SELECT spec FROM models ORDER BY key")
        return _decoded((spec for (spec,) in rows), ModelSpec)

    def jobs(self) -> list[JobView]:
        """The unended jobs and the newest ended ones, oldest first."""
        rows = self._reads.execute(
            "SELECT view FROM jobs WHERE NOT ended OR id IN"
            " (SELECT id FROM jobs WHERE ended ORDER BY created_at DESC, rowid DESC LIMIT ?)"
            " ORDER BY created_at, rowid",
            (REMEMBERED_JOBS,),
        )
        return _decoded((view for (view,) in rows), JobView)

    def latest(self) -> dict[str, BenchmarkResult]:
        """The newest benchmark result of each model."""
        return self._latest(self._reads, self.benchmarked())

    def averages(self) -> dict[str, BenchmarkAverage]:
        """The averages over each model's whole history."""
        return self._averages(self._reads, self.benchmarked())

    def benchmarked(self) -> list[str]:
        """The models that have runs, by key."""
        return [key for (key,) in self._reads.execute("SELECT model FROM totals ORDER BY model")]

    def runs(self, model: str, limit: int) -> list[BenchmarkRun]:
        """The newest ``limit`` runs of a model, oldest first."""
        rows = self._reads.execute("SELECT run FROM runs WHERE model = ? ORDER BY at DESC LIMIT ?", (model, limit))
        return _decoded((run for (run,) in rows), BenchmarkRun)[::-1]

    def read(self, effect: ReadRuns, unsaved: Iterable[BenchmarkRun]) -> RunsRead:
        """The history that is asked for, together with the runs that are not in the database yet."""
        try:
            runs = {run.id: run for run in self.runs(effect.model, effect.limit)}
        except sqlite3.Error as error:
            return RunsRead(model=effect.model, ticket=effect.ticket, failure=self.unusable(error).failure)
        runs |= {run.id: run for run in unsaved if run.result.model_key == effect.model}
        newest = sorted(runs.values(), key=lambda run: _utc(run.result.timestamp))[-effect.limit :]
        return RunsRead(model=effect.model, ticket=effect.ticket, runs=newest)

    def all_runs(self) -> list[BenchmarkRun]:
        """Every run of every model, oldest first."""
        rows = self._reads.execute("SELECT run FROM runs ORDER BY at")
        return _decoded((run for (run,) in rows), BenchmarkRun)

    def _latest(self, sql: sqlite3.Connection, models: Iterable[str]) -> dict[str, BenchmarkResult]:
        newest = "SELECT run FROM runs WHERE model = ? ORDER BY at DESC LIMIT 1"
        rows = (row for model in models for row in sql.execute(newest, (model,)))
        runs = _decoded((run for (run,) in rows), BenchmarkRun)
        return {run.result.model_key: run.result for run in runs}

    def _averages(self, sql: sqlite3.Connection, models: Iterable[str]) -> dict[str, BenchmarkAverage]:
        totals = "SELECT model, runs, tokens_per_second, inference_ms, memory_mb FROM totals WHERE model = ?"
        return {
            key: BenchmarkAverage(
                runs=count,
                avg_tokens_per_second=speed / count,
                avg_inference_time=time / count,
                avg_memory_usage_mb=memory / count,
            )
            for model in models
            for key, count, speed, time, memory in sql.execute(totals, (model,))
        }

    # -- writing -------------------------------------------------------------------------------------------------

    def commit(self, writes: Collection[AnySave]) -> list[BackupSaved]:
        """Do all writes in one transaction; returns what is to be reported. Raises sqlite3.Error and does none."""
        with self._transaction():
            done = [self._write(write) for write in writes]
            if any(isinstance(write, SaveJob) and write.job.state in FINAL for write in writes):
                self._forget_jobs()
        return [fact for fact in done if fact is not None]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._check_place()
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._sql.execute("COMMIT")
        finally:
            if self._sql.in_transaction:  # SQLite itself has rolled back after some errors, such as a full disk
                self._sql.execute("ROLLBACK")

    def _check_place(self) -> None:
        """SQLite would go on writing to a file that has been deleted, which ends with this process."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self.path.stat(), self._opened):
                return
        raise sqlite3.OperationalError("the file was deleted or replaced while modeld was using it")

    def _write(self, write: AnySave) -> BackupSaved | None:
        match write:
            case SaveModel(spec=spec):
                self._save_model(spec)
            case ForgetModel(model=key):
                self._sql.execute("DELETE FROM models WHERE key = ?", (key,))
            case SaveJob(job=job):
                self._sql.execute(_SAVE_JOB, (job.id, job.created_at, job.state in FINAL, _text(job)))
            case ForgetJob(job=id_):
                self._sql.execute("DELETE FROM jobs WHERE id = ?", (id_,))
            case SaveRun(run=run):
                self._save_run(run)
            case SaveBackup():
                return self._save_backup(write)
            case _:
                assert_never(write)
        return None

    def _save_model(self, spec: ModelSpec) -> None:
        self._sql.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (spec.key, _text(spec)))

    def _save_run(self, run: BenchmarkRun) -> bool:
        """Add a run, which never changes; returns whether it is new."""
        result = run.result
        row = (
            run.id,
            result.model_key,
            _utc(result.timestamp),
            result.tokens_per_second,
            result.inference_time,
            result.memory_usage_mb,
            _text(run),
        )
        return self._sql.execute(_SAVE_RUN, row).rowcount > 0

    def _save_backup(self, backup: SaveBackup) -> BackupSaved:
        """Models, and the runs that are not there yet; a model has one run at one moment."""
        for spec in backup.models:
            self._save_model(spec)
        added = sum(self._save_run(run) for run in backup.runs if not self._has_run_at(run.result))
        models = sorted({run.result.model_key for run in backup.runs})
        return BackupSaved(
            ticket=backup.ticket,
            added_runs=added,
            latest=self._latest(self._sql, models),
            averages=self._averages(self._sql, models),
        )

    def _has_run_at(self, result: BenchmarkResult) -> bool:
        moment = (result.model_key, _utc(result.timestamp))
        known = self._sql.execute("SELECT EXISTS (SELECT 1 FROM runs WHERE model = ? AND at = ?)", moment)
        return bool(known.fetchone()[0])

    def _forget_jobs(self) -> None:
        """Delete the ended jobs that the core has forgotten, too."""
        self._sql.execute(_FORGET_JOBS, (REMEMBERED_JOBS,))

    def add_runs(self, runs: Iterable[BenchmarkRun]) -> None:
        """Add the runs of a file that a person brought along, all or none."""
        with self._transaction():
            for run in runs:
                self._save_run(run)

    def close(self) -> None:
        """Close the database."""
        for reader in self._readers:
            reader.close()
        self._sql.close()


def _utc(timestamp: str) -> str:
    """A time in the form in which the order of texts is the order of times; one without an offset counts as UTC."""
    try:
        at = datetime.fromisoformat(timestamp)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):  # not a time, or one before the year 1 or after 9999 in UTC
        return timestamp


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
