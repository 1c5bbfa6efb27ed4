"""Which answers wait for the commit, and what is shown while nothing can be saved."""

from modeld.core import effects, facts
from modeld.protocol import events, replies, requests, workers
from modeld.protocol.reasons import Reason
from support.manager_world import READY, World, generation, run

NOT_SAVING = Reason.NOT_SAVING.failure(path="modeld.sqlite3", error="database or disk is full")


def held(world: World) -> list[str]:
    """The ids of the last answers that wait for the commit."""
    return [sent.reply.id for sent in world.of(effects.Send) if sent.after_commit]


def test_the_answer_to_a_change_comes_after_what_is_saved_and_waits_for_it():
    world = World()
    world.ask(requests.Pin(id="p", model="alpha"))
    assert held(world) == ["p"]
    kinds = [type(effect) for effect in world.effects]
    assert kinds == [effects.SaveModel, effects.Publish, effects.Send]


def test_answers_that_save_nothing_never_wait():
    world = World()
    for request in (
        requests.Ping(id="1"),
        requests.List(id="2"),
        requests.Load(id="3", model="alpha"),
        requests.Pin(id="4", model="unknown"),
    ):
        world.ask(request)
        assert [sent.after_commit for sent in world.of(effects.Send)] == [False]


def test_a_load_waits_until_it_is_remembered_and_is_done_even_if_that_fails():
    world = World()
    world.ask(requests.Load(id="l", model="alpha", wait=True))
    (start,) = world.of(effects.StartWorker)
    world.tell(facts.WorkerSaid(run=start.run, news=workers.Hello(pid=1)))
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    assert held(world) == ["l"]
    assert [sent.even_unsaved for sent in world.of(effects.Send)] == [True]
    world.ask(requests.Pin(id="p", model="alpha"))
    assert [sent.even_unsaved for sent in world.of(effects.Send)] == [False]


def test_pieces_and_ends_of_generations_never_wait_even_when_a_job_is_saved_with_them():
    world = World()
    number = world.load("alpha")
    world.ask(requests.Generate(id="g", model="alpha", prompt="x", stream=True))
    (tell,) = world.of(effects.TellWorker)
    piece = workers.Piece(task=tell.order.task, text="hi", completion_tokens=1, context_used=4)
    world.tell(facts.WorkerSaid(run=number, news=piece))
    assert [sent.after_commit for sent in world.of(effects.Send)] == [False]
    answered = workers.Answered(task=tell.order.task, generation=generation())
    world.tell(facts.WorkerSaid(run=number, news=answered))
    assert [sent.after_commit for sent in world.of(effects.Send)] == [False]


def test_a_benchmark_that_was_waited_for_is_answered_after_its_run_is_committed():
    world = World()
    world.ask(requests.Benchmark(id="b", models=["alpha"], wait=True))
    (start,) = world.of(effects.StartWorker)
    world.tell(facts.WorkerSaid(run=start.run, news=workers.Hello(pid=1)))
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    (tell,) = world.of(effects.TellWorker)
    world.tell(facts.WorkerSaid(run=start.run, news=workers.Measured(task=tell.order.task, run=run())))
    assert len(world.of(effects.SaveRun)) == 1 and held(world) == ["b"]


def test_a_repetition_waits_as_the_first_answer_did():
    world = World()
    world.ask(requests.Pin(id="1", key="k", model="alpha"))
    world.ask(requests.Pin(id="2", key="k", model="alpha"))
    assert held(world) == ["2"] and world.of(effects.SaveModel) == []


def test_who_joins_a_download_waits_for_the_commit_of_its_job_too():
    world = World(on_disk=())
    world.ask(requests.Pull(id="1", model="alpha"))
    world.ask(requests.Pull(id="2", model="alpha"), client=b"other")
    assert held(world) == ["2"]


def test_clients_see_that_nothing_is_saved_and_that_it_works_again():
    world = World()
    for fact, shown in (
        (facts.SavingFailed(failure=NOT_SAVING), NOT_SAVING),
        (facts.SavingWorks(), None),
    ):
        world.tell(fact)
        (changed,) = world.events(events.DaemonChanged)
        assert changed.daemon.not_saving == shown == world.snapshot().daemon.not_saving
        world.ask(requests.Status(id="s"))
        status = world.replies()[0].result
        assert isinstance(status, replies.Status) and status.daemon.not_saving == shown
