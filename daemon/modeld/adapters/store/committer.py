"""The writer of the database, and the gate for the answers that promise that something is stored.

While one transaction is written, the next one collects: every change that came in meanwhile is in it (group commit).
Answers that were held for a change leave after its commit. If the disk or the database refuses, they become failures;
the changes are kept and written again every few seconds, and with the next change.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from modeld.adapters.store.database import Database
from modeld.adapters.store.mirror import Mirror
from modeld.core.effects import AnySave, ForgetJob, ForgetModel, SaveBackup, SaveJob, SaveModel, SaveRun, Send
from modeld.core.facts import AnyFact, BackupSaved, SavingFailed, SavingWorks
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.views import BenchmarkRun

log = logging.getLogger(__name__)

RETRY_S = 3.0
LATE_S = 10.0
"""Answers wait no longer than this for a disk that does not answer."""

CLOSE_S = 10.0
"""A disk that does not answer for this long at the end of the daemon is given up."""


@dataclass
class Batch:
    """The changes of one transaction, and the answers that wait for it."""

    writes: list[AnySave] = field(default_factory=list)
    held: list[Send] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.writes or self.held)


@dataclass(frozen=True)
class Outcome:
    """How a transaction ended: what was committed and is to be reported, and what the disk or the database refused."""

    saved: list[AnySave] = field(default_factory=list)
    facts: list[BackupSaved] = field(default_factory=list)
    refused: list[AnySave] = field(default_factory=list)
    failure: Failure | None = None


class Committer:
    """Belongs to the loop's thread; ``send`` delivers an answer, ``report`` takes a fact to the core."""

    def __init__(
        self, database: Database, mirror: Mirror, send: Callable[[Send], None], report: Callable[[AnyFact], None]
    ) -> None:
        self._database, self._mirror = database, mirror
        self._send, self._report = send, report
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._next = Batch()
        self._writing: Batch | None = None
        self._unsaved: dict[tuple[str, object], AnySave] = {}
        self._failing: Failure | None = None
        self._will_begin = False
        self._retry: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        self._late_failure: Failure | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def save(self, write: AnySave) -> None:
        """Commit a change."""
        self._next.writes.append(write)
        self._begin_soon()

    def hold(self, answer: Send) -> None:
        """Deliver an answer when every change before it is committed."""
        if self._writing is None and not self._next and not self._unsaved:
            self._send(answer)
        elif self._late_failure is not None:
            self._send(_failed(answer, self._late_failure))
        else:
            self._next.held.append(answer)
            self._begin_soon()

    def unsaved_runs(self) -> list[BenchmarkRun]:
        """The benchmark runs that are not in the database yet."""
        in_hand = self._writing.writes if self._writing is not None else []
        writes = [*self._unsaved.values(), *in_hand, *self._next.writes]
        return [write.run for write in writes if isinstance(write, SaveRun)]

    # -- one transaction after the other -------------------------------------------------------------------------

    def _begin_soon(self) -> None:
        """Begin in the next turn of the loop, when all effects of this fact are here."""
        if self._writing is None and not self._will_begin:
            self._will_begin = True
            self._idle.clear()
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._will_begin = False
        batch, self._next = self._next, Batch()
        writes = list(_newest([*self._unsaved.values(), *batch.writes]).values())
        self._writing = batch
        self._late = self._loop.call_later(LATE_S, self._be_late)
        self._thread.submit(self._work, batch, writes)

    def _be_late(self) -> None:
        """The disk does not answer: fail what waits for it; the changes may still be committed."""
        failure = self._late_failure = self._not_saved("the disk does not answer")
        log.error("%s", failure.message)
        self._show(failure)
        for batch in (self._writing, self._next):
            if batch is not None:
                self._answer_held(batch, failure)

    def _work(self, batch: Batch, writes: list[AnySave]) -> None:
        """In the thread: write, and hand the outcome back to the loop."""
        outcome = self._outcome(writes)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._end, batch, outcome)

    def _outcome(self, writes: list[AnySave]) -> Outcome:
        try:
            return Outcome(saved=writes, facts=self._database.commit(writes) if writes else [])
        except (sqlite3.Error, OSError) as error:
            log.error("%d changes cannot be saved: %s", len(writes), error)
            return Outcome(refused=writes, failure=self._not_saved(error))
        except Exception as error:
            log.exception("a change cannot be saved")
            return self._one_by_one(writes, error)

    def _not_saved(self, error: Exception | str) -> Failure:
        return Reason.NOT_SAVED.failure(path=str(self._database.path), error=str(error))

    def _one_by_one(self, writes: list[AnySave], bug: Exception) -> Outcome:
        """A bug in one change must not keep the others from the disk: that one is lost."""
        saved: list[AnySave] = []
        facts: list[BackupSaved] = []
        for number, write in enumerate(writes):
            try:
                facts += self._database.commit([write])
                saved.append(write)
            except (sqlite3.Error, OSError) as error:
                return Outcome(saved=saved, facts=facts, refused=writes[number:], failure=self._not_saved(error))
            except Exception:
                log.exception("%s is lost", _name(write))
        return Outcome(saved=saved, facts=facts, failure=Reason.INTERNAL_ERROR.failure(error=repr(bug)))

    def _end(self, batch: Batch, outcome: Outcome) -> None:
        """A transaction ended: deliver what waited for it, and begin the next one."""
        if self._late is not None:
            self._late.cancel()
        self._writing, self._late_failure = None, None
        self._unsaved = _newest(outcome.refused)
        self._show(outcome.failure if outcome.refused else None)
        if self._unsaved and self._retry is None:
            self._retry = self._loop.call_later(RETRY_S, self._try_again)
        self._answer_held(batch, outcome.failure)
        for fact in outcome.facts:
            self._report(fact)
        self._mirror.changed(_benchmarked(outcome.saved))
        if self._next:
            self._begin_soon()
        else:
            self._idle.set()

    def _answer_held(self, batch: Batch, failure: Failure | None) -> None:
        """Deliver the answers that waited for a transaction, or failures where it failed."""
        held, batch.held = batch.held, []
        for answer in held:
            self._send(answer if failure is None else _failed(answer, failure))
        if failure is not None:
            for write in batch.writes:
                if isinstance(write, SaveBackup):
                    self._report(BackupSaved(ticket=write.ticket, failure=failure))

    def _show(self, failing: Failure | None) -> None:
        """Tell the core when saving begins to fail, for another reason than before, or works again."""
        if failing != self._failing:
            if failing is None:
                log.info("saving works again")
                self._report(SavingWorks())
            else:
                self._report(SavingFailed(failure=Reason.NOT_SAVING.failure(**failing.fields)))
            self._failing = failing

    def _try_again(self) -> None:
        self._retry = None
        if self._unsaved:
            self._begin_soon()

    # -- the end -------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Write what is left, try a last time what was refused, and log what is lost."""
        try:
            await asyncio.wait_for(self._idle.wait(), CLOSE_S)
            if self._unsaved:
                self._begin_soon()
                await asyncio.wait_for(self._idle.wait(), CLOSE_S)
        except TimeoutError:
            log.error("the database does not answer")
        if self._retry is not None:
            self._retry.cancel()
        in_hand = self._writing.writes if self._writing is not None else []
        for write in [*self._unsaved.values(), *in_hand, *self._next.writes]:
            log.error("%s is lost: it could not be saved", _name(write))
        self._thread.shutdown(wait=False)


def _key(write: AnySave) -> tuple[str, object]:
    """What a change replaces: a later one with the same key makes an earlier one unnecessary."""
    match write:
        case SaveModel(spec=spec):
            return ("model", spec.key)
        case ForgetModel(model=key):
            return ("model", key)
        case SaveJob(job=job):
            return ("job", job.id)
        case ForgetJob(job=id_):
            return ("job", id_)
        case SaveRun(run=run):
            return ("run", run.id)
        case SaveBackup(ticket=ticket):
            return ("backup", ticket)


def _newest(writes: Iterable[AnySave]) -> dict[tuple[str, object], AnySave]:
    """The last change of each key, in the order of those changes."""
    newest: dict[tuple[str, object], AnySave] = {}
    for write in writes:
        newest.pop(_key(write), None)
        newest[_key(write)] = write
    return newest


def _failed(answer: Send, failure: Failure) -> Send:
    if answer.even_unsaved:
        return answer
    reply = msgspec.structs.replace(answer.reply, ok=False, result=msgspec.UNSET, error=failure)
    return msgspec.structs.replace(answer, reply=reply)


def _benchmarked(writes: Iterable[AnySave]) -> set[str]:
    """The models of which runs are written."""
    models = set()
    for write in writes:
        if isinstance(write, SaveRun):
            models.add(write.run.result.model_key)
        elif isinstance(write, SaveBackup):
            models.update(run.result.model_key for run in write.runs)
    return models


def _name(write: AnySave) -> str:
    if isinstance(write, SaveBackup):
        return f"a backup of {len(write.models)} models and {len(write.runs)} results"
    return "the {} {}".format(*_key(write))
