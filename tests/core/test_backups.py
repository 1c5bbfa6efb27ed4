"""Backups, as the manager decides about them."""

import msgspec
from modeld.core import effects, facts
from modeld.core.effects import ReadBackup, SaveModel, TakeIn
from modeld.protocol import events, replies, requests, views
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import ModelState
from support.manager_world import HEADER, World, run

RUN = msgspec.structs.replace(run(), id="b1")


def test_a_backup_has_the_added_models_and_what_the_store_read():
    world = World()
    world.ask(requests.Backup(id="1"))
    (read,) = world.of(ReadBackup)
    world.tell(facts.BackupRead(ticket=read.ticket, settings="threads = 2\n", runs=[RUN]))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Backup)
    backup = reply.result.backup
    assert [model.key for model in backup.models] == ["alpha", "beta"]
    assert (backup.format, backup.settings, backup.runs) == (1, "threads = 2\n", [RUN])


def test_what_could_not_be_read_is_the_answer():
    world = World()
    world.ask(requests.Backup(id="1"))
    (read,) = world.of(ReadBackup)
    failure = Failure(code=ErrorCode.UNWRITABLE, message="no")
    world.tell(facts.BackupRead(ticket=read.ticket, failure=failure))
    assert world.error() == failure


def test_a_restored_model_is_remembered_and_looked_for_and_a_known_one_stays():
    world = World(keys=("alpha",))
    models = [
        views.AddedModel(key="alpha", source="https://example.org/other.gguf"),
        views.AddedModel(key="new", source="https://example.org/alpha.gguf", display_name="New", pinned=True),
    ]
    world.ask(requests.Restore(id="1", models=models))
    (save,), (take,) = world.of(SaveModel), world.of(TakeIn)
    assert save.spec.display_name == "New" and save.spec.pinned
    assert save.spec.file_name == "new--alpha.gguf", "no two models share a file"
    assert (take.so_far.models, take.so_far.models_known) == (["new"], ["alpha"])
    (look,) = world.of(effects.Inspect)
    world.tell(facts.FileInspected(model="new", path="/models/new.gguf", header=HEADER))
    assert look.ticket is None and world.replies() == [] and world.model("new").state is ModelState.ON_DISK


def test_only_runs_that_can_be_true_reach_the_store():
    world = World()
    impossible = msgspec.structs.replace(RUN, result=msgspec.structs.replace(RUN.result, tokens_per_second=-1.0))
    nameless = msgspec.structs.replace(RUN, id="")
    world.ask(requests.Restore(id="1", runs=[RUN, impossible, nameless], results=[RUN.result]))
    (take,) = world.of(TakeIn)
    assert [kept.id for kept in take.runs] == ["b1", "import-alpha-2026-01-01T00:00:00.000000+00:00"]
    assert take.runs[1].prefill.n == 0 and len(take.so_far.refused) == 2


def test_models_show_their_new_results_and_only_those_that_changed_are_told():
    world = World()
    world.ask(requests.Restore(id="1", runs=[RUN]))
    (take,) = world.of(TakeIn)
    average = views.BenchmarkAverage(
        runs=1, avg_tokens_per_second=50.0, avg_inference_time=1000.0, avg_memory_usage_mb=100.0
    )
    taken = facts.TakenIn(
        ticket=take.ticket,
        restored=replies.Restored(runs=1),
        latest={"alpha": RUN.result, "gone": RUN.result},
        averages={"alpha": average, "gone": average},
    )
    world.tell(taken)
    assert [event.model.key for event in world.events(events.ModelChanged)] == ["alpha"]
    assert world.model("alpha").latest == RUN.result and world.replies()[0].result == replies.Restored(runs=1)
    world.tell(taken)
    assert world.events(events.ModelChanged) == []
