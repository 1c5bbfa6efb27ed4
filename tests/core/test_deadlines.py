"""A worker that hangs is ended at its deadline, and everyone who waits for it is answered."""

import pytest
from modeld.core import effects, facts
from modeld.core.state.state import LONGEST_GAP_S
from modeld.protocol import requests, workers
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import ModelState
from modeld.protocol.views import SystemView
from modeld.protocol.workers import Activity
from modeld.settings import Settings
from support.manager_world import GIB, READY, World

SETTINGS = Settings(load_timeout_s=100, template_timeout_s=10, worker_silence_s=30, stop_timeout_s=5)
SYSTEM = SystemView(memory_total=16 * GIB, memory_available=8 * GIB)


@pytest.fixture
def world() -> World:
    return World(settings=SETTINGS)


def starts(world: World) -> int:
    """Begin to load alpha for a client that waits; the run."""
    world.ask(requests.Load(id="load", model="alpha", wait=True))
    (start,) = world.of(effects.StartWorker)
    return start.run


def asked(world: World, *names: str) -> int:
    """Load alpha and ask it for generations; the run."""
    run = world.load("alpha")
    for name in names:
        world.ask(requests.Generate(id=name, model="alpha", prompt="x"))
    return run


def says(world: World, run: int, activity: Activity) -> None:
    world.tell(facts.WorkerSaid(run=run, news=workers.Alive(activity=activity)))


def reasons(world: World) -> dict[str, str]:
    """The reasons of the failures in the last effects, by request."""
    return {reply.id: reply.error.reason for reply in world.replies() if not reply.ok}


def test_a_load_without_a_sign_of_life_fails_and_its_worker_is_ended(world: World):
    run = starts(world)
    world.tick(29)
    assert not world.replies() and not world.of(effects.StopWorker)
    world.tick(2)
    assert reasons(world) == {"load": "load_hangs"}
    assert [stop.run for stop in world.of(effects.StopWorker)] == [run]
    world.tell(facts.WorkerGone(run=run, exit_code=-9))
    model = world.model("alpha")
    assert model.state is ModelState.ON_DISK
    assert model.failure is not None and model.failure.reason == "load_hangs"
    assert model.failure.code is ErrorCode.LOAD_FAILED and model.failure.fields == {"key": "alpha", "seconds": 30}
    assert model.failure.hint


def test_a_load_with_signs_of_life_may_be_slow_up_to_its_own_deadline(world: World):
    run = starts(world)
    for _ in range(9):
        says(world, run, Activity.LOADING)
        world.tick(10)
        assert not world.replies()
    says(world, run, Activity.LOADING)
    world.tick(10)
    assert reasons(world) == {"load": "load_too_slow"}


def test_a_load_whose_memory_grows_is_alive_and_one_whose_memory_stands_still_is_not(world: World):
    run = starts(world)
    for step in range(1, 6):
        world.tell(facts.Sampled(system=SYSTEM, workers={run: (step * 1000, step * 1000)}))
        world.tick(10)
        assert not world.replies()
    world.tell(facts.Sampled(system=SYSTEM, workers={run: (5000, 5000)}))
    world.tick(30)
    assert reasons(world) == {"load": "load_hangs"}


def test_a_loaded_model_that_nobody_asks_may_be_silent(world: World):
    world.load("alpha")
    world.tick(100)
    assert world.model("alpha").state is ModelState.LOADED


@pytest.mark.parametrize(
    ("activity", "reason"), [(Activity.PREFILL, "prompt_hangs"), (Activity.DECODE, "answer_hangs")]
)
def test_a_silent_worker_fails_its_task_and_those_that_wait(world: World, activity: Activity, reason: str):
    run = asked(world, "first", "second")
    says(world, run, activity)
    world.tick(31)
    assert reasons(world) == {"first": reason, "second": reason}
    assert [(stop.run, stop.grace_s) for stop in world.of(effects.StopWorker)] == [(run, 0.5)]
    assert world.model("alpha").loaded is not None and world.model("alpha").loaded.requests_waiting == 0


def test_a_request_that_comes_while_the_hung_worker_ends_gets_a_new_one(world: World):
    run = asked(world, "first")
    world.tick(31)
    world.ask(requests.Generate(id="next", model="alpha", prompt="x"))
    world.tell(facts.WorkerGone(run=run, exit_code=-9))
    assert [start.order.model for start in world.of(effects.StartWorker)] == ["alpha"]


def test_a_silent_worker_that_still_gives_signs_of_life_works_on(world: World):
    run = asked(world, "first")
    for _ in range(10):
        says(world, run, Activity.PREFILL)
        world.tick(20)
    assert world.model("alpha").state is ModelState.BUSY


def test_a_template_has_a_deadline_of_its_own_that_signs_of_life_do_not_move(world: World):
    run = asked(world, "first")
    says(world, run, Activity.TEMPLATE)
    world.tick(8)
    says(world, run, Activity.TEMPLATE)
    world.tick(3)
    assert reasons(world) == {"first": "template_too_slow"}
    assert world.of(effects.StopWorker)


def test_another_model_is_not_touched(world: World):
    asked(world, "first")
    other = world.load("beta")
    world.ask(requests.Generate(id="other", model="beta", prompt="x"))
    for _ in range(4):
        says(world, other, Activity.DECODE)
        world.tick(8)
    assert world.model("alpha").state is ModelState.UNLOADING
    assert world.model("beta").state is ModelState.BUSY


def test_a_cancelled_request_whose_worker_does_not_stop_ends_at_the_deadline_and_the_others_get_a_new_worker(
    world: World,
):
    run = asked(world, "first", "second")
    world.ask(requests.Cancel(id="cancel", request="first"))
    says(world, run, Activity.DECODE)
    world.tick(4)
    assert not world.replies()
    says(world, run, Activity.DECODE)
    world.tick(2)
    assert reasons(world) == {"first": "stop_ignored"}
    assert world.of(effects.StopWorker)
    world.tell(facts.WorkerGone(run=run, exit_code=-9))
    assert world.of(effects.StartWorker) and not world.replies()
    assert world.model("alpha").failure is None


def test_a_cancelled_benchmark_whose_worker_does_not_stop_ends_and_the_next_one_starts(world: World):
    world.load("alpha")
    world.ask(requests.Benchmark(id="b", models=["alpha", "beta"]))
    world.ask(requests.Cancel(id="cancel", job="job1"))
    world.tick(6)
    assert (world.job("job1").state, world.job("job2").state) == ("cancelled", "running")


def test_a_hung_benchmark_fails_its_job_and_the_next_one_starts(world: World):
    world.load("alpha")
    world.ask(requests.Benchmark(id="b", models=["alpha", "beta"]))
    world.tick(31)
    job = world.job("job1")
    assert job.state == "failed" and job.failure is not None and job.failure.reason == "prompt_hangs"
    assert world.job("job2").state == "running"


def test_a_task_that_ended_in_time_leaves_no_deadline_behind(world: World):
    run = asked(world, "first")
    (tell,) = world.of(effects.TellWorker)
    says(world, run, Activity.TEMPLATE)
    world.tell(facts.WorkerSaid(run=run, news=workers.Refused(task=tell.order.task, prompt_tokens=9, context_size=2)))
    world.tick(60)
    assert world.model("alpha").state is ModelState.LOADED


def test_a_daemon_that_was_stopped_itself_blames_no_worker(world: World):
    asked(world, "first")
    world.tell(facts.Ticked(), after_s=3600.0)
    assert world.model("alpha").state is ModelState.BUSY
    world.tick(30 - LONGEST_GAP_S + 1)
    assert world.model("alpha").state is ModelState.UNLOADING


def test_the_wall_clock_ends_no_worker(world: World):
    asked(world, "first")
    world.now += 86_400.0
    world.tell(facts.Ticked(), after_s=1.0)
    assert world.model("alpha").state is ModelState.BUSY


def test_a_worker_that_is_ready_after_its_end_was_decided_stays_unwanted(world: World):
    run = starts(world)
    world.tick(31)
    world.tell(facts.WorkerSaid(run=run, news=workers.Hello(pid=7)))
    world.tell(facts.WorkerSaid(run=run, news=READY))
    assert world.model("alpha").state is ModelState.UNLOADING
    world.tell(facts.WorkerGone(run=run, exit_code=0))
    assert world.model("alpha").state is ModelState.ON_DISK
