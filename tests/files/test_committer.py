"""The committer: an answer that promises something leaves after the commit, and a refused change is tried again."""

import asyncio
import functools
import sqlite3
import threading
from collections.abc import Callable, Collection, Coroutine
from contextlib import closing
from pathlib import Path

import pytest
from modeld.adapters.store import Committer, Database, Mirror
from modeld.adapters.store import committer as committer_module
from modeld.core import effects, facts
from modeld.core.state.model import ModelSpec
from modeld.core.state.task import Ticket
from modeld.protocol import replies
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from support.manager_world import run

DEADLINE_S = 30.0


class SlowDatabase(Database):
    """A database whose commits wait for ``may_commit``; ``sizes`` are the changes of each transaction."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "modeld.sqlite3")
        self.may_commit = threading.Event()
        self.began = threading.Event()
        self.refuses: list[Exception] = []
        self.sizes: list[int] = []

    def commit(self, writes: Collection[effects.AnySave]) -> list[facts.BackupSaved]:
        """Wait for the permission."""
        self.began.set()
        assert self.may_commit.wait(DEADLINE_S)
        if self.refuses:
            raise self.refuses.pop(0)
        done = super().commit(writes)
        self.sizes.append(len(writes))
        return done


class Outside:
    """What reaches the clients and the core."""

    def __init__(self) -> None:
        self.sent: list[replies.Reply] = []
        self.facts: asyncio.Queue[facts.AnyFact] = asyncio.Queue()
        self._news = asyncio.Event()

    def send(self, effect: effects.Send) -> None:
        """Take an answer."""
        self.sent.append(effect.reply)
        self._news.set()

    async def answers(self, count: int) -> list[replies.Reply]:
        """Wait for this many answers."""
        while len(self.sent) < count:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), DEADLINE_S)
        return self.sent

    async def fact(self) -> facts.AnyFact:
        """Wait for the next fact."""
        return await asyncio.wait_for(self.facts.get(), DEADLINE_S)


def save(key: str, pinned: bool = False) -> effects.SaveModel:
    return effects.SaveModel(spec=ModelSpec(key=key, source="https://example.org/m.gguf", pinned=pinned))


def answer(name: str) -> effects.Send:
    reply = replies.Reply(id=name, ok=True, result=replies.Done())
    return effects.Send(client=b"c", reply=reply, after_commit=True)


def made(folder: Path) -> tuple[SlowDatabase, Outside, Committer]:
    """A committer in a running loop."""
    database, outside = SlowDatabase(folder), Outside()
    mirror = Mirror(folder / "model_benchmarks.json", database)
    return database, outside, Committer(database, mirror, outside.send, outside.facts.put_nowait)


def in_a_loop(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """The test as a function that runs it in a loop of its own."""

    @functools.wraps(test)
    def run_it(*fixtures: object, **named: object) -> None:
        asyncio.run(test(*fixtures, **named))

    return run_it


def keys(database: Database) -> list[str]:
    return [spec.key for spec in database.specs()]


@in_a_loop
async def test_an_answer_leaves_after_the_commit_of_its_change(tmp_path: Path):
    database, outside, committer = made(tmp_path)
    with closing(database):
        committer.hold(answer("nothing to wait for"))
        assert [reply.id for reply in outside.sent] == ["nothing to wait for"]
        committer.save(save("a"))
        committer.hold(answer("added"))
        await asyncio.to_thread(database.began.wait, DEADLINE_S)
        assert len(outside.sent) == 1 and keys(database) == []
        database.may_commit.set()
        assert (await outside.answers(2))[1].ok and keys(database) == ["a"]
        await committer.close()


@in_a_loop
async def test_what_comes_during_a_commit_shares_the_next_one_and_is_answered_in_order(tmp_path: Path):
    database, outside, committer = made(tmp_path)
    with closing(database):
        committer.save(save("first"))
        committer.hold(answer("first"))
        await asyncio.to_thread(database.began.wait, DEADLINE_S)
        for number in range(50):
            committer.save(save(f"m{number}"))
            committer.hold(answer(f"m{number}"))
        database.may_commit.set()
        names = [reply.id for reply in await outside.answers(51)]
        assert names == ["first", *(f"m{number}" for number in range(50))]
        assert database.sizes == [1, 50]
        await committer.close()


@in_a_loop
async def test_a_refusal_is_the_answer_and_the_change_is_saved_with_the_next_one(tmp_path: Path):
    database, outside, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        database.refuses = [sqlite3.OperationalError("database or disk is full")]
        committer.save(save("a"))
        committer.save(save("a", pinned=True))
        committer.hold(answer("a"))
        (reply,) = await outside.answers(1)
        assert not reply.ok and reply.error.reason == Reason.NOT_SAVED.id and "disk is full" in reply.error.message
        failed = await outside.fact()
        assert isinstance(failed, facts.SavingFailed) and failed.failure.reason == Reason.NOT_SAVING.id
        committer.save(save("b"))
        committer.hold(answer("b"))
        assert (await outside.answers(2))[1].ok
        assert isinstance(await outside.fact(), facts.SavingWorks)
        assert keys(database) == ["a", "b"] and database.specs()[0].pinned, "the last value of each key is saved"
        await committer.close()


@in_a_loop
async def test_a_refused_change_is_tried_again_without_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(committer_module, "RETRY_S", 0.01)
    database, outside, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        database.refuses = [OSError(28, "No space left on device"), sqlite3.OperationalError("database is locked")]
        committer.save(save("a"))
        reasons = [await outside.fact() for _ in range(3)]
        assert [type(reason) for reason in reasons] == [facts.SavingFailed, facts.SavingFailed, facts.SavingWorks]
        assert keys(database) == ["a"]
        await committer.close()


@in_a_loop
async def test_a_repetition_waits_for_the_change_that_is_not_saved_yet(tmp_path: Path):
    database, outside, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        database.refuses = [sqlite3.OperationalError("full")] * 2
        committer.save(save("a"))
        committer.hold(answer("a"))
        await outside.answers(1)
        committer.hold(answer("a, again"))
        committer_reply = (await outside.answers(2))[1]
        assert not committer_reply.ok and committer_reply.error.reason == Reason.NOT_SAVED.id
        committer.hold(answer("a, a third time"))
        assert (await outside.answers(3))[2].ok and keys(database) == ["a"]
        await committer.close()


@in_a_loop
async def test_a_bug_in_one_change_loses_that_one_only(tmp_path: Path):
    database, outside, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        committer.save(save("a"))
        committer.save(effects.SaveModel(spec=ModelSpec(key="b", source="\udcff cannot be encoded")))
        committer.save(save("c"))
        committer.hold(answer("all"))
        (reply,) = await outside.answers(1)
        assert not reply.ok and reply.error.reason == Reason.INTERNAL_ERROR.id
        assert keys(database) == ["a", "c"]
        committer.save(save("d"))
        committer.hold(answer("d"))
        assert (await outside.answers(2))[1].ok
        await committer.close()


@in_a_loop
async def test_the_end_tries_a_last_time_and_logs_what_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    database, _, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        database.refuses = [sqlite3.OperationalError("full")] * 2
        committer.save(save("lost"))
        await committer.close()
        assert keys(database) == [] and "the model lost is lost" in caplog.text


@in_a_loop
async def test_the_end_saves_what_was_refused_before(tmp_path: Path):
    database, outside, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        database.refuses = [sqlite3.OperationalError("full")]
        committer.save(save("kept"))
        await outside.fact()
        await committer.close()
        assert keys(database) == ["kept"]


@in_a_loop
async def test_a_history_has_the_runs_that_are_not_saved_yet(tmp_path: Path):
    database, _, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        database.refuses = [sqlite3.OperationalError("full")] * 2
        committer.save(effects.SaveRun(run=run()))
        read = effects.ReadRuns(model="alpha", limit=10, ticket=Ticket(b"c", "1"))
        assert database.read(read, committer.unsaved_runs()).runs == [run()]
        await committer.close()


@in_a_loop
async def test_a_backup_that_is_refused_is_reported_and_reported_again_when_it_is_saved(tmp_path: Path):
    database, outside, committer = made(tmp_path)
    with closing(database):
        database.may_commit.set()
        database.refuses = [sqlite3.OperationalError("full")]
        ticket = Ticket(b"c", "1")
        committer.save(effects.SaveBackup(models=[save("a").spec], runs=[run()], ticket=ticket))
        assert isinstance(await outside.fact(), facts.SavingFailed)
        refused = await outside.fact()
        assert isinstance(refused, facts.BackupSaved) and refused.failure is not None
        committer.save(save("b"))
        assert isinstance(await outside.fact(), facts.SavingWorks)
        saved = await outside.fact()
        assert isinstance(saved, facts.BackupSaved) and (saved.failure, saved.added_runs) == (None, 1)
        await committer.close()


@in_a_loop
async def test_a_disk_that_does_not_answer_fails_what_waits_for_it_and_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(committer_module, "LATE_S", 0.1)
    database, outside, committer = made(tmp_path)
    with closing(database):
        committer.save(save("a"))
        committer.hold(answer("writing"))
        await asyncio.to_thread(database.began.wait, DEADLINE_S)
        committer.save(save("b"))
        committer.hold(answer("next"))
        await outside.answers(2)
        committer.hold(answer("later"))
        assert [(reply.id, reply.ok) for reply in outside.sent] == [
            ("writing", False),
            ("next", False),
            ("later", False),
        ]
        assert {reply.error.reason for reply in outside.sent if isinstance(reply.error, Failure)} == {
            Reason.NOT_SAVED.id
        }
        shown = await outside.fact()
        assert isinstance(shown, facts.SavingFailed) and "does not answer" in shown.failure.message
        monkeypatch.setattr(committer_module, "LATE_S", DEADLINE_S)
        database.may_commit.set()
        assert await outside.fact() == facts.SavingWorks()
        committer.save(save("c"))
        committer.hold(answer("after"))
        assert (await outside.answers(4))[3].ok
        assert keys(database) == ["a", "b", "c"]
        await committer.close()
