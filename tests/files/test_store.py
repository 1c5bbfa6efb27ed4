"""The database: taken over from every released version, refused from a newer one, and never half changed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from modelctl import Client
from modeld.adapters.store import MIGRATIONS, Database, Mirror, StoreError, database
from modeld.core.effects import ReadRuns, SaveBackup, SaveJob, SaveModel, SaveRun
from modeld.core.state.model import ModelSpec
from modeld.core.state.task import Ticket
from modeld.protocol.reasons import Reason
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import REMEMBERED_JOBS, BenchmarkRun, JobView
from support import released_databases as released
from support.manager_world import run
from support.real_daemon import DEADLINE_S, RealDaemon

SCHEMA = "SELECT type, name, sql FROM sqlite_master ORDER BY name"


def opened(folder: Path) -> "closing[Database]":
    return closing(Database(folder / "modeld.sqlite3"))


def take_in(folder: Path, kept: Database) -> None:
    """What the daemon does with a benchmarks file at its start."""
    Mirror(folder / "model_benchmarks.json", kept).take_in()


def look(folder: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "modeld.sqlite3")) as sql:
        return sql.execute(question).fetchall()


@pytest.mark.parametrize("version", released.RELEASED)
def test_what_a_released_version_wrote_is_all_there(tmp_path: Path, version: int):
    released.write(tmp_path / "modeld.sqlite3", version)
    with opened(tmp_path) as kept:
        (spec,) = kept.specs()
        assert (spec.key, spec.display_name, spec.size_bytes, spec.pinned) == ("mine", "Mine", 42, True)
        (job,) = kept.jobs()
        assert (job.id, job.state, job.progress.done) == ("j1", JobState.PAUSED, 21)
        (run,) = kept.runs("mine", 10)
        assert (run.decode.mean, run.decode.n, run.environment.cpu) == (45.32, 3, "A CPU")
        assert kept.latest()["mine"] == run.result and kept.averages()["mine"].runs == 1
    assert look(tmp_path, "PRAGMA user_version") == [(len(MIGRATIONS),)]


@pytest.mark.parametrize("version", released.RELEASED)
def test_a_database_taken_over_has_the_schema_of_a_new_one(tmp_path: Path, version: int):
    (tmp_path / "new").mkdir()
    released.write(tmp_path / "old" / "modeld.sqlite3", version)
    for name in ("old", "new"):
        with opened(tmp_path / name):
            pass

    def flat(rows: list[tuple[object, ...]]) -> list[str]:
        return [" ".join(str(row).replace("\\n", " ").split()) for row in rows]

    assert flat(look(tmp_path / "old", SCHEMA)) == flat(look(tmp_path / "new", SCHEMA))


def test_every_released_version_has_its_fixture():
    assert sorted(released.RELEASED) == list(range(1, len(MIGRATIONS) + 1))


def test_migrations_follow_one_another_and_keep_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    released.write(tmp_path / "modeld.sqlite3", 1)
    later = ("ALTER TABLE models ADD COLUMN note TEXT NOT NULL DEFAULT '';", "UPDATE models SET note = 'moved';")
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS[:1], *later))
    with opened(tmp_path):
        pass
    assert look(tmp_path, "SELECT key, note FROM models") == [("mine", "moved")]
    assert look(tmp_path, "PRAGMA user_version") == [(3,)]


def test_a_migration_that_breaks_off_leaves_the_version_before_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    released.write(tmp_path / "modeld.sqlite3", 1)
    before = look(tmp_path, SCHEMA)
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS[:1], "DELETE FROM runs; DROP TABLE jobs; NONSENSE;"))
    with pytest.raises(StoreError) as refused:
        opened(tmp_path)
    assert refused.value.failure.reason == Reason.DATABASE_NOT_USABLE.id
    assert look(tmp_path, SCHEMA) == before and look(tmp_path, "PRAGMA user_version") == [(1,)]
    assert look(tmp_path, "SELECT COUNT(*) FROM runs") == [(1,)]


def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path):
    file = released.write(tmp_path / "modeld.sqlite3", 1)
    with closing(sqlite3.connect(file)) as sql:
        sql.execute("PRAGMA user_version = 99")
    content = file.read_bytes()
    with pytest.raises(StoreError) as refused:
        opened(tmp_path)
    assert refused.value.failure.reason == Reason.DATABASE_TOO_NEW.id
    assert refused.value.failure.fields == {"path": str(file), "version": 99, "most": len(MIGRATIONS)}
    assert file.read_bytes() == content


def test_what_is_no_database_is_named(tmp_path: Path):
    (tmp_path / "modeld.sqlite3").write_bytes(b"this was never a database, whatever its name says" * 100)
    with pytest.raises(StoreError) as refused:
        opened(tmp_path)
    assert refused.value.failure.reason == Reason.DATABASE_NOT_USABLE.id
    assert refused.value.failure.fields == {
        "path": str(tmp_path / "modeld.sqlite3"),
        "error": "file is not a database",
    }


def test_a_damaged_row_is_left_out_and_the_others_are_read(tmp_path: Path):
    file = released.write(tmp_path / "modeld.sqlite3", 1)
    with closing(sqlite3.connect(file)) as sql:
        sql.execute("INSERT INTO models VALUES ('broken', '{\"key\": 3')")
        sql.commit()
    with opened(tmp_path) as kept:
        assert [spec.key for spec in kept.specs()] == ["mine"]
    assert look(tmp_path, "SELECT COUNT(*) FROM models") == [(2,)]


def test_a_benchmarks_file_that_was_brought_along_is_taken_in_without_what_cannot_be_true(tmp_path: Path):
    nine = {
        "model_key": "mine",
        "tokens_per_second": 45.32,
        "inference_time": 3250.5,
        "context_used": 158,
        "context_available": 8192,
        "timestamp": "2025-01-02T03:04:05.000006",
        "prompt_tokens": 30,
        "completion_tokens": 128,
        "memory_usage_mb": 4829.3,
    }
    brought = json.dumps({"mine": [nine, {**nine, "timestamp": "2025-01-03", "tokens_per_second": 0}]})
    mirror = tmp_path / "model_benchmarks.json"
    mirror.write_text(brought)
    with opened(tmp_path) as kept:
        take_in(tmp_path, kept)
        (run,) = kept.runs("mine", 10)
        assert run.result.tokens_per_second == 45.32 and run.prefill.n == 0
    assert (tmp_path / "model_benchmarks.json.original").read_text() == brought


def test_a_damaged_benchmarks_file_is_kept_under_another_name(tmp_path: Path):
    (tmp_path / "model_benchmarks.json").write_text('{"mine": [')
    with opened(tmp_path) as kept:
        take_in(tmp_path, kept)
        assert kept.all_runs() == []
    assert (tmp_path / "model_benchmarks.json.unreadable").read_text() == '{"mine": ['


def test_a_daemon_goes_on_with_the_home_of_a_released_version(tmp_path: Path):
    home = tmp_path / "home"
    released.write(home / "modeld.sqlite3", 1)
    daemon = RealDaemon(home, {})
    try:
        with Client(daemon.places, timeout_s=DEADLINE_S) as client:
            assert client.show("mine").latest is not None and client.show("mine").pinned
            assert [job.state for job in client.jobs("mine")] == [JobState.PAUSED]
    finally:
        daemon.stop()


def job(number: int, state: JobState = JobState.DONE) -> SaveJob:
    at = f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000+00:00"
    return SaveJob(job=JobView(id=f"j{number}", kind=JobKind.PULL, model="m", state=state, created_at=at))


def run_at(day: int, speed: float = 50.0) -> BenchmarkRun:
    made = run(speed=speed)
    result = msgspec.structs.replace(made.result, timestamp=f"2026-01-{day:02}T00:00:00+00:00")
    return msgspec.structs.replace(made, id=f"b{day}", result=result)


def test_only_the_newest_ended_jobs_are_kept_and_every_unended_one(tmp_path: Path):
    with opened(tmp_path) as kept:
        kept.commit([job(0, JobState.PAUSED)])
        for number in range(1, REMEMBERED_JOBS + 11):
            kept.commit([job(number)])
        assert [view.id for view in kept.jobs()] == ["j0", *(f"j{n}" for n in range(11, REMEMBERED_JOBS + 11))]
    assert look(tmp_path, "SELECT COUNT(*) FROM jobs") == [(REMEMBERED_JOBS + 1,)]


def test_jobs_keep_their_order_whatever_is_saved_of_them_later(tmp_path: Path):
    with opened(tmp_path) as kept:
        same = [
            job(0, JobState.QUEUED),
            msgspec.structs.replace(job(0), job=msgspec.structs.replace(job(0).job, id="k")),
        ]
        kept.commit(same)
        kept.commit([job(0)])
        assert [view.id for view in kept.jobs()] == ["j0", "k"]


def test_averages_follow_every_way_a_run_comes_in_and_count_it_once(tmp_path: Path):
    ticket = Ticket(b"c", "1")
    with opened(tmp_path) as kept:
        kept.commit([SaveRun(run=run_at(1, speed=10.0)), SaveRun(run=run_at(1, speed=10.0))])
        (saved,) = kept.commit([SaveBackup(models=[], runs=[run_at(1), run_at(3, speed=30.0)], ticket=ticket)])
        kept.add_runs([run_at(2, speed=20.0)])
        assert (saved.added_runs, saved.latest["alpha"]) == (1, run_at(3, speed=30.0).result)
        average = kept.averages()["alpha"]
        assert (average.runs, average.avg_tokens_per_second) == (3, 20.0)
        assert kept.latest()["alpha"] == run_at(3, speed=30.0).result


def test_a_backup_is_stored_whole_or_not_at_all(tmp_path: Path):
    spec = ModelSpec(key="new", source="https://example.org/m.gguf")
    not_storable = msgspec.structs.replace(
        run_at(2),
        result=msgspec.structs.replace(run_at(2).result, timestamp="2026-01-02", tokens_per_second=float("nan")),
    )
    backup = SaveBackup(models=[spec], runs=[run_at(1), not_storable], ticket=Ticket(b"c", "1"))
    with opened(tmp_path) as kept:
        with pytest.raises(sqlite3.IntegrityError):
            kept.commit([backup])
        assert kept.specs() == [] and kept.all_runs() == [] and kept.averages() == {}
        kept.commit([SaveModel(spec=spec)])
        assert kept.specs() == [spec]


class Counting(Database):
    """A database that counts the histories that are read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read_models: list[str] = []

    def runs(self, model: str, limit: int) -> list[BenchmarkRun]:
        """Note the model."""
        self.read_models.append(model)
        return super().runs(model, limit)


def test_the_mirror_reads_only_the_models_with_new_runs_and_has_all_of_them(tmp_path: Path):
    def of(key: str, day: int) -> SaveRun:
        made = run_at(day)
        result = msgspec.structs.replace(made.result, model_key=key)
        return SaveRun(run=msgspec.structs.replace(made, id=f"{key}{day}", result=result))

    with closing(Counting(tmp_path / "modeld.sqlite3")) as kept:
        mirror = Mirror(tmp_path / "model_benchmarks.json", kept)
        kept.commit([of(key, day) for key in ("a", "b", "c") for day in range(1, 13)])
        mirror.write({"a"})
        assert kept.read_models == ["a", "b", "c"], "the first time it reads all models"
        kept.commit([of("b", 20)])
        mirror.write({"b"})
        assert kept.read_models == ["a", "b", "c", "b"]
        text = (tmp_path / "model_benchmarks.json").read_text()
        found = json.loads(text)
        assert {key: len(records) for key, records in found.items()} == {"a": 10, "b": 10, "c": 10}
        assert [record["timestamp"][8:10] for record in found["b"]] == [*(f"{day:02}" for day in range(4, 13)), "20"]
        assert text == json.dumps(found, indent=2)


NEWER_THAN = {
    "other offsets": ("2026-11-20T09:00:00+05:30", "2026-11-20T05:00:00+00:00"),
    "the clocks go back": ("2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00"),
    "other forms": ("2026-10-25T02:30:00", "2026-10-25 02:45:00"),
    "parts of a second": ("2026-11-20T05:00:00Z", "2026-11-20T05:00:00.500+00:00"),
}


def at(timestamp: str) -> BenchmarkRun:
    result = msgspec.structs.replace(run().result, timestamp=timestamp)
    return msgspec.structs.replace(run(), id=timestamp, result=result)


@pytest.mark.parametrize("times", NEWER_THAN.values(), ids=NEWER_THAN)
def test_the_newest_run_is_the_newest_in_time_however_it_is_written(tmp_path: Path, times: tuple[str, str]):
    older, newer = times
    ask = ReadRuns(model="alpha", limit=10, ticket=Ticket(b"c", "1"))
    with opened(tmp_path) as kept:
        kept.commit([SaveRun(run=at(newer)), SaveRun(run=at(older))])
        assert kept.latest()["alpha"].timestamp == newer
        assert [found.id for found in kept.runs("alpha", 10)] == [older, newer]
        assert [found.id for found in kept.read(ask, [at(older)]).runs] == [older, newer]


def test_times_that_an_older_version_wrote_are_put_in_order(tmp_path: Path):
    older, newer = NEWER_THAN["the clocks go back"]
    file = released.write(tmp_path / "modeld.sqlite3", 2)
    with closing(sqlite3.connect(file)) as sql, sql:
        for found in (at(older), at(newer)):
            row = (found.id, "alpha", found.id, 50.0, 1000.0, 100.0, msgspec.json.encode(found).decode())
            sql.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    with opened(tmp_path) as kept:
        assert kept.latest()["alpha"].timestamp == newer and kept.averages()["alpha"].runs == 2
