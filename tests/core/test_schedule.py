"""Benchmarks on the daemon's own account: when they are due, and what keeps them off."""

import msgspec
import pytest
from modeld.core import effects, facts
from modeld.core.benchmarks.schedule import AGAIN_S, DAY_S, QUIET_S
from modeld.protocol import requests, workers
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import SystemView
from modeld.settings import Settings
from support.manager_world import GIB, World, run

WEEK_S = 7 * DAY_S
STEP_S = 30.0
IDLE = SystemView(memory_total=16 * GIB, memory_available=8 * GIB)


def measured(settings: Settings | None = None) -> World:
    """A world whose alpha was benchmarked just now, and unloaded."""
    world = World(settings=settings or Settings())
    world_run = world.load("alpha")
    world.ask(requests.Benchmark(id="b", models=["alpha"]))
    (tell,) = world.of(effects.TellWorker)
    assert isinstance(tell.order, workers.Measure)
    now = world.manager._state.at
    finished = run()
    result = msgspec.structs.replace(finished.result, timestamp=now)
    news = workers.Measured(task=tell.order.task, run=msgspec.structs.replace(finished, result=result))
    world.tell(facts.WorkerSaid(run=world_run, news=news))
    world.ask(requests.Unload(id="u"))
    world.tell(facts.WorkerGone(run=world_run, exit_code=0, detail=""))
    return world


def wait(world: World, seconds: float) -> None:
    """A tick every half minute; the last one when the waiting is over."""
    world.tell(facts.Ticked())
    for _ in range(int(seconds // STEP_S)):
        world.tell(facts.Ticked(), after_s=STEP_S)


def begun(world: World) -> list[str]:
    return [
        job.model
        for job in world.snapshot().jobs
        if job.kind is JobKind.BENCHMARK and job.state in (JobState.QUEUED, JobState.RUNNING)
    ]


def later(world: World, seconds: float) -> None:
    world.now += seconds


def test_a_week_after_its_last_benchmark_a_model_is_measured_again_on_an_idle_machine():
    world = measured()
    later(world, WEEK_S)
    wait(world, QUIET_S)
    assert begun(world) == ["alpha"] and world.of(effects.StartWorker)


def test_it_is_not_measured_sooner_and_what_was_never_measured_is_left_alone():
    world = measured()
    later(world, WEEK_S - 3600)
    wait(world, QUIET_S)
    assert begun(world) == []


def test_a_moment_of_quiet_is_not_enough():
    world = measured()
    later(world, WEEK_S)
    wait(world, QUIET_S - 60)
    assert begun(world) == []


@pytest.mark.parametrize(
    "system", [msgspec.structs.replace(IDLE, cpu_percent=60.0), msgspec.structs.replace(IDLE, on_battery=True)]
)
def test_a_machine_that_is_needed_or_runs_on_its_battery_is_left_in_peace(system: SystemView):
    world = measured()
    later(world, WEEK_S)
    world.tell(facts.Sampled(system=system, workers={}))
    wait(world, QUIET_S)
    assert begun(world) == []
    world.tell(facts.Sampled(system=IDLE, workers={}))
    wait(world, QUIET_S)
    assert begun(world) == ["alpha"]


def test_zero_days_mean_never():
    world = measured(Settings(benchmark_every_days=0))
    later(world, 10 * WEEK_S)
    wait(world, QUIET_S)
    assert begun(world) == []


def test_one_that_failed_is_tried_again_the_next_day_only():
    world = measured()
    later(world, WEEK_S)
    wait(world, QUIET_S)
    (start,) = world.of(effects.StartWorker)
    world.tell(facts.WorkerGone(run=start.run, exit_code=1, detail="no luck"))
    assert begun(world) == []
    wait(world, QUIET_S)
    assert begun(world) == []
    wait(world, AGAIN_S - QUIET_S)
    assert begun(world) == ["alpha"]


def test_a_model_whose_files_are_being_deleted_is_not_measured():
    world = measured()
    later(world, WEEK_S)
    world.tell(facts.Ticked())
    world.ask(requests.Remove(id="rm", model="alpha"))
    (remove,) = world.of(effects.RemoveFiles)
    world.tell(facts.Ticked(), after_s=QUIET_S)
    assert not begun(world)
    world.tell(facts.FileRemoved(model="alpha", ticket=remove.ticket))
    assert "alpha" not in [model.key for model in world.snapshot().models]


def test_a_machine_that_slept_is_measured_only_after_it_was_idle_again():
    world = measured()
    wait(world, QUIET_S)
    later(world, WEEK_S)  # the lid was closed: the date moves on, the monotonic clock does not
    world.tick(QUIET_S - 10)
    assert begun(world) == []
    world.tick(11)
    assert begun(world) == ["alpha"]


def test_a_monotonic_clock_that_counts_sleep_does_not_shorten_the_quiet_time():
    world = measured()
    wait(world, 60)
    world.tell(facts.Ticked(), after_s=WEEK_S)
    world.tick(QUIET_S - 10)
    assert begun(world) == []
    world.tick(11)
    assert begun(world) == ["alpha"]
