"""Durations are measured by the monotonic clock: setting the wall clock changes none of them."""

import pytest
from modeld.core import effects, facts
from modeld.protocol import events, requests, workers
from modeld.protocol.states import ModelState
from modeld.settings import Settings
from support.manager_world import World

DAY_S = 86_400.0
JUMPS = [DAY_S, -DAY_S]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_model_is_idle_by_the_time_that_passed_not_by_the_date(jump: float):
    world = World(settings=Settings(idle_unload_s=60))
    world.load("alpha")
    world.now += jump
    world.tick(50)
    assert world.model("alpha").state is ModelState.LOADED
    world.tick(11)
    assert world.model("alpha").state is ModelState.UNLOADING


@pytest.mark.parametrize("jump", JUMPS)
def test_the_context_is_published_while_a_generation_runs(jump: float):
    world = World()
    run = world.load("alpha")
    world.ask(requests.Generate(id="g", model="alpha", prompt="x"))
    task = world.of(effects.TellWorker)[0].order.task
    piece = workers.Piece(task=task, text="a", completion_tokens=1, context_used=5)
    world.tell(facts.WorkerSaid(run=run, news=piece))
    world.now += jump
    world.tell(facts.WorkerSaid(run=run, news=piece), after_s=1.0)
    assert len(world.events(events.ContextUsed)) == 1


def pulled(world: World) -> effects.StartPull:
    """Begin a download of alpha."""
    world.ask(requests.Pull(id="p", model="alpha"))
    (start,) = world.of(effects.StartPull)
    return start


def advance(world: World, start: effects.StartPull, done: int) -> None:
    world.tell(
        facts.PullAdvanced(job=start.job, run=start.run, done_bytes=done, total_bytes=10_000, phase="download"),
        after_s=1.0,
    )


@pytest.mark.parametrize("jump", JUMPS)
def test_the_speed_of_a_download_is_true(jump: float):
    world = World(on_disk=())
    start = pulled(world)
    for done in (1000, 2000, 3000, 4000):
        advance(world, start, done)
    world.now += jump
    advance(world, start, 5000)
    progress = world.job(start.job).progress
    assert progress.rate == pytest.approx(1000, rel=0.01) and not progress.stalled_since


def test_a_stall_has_the_date_at_which_it_began_whatever_is_done_to_the_clock():
    world = World(on_disk=())
    start = pulled(world)
    advance(world, start, 1000)
    began = world.manager._state.at
    world.tick(5)
    assert world.job(start.job).progress.stalled_since == began
    world.now += DAY_S
    world.tick(5)
    assert world.job(start.job).progress.stalled_since == began
    assert not world.events(events.JobProgress)


def test_files_are_looked_for_after_the_clock_was_set_back():
    world = World()
    world.tell(facts.Ticked(), after_s=60.0)
    (look,) = world.of(effects.LookForFiles)
    world.tell(facts.FilesLookedFor(there=list(look.paths), gone=[]))
    world.now -= DAY_S
    world.tell(facts.Ticked(), after_s=60.0)
    assert world.of(effects.LookForFiles)
