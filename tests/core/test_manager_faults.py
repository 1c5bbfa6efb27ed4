"""Ordinary requests that crossed each other once ended the daemon, or left a client without an answer."""

import msgspec
import pytest
from modeld.core import effects, facts
from modeld.core.benchmarks import schedule
from modeld.protocol import requests, views
from modeld.protocol.errors import ErrorCode
from modeld.settings import Settings
from support.manager_world import World, run

ONE_MODEL = Settings(max_loaded_models=1)


def answers(world: World, name: str) -> list[effects.Send]:
    """The replies to a request in the last effects."""
    return [sent for sent in world.of(effects.Send) if sent.reply.id == name]


def test_a_model_that_waits_to_be_loaded_cannot_be_removed():
    world = World(settings=ONE_MODEL)
    first = world.load("alpha")
    world.ask(requests.Unload(id="u", model="alpha"))
    world.ask(requests.Load(id="l", model="beta", wait=True))
    world.ask(requests.Remove(id="r", model="beta"))
    assert world.error().code is ErrorCode.IN_USE
    world.tell(facts.WorkerGone(run=first, exit_code=0))
    assert [started.order.model for started in world.of(effects.StartWorker)] == ["beta"]


def test_a_load_that_waits_fails_when_the_file_vanishes_meanwhile():
    world = World(settings=ONE_MODEL)
    first = world.load("alpha")
    world.ask(requests.Unload(id="u", model="alpha"))
    world.ask(requests.Load(id="l", model="beta", wait=True))
    world.tell(facts.FilesLookedFor(there=[], gone=["beta"]))
    world.tell(facts.WorkerGone(run=first, exit_code=0))
    (sent,) = answers(world, "l")
    assert sent.reply.error.code is ErrorCode.NOT_ON_DISK
    assert world.of(effects.StartWorker) == []


def test_a_model_that_is_being_removed_is_not_looked_for():
    world = World()
    world.ask(requests.Remove(id="r", model="beta"))
    world.tell(facts.Ticked(), after_s=60.0)
    assert [list(look.paths) for look in world.of(effects.LookForFiles)] == [["alpha"]]


def test_a_request_for_a_model_that_is_being_evicted_is_answered():
    world = World(settings=ONE_MODEL)
    first = world.load("alpha")
    world.ask(requests.Load(id="l", model="beta"))  # evicts alpha
    world.ask(requests.Generate(id="g", model="alpha", prompt="x"))
    world.tell(facts.WorkerGone(run=first, exit_code=0))
    (sent,) = answers(world, "g")
    assert sent.reply.error.code is ErrorCode.BUSY


def test_a_benchmark_of_a_model_that_is_being_evicted_fails_and_lets_the_next_one_run():
    world = World(settings=ONE_MODEL)
    first = world.load("alpha")
    world.ask(requests.Load(id="l", model="beta"))  # evicts alpha
    world.ask(requests.Benchmark(id="b", models=["alpha", "beta"]))
    world.tell(facts.WorkerGone(run=first, exit_code=0))
    assert world.job("job1").state == "failed"
    assert world.job("job2").state == "running"


def test_an_unload_while_two_benchmarks_wait_for_memory_fails_the_first_and_lets_the_second_one_run():
    world = World(settings=ONE_MODEL)
    first = world.load("alpha")
    world.ask(requests.Unload(id="u", model="alpha"))
    world.ask(requests.Benchmark(id="b1", models=["beta"]))
    world.ask(requests.Benchmark(id="b2", models=["beta"]))
    world.ask(requests.Unload(id="v", model="beta"))
    assert [world.job(job).state for job in ("job1", "job2")] == ["failed", "running"]
    world.tell(facts.WorkerGone(run=first, exit_code=0))
    assert [started.order.model for started in world.of(effects.StartWorker)] == ["beta"]


def test_impossible_figures_of_a_stored_run_are_no_change_and_do_not_overflow():
    world = World()
    world.ask(requests.Results(id="r", model="alpha"))
    (read,) = world.of(effects.ReadRuns)
    extreme = views.Figure(mean=1e308, stddev=1e308, n=3)
    impossible = views.BenchmarkRun(
        id="x", result=run().result, prefill=extreme, decode=extreme, first_token_ms=extreme, inference_ms=extreme
    )
    world.tell(facts.RunsRead(model="alpha", ticket=read.ticket, runs=[run(speed=1e-300), impossible]))
    (reply,) = world.replies()
    assert reply.result.history.change == views.Change(percent=0.0, significant=False)


def test_impossible_figures_are_not_restored():
    world = World()
    extreme = views.Figure(mean=50.0, stddev=1e308, n=3)
    good = run()
    impossible = views.BenchmarkRun(
        id="x", result=good.result, prefill=extreme, decode=extreme, first_token_ms=extreme, inference_ms=extreme
    )
    world.ask(requests.Restore(id="r", runs=[impossible]))
    (save,) = world.of(effects.SaveBackup)
    assert save.runs == []
    world.tell(facts.BackupSaved(ticket=save.ticket))
    (reply,) = world.replies()
    assert len(reply.result.refused) == 1


def test_a_pull_that_names_no_model_is_answered():
    world = World()
    world.ask(requests.Pull(id="p", model=""))
    assert world.error().code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("field", ["context_used", "context_available", "prompt_tokens"])
def test_impossible_counts_are_not_restored(field: str):
    world = World()
    good = run()
    for id_, count in (("small", -(2**63)), ("large", 10**400)):
        result = msgspec.structs.replace(good.result, **{"context_available": 10**401, field: count})
        world.ask(requests.Restore(id=id_, runs=[msgspec.structs.replace(good, id="x", result=result)]))
        (save,) = world.of(effects.SaveBackup)
        assert save.runs == []


def test_a_restored_model_of_impossible_size_has_no_known_size():
    world = World()
    added = views.AddedModel(key="gamma", source="https://example.org/gamma.gguf", size_bytes=10**400)
    world.ask(requests.Restore(id="r", models=[added]))
    assert world.model("gamma").size_bytes == 0


def test_a_result_of_a_year_that_the_clock_does_not_have_is_due_again():
    world = World(settings=Settings(benchmark_every_days=7))
    world.ask(requests.Restore(id="r"))
    (save,) = world.of(effects.SaveBackup)
    latest = msgspec.structs.replace(run().result, timestamp="0001-01-01T00:00:00")
    world.tell(facts.BackupSaved(ticket=save.ticket, latest={"alpha": latest}))
    world.tick(schedule.QUIET_S + 1)
    assert [job.model for job in world.snapshot().jobs] == ["alpha"]


def test_a_place_beyond_the_end_of_the_queue_is_the_last():
    world = World(on_disk=(), settings=Settings(max_downloads=1))
    world.ask(requests.Pull(id="a", model="alpha"))
    world.ask(requests.Pull(id="b", model="beta"))
    world.ask(requests.Move(id="m", model="alpha", place=2**63 - 1))
    (reply,) = world.replies()
    assert [job.model for job in reply.result.jobs] == ["beta", "alpha"]


def test_everyone_who_waits_is_answered_before_the_daemon_ends():
    world = World()
    number = world.load("alpha")
    names = [f"g{n}" for n in range(3)]
    sent = [effect for name in names for effect in world.ask(requests.Generate(id=name, model="alpha", prompt="x"))]
    sent += world.ask(requests.Results(id="results", model="alpha"))  # which the store never answers
    sent += world.tell(facts.StopAsked())
    sent += world.tell(facts.WorkerGone(run=number, exit_code=0))
    assert world.manager.finished
    replies = [effect.reply for effect in sent if isinstance(effect, effects.Send)]
    assert sorted(reply.id for reply in replies) == [*names, "results"]
    assert not any(reply.ok for reply in replies)
