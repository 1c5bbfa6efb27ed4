"""Things that happen at the same time: wishes that cross with news, files that come and go under a queued download."""

import pytest
from modeld.core import effects, facts
from modeld.core.state import outbox
from modeld.protocol import events, replies, requests, views
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import JobKind, JobState, ModelState
from modeld.settings import Settings
from support.hub_steps import THREE, came, looked, pulled, started
from support.manager_world import GIB, HEADER, World


def pull_of(key: str, state: JobState, **more: object) -> views.JobView:
    return views.JobView(
        id=f"old-{key}",
        kind=JobKind.PULL,
        model=key,
        state=state,
        created_at="2026-01-01T00:00:00.000+00:00",
        **more,  # type: ignore[arg-type]  # the view's own fields
    )


def answers(world: World) -> dict[str, replies.Reply]:
    return {reply.id: reply for reply in world.replies()}


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.QUEUED])
def test_a_daemon_killed_as_its_file_became_complete_ends_the_download_well(state: JobState):
    world = World(on_disk=("alpha", "beta"), jobs=(pull_of("alpha", state),))
    job = world.job("old-alpha")
    assert (job.state, job.already_there, job.progress.percent) == (JobState.DONE, True, 100.0)
    assert world.model("alpha").state is ModelState.ON_DISK and not world.of(effects.StartPull)


def test_a_file_that_came_back_while_its_download_was_queued_needs_none_any_more():
    world = World(settings=Settings(max_downloads=1))
    world.tell(facts.FilesLookedFor(there=[], gone=["alpha", "beta"]))
    world.ask(requests.Pull(id="1", model="beta"))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pull(id="2", model="alpha", wait=True))
    world.tell(facts.FilesLookedFor(there=["alpha"], gone=[]))
    world.tell(facts.FileInspected(model="alpha", path="/models/alpha.gguf", header=HEADER))
    world.ask(requests.Pause(id="hold", job=start.job))
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    assert not world.of(effects.StartPull)
    assert world.model("alpha").state is ModelState.ON_DISK and answers(world)["2"].ok


def test_a_bound_of_one_download_holds_in_the_next_daemon_too():
    world = World(on_disk=(), jobs=(pull_of("alpha", JobState.RUNNING, limit=1000),))
    sent = [effect for effect in world.at_start if isinstance(effect, effects.LimitPulls)]
    assert [effect.jobs for effect in sent] == [{"old-alpha": 1000}]


def test_a_pause_that_was_taken_back_is_answered_though_the_download_never_stopped():
    world = World()
    pulled(world)
    looked(world, THREE)
    first = started(world)
    world.ask(requests.Pause(id="hold", model="m"))
    assert not world.replies()
    world.ask(requests.Resume(id="on", model="m"))
    assert set(answers(world)) == {"hold", "on"}
    came(world, first, part=1, parts=3)
    assert started(world).file_name == THREE[1].path.rsplit("/", 1)[-1]


def test_a_model_that_was_removed_while_it_was_looked_at_does_not_come_back():
    world = World(on_disk=())
    world.ask(requests.Show(id="look", model="alpha", look=True))
    (read,) = world.of(effects.ReadRemote)
    world.ask(requests.Remove(id="rm", model="alpha", keep_file=True))
    world.tell(facts.RemoteRead(lookup=read.lookup, header=HEADER, commit="", disk_free=5 * GIB, size_bytes=1000))
    assert not world.events(events.ModelChanged)
    assert world.error().code is ErrorCode.NOT_FOUND


def test_a_request_that_still_runs_is_remembered_however_many_come_after_it():
    world = World(on_disk=())
    world.ask(requests.Pull(id="1", key="k", model="alpha", wait=True))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pull(id="2", key="k", model="alpha", wait=True), client=b"d")
    for number in range(outbox.REMEMBERED_KEYS + 1):
        world.ask(requests.Pin(id=f"n{number}", key=f"n{number}", model="beta"))
    world.ask(requests.Cancel(id="x", job=start.job))
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    assert {"1", "2"} <= set(answers(world))


def test_all_models_are_benchmarked_but_the_one_that_is_being_removed():
    world = World()
    world.ask(requests.Remove(id="rm", model="alpha"))
    (remove,) = world.of(effects.RemoveFiles)
    world.ask(requests.Benchmark(id="b", all=True))
    assert [job.model for job in world.snapshot().jobs] == ["beta"]
    world.tell(facts.FileRemoved(model="alpha", ticket=remove.ticket))
    assert [model.key for model in world.snapshot().models] == ["beta"]


def test_a_disk_that_does_not_answer_is_not_asked_again_before_it_has():
    world = World(settings=Settings())
    world.tell(facts.Ticked(), after_s=60.0)
    assert len(world.of(effects.LookForFiles)) == 1
    world.tell(facts.Ticked(), after_s=60.0)
    assert not world.of(effects.LookForFiles)
    world.tell(facts.FilesLookedFor(there=["alpha", "beta"], gone=[]))
    world.tell(facts.Ticked(), after_s=60.0)
    assert len(world.of(effects.LookForFiles)) == 1


def failed(world: World, kind: type[effects.AnyEffect]) -> None:
    """What was to be done last fails by a bug."""
    (effect,) = world.of(kind)
    world.tell(facts.WorkFailed(effect=effect, why="ZeroDivisionError()"))


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (requests.Results(id="1", model="alpha"), effects.ReadRuns),
        (requests.Backup(id="1"), effects.ReadBackup),
        (requests.Restore(id="1", settings="threads = 2"), effects.SaveBackup),
        (requests.Scan(id="1"), effects.ScanExternalModels),
        (requests.Remove(id="1", model="alpha"), effects.RemoveFiles),
        (requests.Add(id="1", model="gamma", source="/models/gamma.gguf"), effects.Inspect),
    ],
)
def test_who_asked_for_what_fails_by_a_bug_is_told_so(request_: requests.AnyRequest, kind: type[effects.AnyEffect]):
    world = World()
    world.ask(request_)
    failed(world, kind)
    assert world.error().code is ErrorCode.INTERNAL and "ZeroDivisionError" in world.error().message
    assert [model.key for model in world.snapshot().models] == ["alpha", "beta"]


def test_what_failed_by_a_bug_may_be_tried_again():
    world = World()
    world.ask(requests.Remove(id="1", model="alpha"))
    failed(world, effects.RemoveFiles)
    world.ask(requests.Remove(id="2", model="alpha"))
    assert world.of(effects.RemoveFiles)
    world.tell(facts.Ticked(), after_s=60.0)
    failed(world, effects.LookForFiles)
    world.tell(facts.Ticked(), after_s=60.0)
    assert world.of(effects.LookForFiles)


def test_a_daemon_settles_though_a_look_at_a_file_fails_by_a_bug():
    world = World(keys=())
    world.ask(requests.Add(id="1", model="gamma", source="https://example.org/gamma.gguf"))
    assert not world.manager.settled
    failed(world, effects.Inspect)
    assert world.manager.settled
