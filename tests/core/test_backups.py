"""Backups, as the manager decides about them."""

from collections.abc import Iterator

import msgspec
import pytest
from modeld.core import effects, facts
from modeld.core.backups import STEP
from modeld.core.effects import Continue, MergeSettings, ReadBackup, SaveBackup
from modeld.protocol import events, replies, requests, views
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.reasons import Reason
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
    (save,), (look,) = world.of(SaveBackup), world.of(effects.Inspect)
    (spec,) = save.models
    assert spec.display_name == "New" and spec.pinned
    assert spec.file_name == "new--alpha.gguf", "no two models share a file"
    world.tell(facts.FileInspected(model="new", path="/models/new.gguf", header=HEADER))
    assert look.ticket is None and world.replies() == [] and world.model("new").state is ModelState.ON_DISK
    world.tell(facts.BackupSaved(ticket=save.ticket))
    restored = world.replies()[0].result
    assert isinstance(restored, replies.Restored)
    assert (restored.models, restored.models_known) == (["new"], ["alpha"])


def test_a_second_restore_with_the_id_of_one_under_way_is_refused_and_the_first_goes_on():
    world = World(keys=())

    def models(name: str) -> list[views.AddedModel]:
        keys = [f"{name}{number}" for number in range(STEP + 1)]
        return [views.AddedModel(key=key, source=f"https://example.org/{key}.gguf") for key in keys]

    world.ask(requests.Restore(id="1", models=models("first")))
    (go_on,) = world.of(Continue)
    world.ask(requests.Restore(id="1", models=models("second")))
    assert world.error() == Reason.RESTORE_UNDER_WAY.failure(id="1")
    world.tell(facts.Continued(ticket=go_on.ticket))
    (save,) = world.of(SaveBackup)
    assert [spec.key for spec in save.models] == [model.key for model in models("first")]
    world.tell(facts.BackupSaved(ticket=save.ticket))
    assert world.replies()[-1].ok


def test_two_models_of_one_backup_do_not_share_a_file():
    world = World(keys=())
    models = [views.AddedModel(key=key, source="https://example.org/same.gguf") for key in ("one", "two")]
    world.ask(requests.Restore(id="1", models=models))
    (save,) = world.of(SaveBackup)
    assert [spec.file_name for spec in save.models] == ["same.gguf", "two--same.gguf"]


def test_only_runs_that_can_be_true_reach_the_store():
    world = World()
    impossible = msgspec.structs.replace(RUN, result=msgspec.structs.replace(RUN.result, tokens_per_second=-1.0))
    nameless = msgspec.structs.replace(RUN, id="")
    world.ask(requests.Restore(id="1", runs=[RUN, impossible, nameless], results=[RUN.result]))
    (save,) = world.of(SaveBackup)
    assert [kept.id for kept in save.runs] == ["b1", "import-alpha-2026-01-01T00:00:00.000000+00:00"]
    assert save.runs[1].prefill.n == 0
    world.tell(facts.BackupSaved(ticket=save.ticket, added_runs=2))
    restored = world.replies()[0].result
    assert isinstance(restored, replies.Restored)
    assert (restored.runs, len(restored.refused)) == (2, 2)


def numbers_of(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every number in the builtins of a run."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from numbers_of(part, (*path, name))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


FULL = msgspec.structs.replace(RUN, pp=RUN.decode, tg=RUN.decode, gpu_memory_bytes=1, energy_j=1.0)
NUMBERS = list(numbers_of(msgspec.to_builtins(FULL)))


@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, 1e308])
def test_no_number_of_a_restored_run_may_be_impossible(path: tuple[str, ...], value: float):
    *fields, name = path
    changed = part = getattr(FULL, fields[0]) if fields else FULL
    changed = msgspec.structs.replace(part, **{name: value})
    if fields:
        changed = msgspec.structs.replace(FULL, **{fields[0]: changed})
    world = World()
    world.ask(requests.Restore(id="1", runs=[changed]))
    (save,) = world.of(SaveBackup)
    assert save.runs == []


def test_models_show_their_new_results_and_only_those_that_changed_are_told():
    world = World()
    average = views.BenchmarkAverage(
        runs=1, avg_tokens_per_second=50.0, avg_inference_time=1000.0, avg_memory_usage_mb=100.0
    )
    results = {"alpha": RUN.result, "gone": RUN.result}
    for changed in (["alpha"], []):
        world.ask(requests.Restore(id="1", runs=[RUN]))
        (save,) = world.of(SaveBackup)
        world.tell(facts.BackupSaved(ticket=save.ticket, latest=results, averages={"alpha": average, "gone": average}))
        assert [event.model.key for event in world.events(events.ModelChanged)] == changed
        assert world.replies()[0].ok and world.model("alpha").latest == RUN.result


def test_settings_are_merged_after_the_rest_is_saved_and_the_answer_comes_last():
    world = World()
    world.ask(requests.Restore(id="1", settings="threads = 2\n", trust_settings=True))
    (save,) = world.of(SaveBackup)
    assert world.of(MergeSettings) == [] and world.replies() == []
    world.tell(facts.BackupSaved(ticket=save.ticket))
    (merge,) = world.of(MergeSettings)
    assert (merge.settings, merge.trust) == ("threads = 2\n", True) and world.replies() == []
    world.tell(facts.SettingsMerged(ticket=merge.ticket, added=["threads"]))
    assert world.replies()[0].result == replies.Restored(settings=["threads"])


def test_a_long_restore_goes_in_steps_and_saves_once():
    world = World(keys=())
    models = [views.AddedModel(key=f"m{n}", source=f"https://example.org/{n}.gguf") for n in range(2 * STEP + 1)]
    world.ask(requests.Restore(id="1", models=models))
    for count in (STEP, 2 * STEP):
        assert len(world.snapshot().models) == count and world.of(SaveBackup) == []
        (rest,) = world.of(Continue)
        world.tell(facts.Continued(ticket=rest.ticket))
    (save,) = world.of(SaveBackup)
    assert [spec.key for spec in save.models] == [model.key for model in models]
    assert world.of(Continue) == []


def test_what_happens_to_a_model_during_a_restore_is_what_is_saved():
    world = World(keys=())
    models = [views.AddedModel(key=f"m{n}", source=f"https://example.org/{n}.gguf") for n in range(STEP + 1)]
    world.ask(requests.Restore(id="1", models=models))
    (rest,) = world.of(Continue)
    for key in ("m0", "m1"):
        world.tell(facts.FileInspected(model=key, path=f"/models/{key}.gguf"))
    world.ask(requests.Pin(id="2", model="m0"))
    world.ask(requests.Remove(id="3", model="m1", keep_file=True))
    world.tell(facts.Continued(ticket=rest.ticket))
    (save,) = world.of(SaveBackup)
    assert save.models[0].pinned and "m1" not in [spec.key for spec in save.models]


def test_a_restore_that_cannot_be_saved_is_answered_once_and_its_results_show_when_it_is():
    world = World()
    world.ask(requests.Restore(id="1", runs=[RUN]))
    (save,) = world.of(SaveBackup)
    world.tell(facts.BackupSaved(ticket=save.ticket, failure=Reason.NOT_SAVED.failure(path="db", error="disk full")))
    assert world.error().reason == Reason.NOT_SAVED.id
    world.tell(facts.BackupSaved(ticket=save.ticket, latest={"alpha": RUN.result}))
    assert world.model("alpha").latest == RUN.result and world.replies() == []
