"""Models and workers, as the manager decides about them."""

import signal

import msgspec
import pytest
from modeld.core import effects, facts
from modeld.core.state import outbox
from modeld.protocol import events, replies, requests, views, workers
from modeld.protocol.errors import ErrorCode, Failure, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState
from modeld.settings import Settings
from support.manager_world import GIB, READY, World, generation


def test_a_load_starts_a_worker_and_the_model_is_loaded_when_it_says_so():
    world = World()
    world.ask(requests.Load(id="1", model="alpha"))
    (start,) = world.of(effects.StartWorker)
    assert world.model("alpha").state is ModelState.LOADING
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    model = world.model("alpha")
    assert model.state is ModelState.LOADED
    assert model.active
    assert model.loaded is not None and model.loaded.context_size == 2048


def test_a_waiting_load_is_answered_when_the_model_is_loaded():
    world = World()
    world.ask(requests.Load(id="1", model="alpha", wait=True))
    assert world.replies() == []
    (start,) = world.of(effects.StartWorker)
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Model) and reply.result.model.state is ModelState.LOADED


def test_an_unknown_model_is_named_with_those_that_are_known():
    world = World()
    world.ask(requests.Load(id="1", model="alp"))
    assert world.error().code is ErrorCode.NOT_FOUND
    assert "alpha" in world.error().hint


def test_a_model_that_is_not_on_disk_cannot_be_loaded():
    world = World(on_disk=("alpha",))
    world.ask(requests.Load(id="1", model="beta"))
    assert world.error().code is ErrorCode.NOT_ON_DISK
    assert "pull beta" in world.error().hint


def test_a_killed_worker_leaves_the_model_on_disk_with_its_failure_and_a_later_load_works():
    world = World()
    run = world.load("alpha")
    world.tell(facts.WorkerGone(run=run, exit_code=-11))
    model = world.model("alpha")
    assert model.state is ModelState.ON_DISK
    assert model.failure is not None and model.failure.code is ErrorCode.WORKER_CRASHED
    assert (model.failure.reason, model.failure.fields["signal"]) == ("worker_killed", "SIGSEGV")
    (event,) = world.events(events.ModelChanged)
    assert event.model.failure == model.failure and event.cause == model.failure.note()
    assert world.load("alpha") > run
    assert world.model("alpha").failure is None


@pytest.mark.parametrize(("exit_code", "hinted"), [(-9, True), (-11, False), (1, False)])
def test_memory_is_suspected_only_after_a_sigkill_that_modeld_did_not_send(exit_code: int, hinted: bool):
    world = World()
    run = world.load("alpha")
    world.tell(facts.WorkerGone(run=run, exit_code=exit_code, detail="the last output"))
    failure = world.model("alpha").failure
    assert failure is not None and ("memory" in failure.hint) is hinted


def test_a_file_that_changed_while_it_was_loaded_is_named_and_not_the_memory():
    world = World()
    run = world.load("alpha")
    world.tell(facts.WorkerGone(run=run, exit_code=-signal.SIGBUS, detail="the last output"))
    failure = world.model("alpha").failure
    assert failure is not None and failure.reason == Reason.MODEL_FILE_CHANGED.id
    assert "overwritten" in failure.message and "memory" not in failure.hint


def test_a_request_that_says_nothing_of_its_sampling_leaves_it_to_the_worker():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Generate(id="g", model="alpha", prompt="x"))
    (tell,) = world.of(effects.TellWorker)
    assert tell.run == run and isinstance(tell.order, workers.Answer)
    assert tell.order.sampling == requests.Sampling()


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": 101.0},
        {"top_k": -1},
        {"top_p": 1.1},
        {"min_p": -0.1},
        {"repeat_penalty": 0.0},
        {"repeat_last_n": -2},
    ],
)
def test_a_sampling_value_that_is_said_is_checked(wrong: dict[str, float]):
    world = World()
    world.load("alpha")
    asked = msgspec.convert(wrong, requests.Sampling)
    world.ask(requests.Generate(id="g", model="alpha", prompt="x", sampling=asked))
    assert world.error().code is ErrorCode.BAD_REQUEST


def test_a_failed_load_keeps_the_workers_own_words():
    world = World()
    world.ask(requests.Load(id="1", model="alpha", wait=True))
    (start,) = world.of(effects.StartWorker)
    failure = Failure(code=ErrorCode.LOAD_FAILED, message="unknown architecture")
    world.tell(facts.WorkerSaid(run=start.run, news=workers.LoadFailed(failure=failure)))
    world.tell(facts.WorkerGone(run=start.run, exit_code=1))
    assert world.error() == failure
    assert world.model("alpha").failure == failure


def test_news_of_a_worker_that_has_gone_is_dropped():
    world = World()
    run = world.load("alpha")
    world.tell(facts.WorkerGone(run=run, exit_code=-9))
    assert world.tell(facts.WorkerSaid(run=run, news=READY)) == []


def test_a_waiting_unload_is_answered_when_the_process_has_ended():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Unload(id="u", model="alpha", wait=True))
    assert world.of(effects.StopWorker) == [effects.StopWorker(run=run)]
    assert world.replies() == []
    world.tell(facts.WorkerGone(run=run, exit_code=0))
    (reply,) = world.replies()
    assert reply.ok
    model = world.model("alpha")
    assert model.state is ModelState.ON_DISK and model.failure is None and model.loaded is None


def test_a_worker_ready_that_crossed_the_unload_does_not_load_the_model():
    world = World()
    world.ask(requests.Load(id="1", model="alpha"))
    (start,) = world.of(effects.StartWorker)
    world.ask(requests.Unload(id="2", model="alpha"))
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    assert world.model("alpha").state is ModelState.UNLOADING


def test_the_least_recently_used_model_makes_room_before_the_new_one_starts():
    world = World(
        keys=("alpha", "beta", "gamma"), on_disk=("alpha", "beta", "gamma"), settings=Settings(max_loaded_models=2)
    )
    first = world.load("alpha")
    world.tell(facts.Ticked(), after_s=10)
    world.load("beta")
    world.ask(requests.Load(id="3", model="gamma"))
    assert world.of(effects.StopWorker) == [effects.StopWorker(run=first)]
    assert world.of(effects.StartWorker) == []
    causes = [event.cause for event in world.events(events.ModelChanged) if event.cause is not None]
    assert [(cause.reason, cause.fields["key"]) for cause in causes] == [("makes_room", "gamma")]
    world.tell(facts.WorkerGone(run=first, exit_code=0))
    (start,) = world.of(effects.StartWorker)
    assert start.order.model == "gamma"


def test_a_pinned_model_is_never_unloaded_for_another():
    world = World(settings=Settings(max_loaded_models=1))
    world.load("alpha")
    world.ask(requests.Pin(id="p", model="alpha"))
    world.ask(requests.Load(id="2", model="beta"))
    assert world.error() == Reason.TOO_MANY_LOADED.failure(key="beta", limit=1, names="alpha")
    assert world.model("alpha").state is ModelState.LOADED


def test_a_model_that_does_not_fit_is_refused_with_the_numbers():
    world = World()
    world.tell(facts.Sampled(system=views.SystemView(memory_total=GIB, memory_available=1024), workers={}))
    world.ask(requests.Load(id="1", model="alpha", wait=True))
    failure = world.error()
    assert failure.code is ErrorCode.NOT_ENOUGH_MEMORY
    assert "0 MiB are available" in failure.message


def test_an_idle_model_is_unloaded_after_its_time_to_live_and_a_pinned_one_stays():
    world = World(settings=Settings(idle_unload_s=60))
    world.load("alpha")
    world.load("beta")
    world.ask(requests.Pin(id="p", model="beta"))
    world.tell(facts.Ticked(), after_s=61)
    assert world.model("alpha").state is ModelState.UNLOADING
    assert world.model("beta").state is ModelState.LOADED
    changes = [(event.cause, event.reason) for event in world.events(events.ModelChanged)]
    assert (Reason.IDLE.note(seconds=61), "not used for 61 s") in changes


def test_the_removal_of_a_loaded_model_is_refused_with_the_reason():
    world = World()
    world.load("alpha")
    world.ask(requests.Remove(id="r", model="alpha"))
    assert world.error().code is ErrorCode.IN_USE
    assert "unload alpha" in world.error().hint


def test_a_removed_model_is_forgotten_once_its_files_are_gone():
    world = World()
    world.ask(requests.Remove(id="r", model="alpha"))
    (effect,) = world.of(effects.RemoveFiles)
    assert world.replies() == []
    world.tell(facts.FileRemoved(model="alpha", ticket=effect.ticket))
    assert world.events(events.ModelRemoved)[0].model == "alpha"
    assert world.replies()[0].ok


def test_a_model_whose_file_cannot_be_deleted_stays():
    world = World()
    world.ask(requests.Remove(id="r", model="alpha"))
    (effect,) = world.of(effects.RemoveFiles)
    failure = Failure(code=ErrorCode.UNWRITABLE, message="no")
    world.tell(facts.FileRemoved(model="alpha", ticket=effect.ticket, failure=failure))
    assert world.error() == failure
    assert world.model("alpha").state is ModelState.ON_DISK


def test_keep_file_forgets_the_model_and_deletes_nothing():
    world = World()
    world.ask(requests.Remove(id="r", model="alpha", keep_file=True))
    assert world.of(effects.RemoveFiles) == []
    assert world.of(effects.ForgetModel) == [effects.ForgetModel(model="alpha")]


def test_a_file_in_place_is_looked_at_before_the_add_is_answered():
    world = World()
    world.ask(requests.Add(id="a", model="mine", source="/there/m.gguf"))
    (inspect,) = world.of(effects.Inspect)
    assert inspect.path == "/there/m.gguf" and world.replies() == []
    world.tell(facts.FileInspected(model="mine", path=inspect.path, ticket=inspect.ticket))
    assert world.error().code is ErrorCode.NOT_FOUND
    assert all(model.key != "mine" for model in world.snapshot().models)


def test_a_key_that_could_be_a_path_is_refused():
    world = World()
    world.ask(requests.Add(id="a", model="../x", source="/there/m.gguf"))
    assert world.error().code is ErrorCode.BAD_REQUEST


def test_the_same_key_again_gets_the_first_answer_and_does_nothing_twice():
    world = World()
    world.ask(requests.Load(id="1", model="alpha", key="k", wait=True))
    (start,) = world.of(effects.StartWorker)
    world.ask(requests.Load(id="2", model="alpha", key="k", wait=True), client=b"other")
    assert world.effects == []
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    assert sorted(reply.id for reply in world.replies()) == ["1", "2"]
    world.ask(requests.Load(id="3", model="alpha", key="k", wait=True))
    (reply,) = world.replies()
    assert reply.id == "3" and reply.ok


def test_a_key_that_came_with_another_request_is_refused_and_keeps_its_first_answer():
    world = World()
    pinned = requests.Pin(id="1", model="alpha", key="k")
    world.ask(pinned)
    for other in (
        requests.Unload(id="2", model="alpha", key="k"),
        requests.Pin(id="3", model="beta", key="k"),
        requests.Pin(id="4", model="alpha", pinned=False, key="k"),
    ):
        world.ask(other)
        assert world.error().reason == Reason.KEY_USED_OTHERWISE.id
        assert world.error().fields == {"key": "k", "op": "pin"}
    world.ask(msgspec.structs.replace(pinned, id="5"))
    (reply,) = world.replies()
    assert reply.id == "5" and reply.ok


def test_remembered_answers_take_a_limited_number_of_bytes():
    world = World()
    run = world.load("alpha")
    ask = requests.Generate(id="g", key="large", model="alpha", prompt="hi")
    text = "x" * (outbox.REMEMBERED_BYTES // 2)
    for key in ("large", "second", "third"):
        world.ask(msgspec.structs.replace(ask, key=key))
        (tell,) = world.of(effects.TellWorker)
        news = workers.Answered(task=tell.order.task, generation=generation(text))
        world.tell(facts.WorkerSaid(run=run, news=news))
    world.ask(msgspec.structs.replace(ask, key="third"))
    assert world.of(effects.Send) and not world.of(effects.TellWorker)
    world.ask(ask)
    assert world.of(effects.TellWorker), "the oldest answer was still remembered"


def test_a_job_that_is_forgotten_has_an_event():
    world = World(on_disk=())
    jobs: list[str] = []
    for number in range(views.REMEMBERED_JOBS + 1):
        world.ask(requests.Pull(id=f"p{number}", model="alpha"))
        (start,) = world.of(effects.StartPull)
        world.ask(requests.Cancel(id="x", job=start.job))
        world.tell(facts.PullStopped(job=start.job, run=start.run))
        jobs.append(start.job)
    (removed,) = world.events(events.JobRemoved)
    assert (removed.job, removed.model) == (jobs[0], "alpha")
    assert jobs[0] not in [job.id for job in world.snapshot().jobs]


def test_a_long_text_in_a_backup_is_refused_for_its_model_alone():
    world = World()
    fine = views.AddedModel(key="fine", source="https://example.org/fine.gguf")
    long = views.AddedModel(key="long", source="https://example.org/long.gguf", description="x" * 4_097)
    world.ask(requests.Restore(id="r", models=[long, fine]))
    (save,) = world.of(effects.SaveBackup)
    assert [spec.key for spec in save.models] == ["fine"]
    world.tell(facts.BackupSaved(ticket=save.ticket))
    restored = world.replies()[0].result
    assert isinstance(restored, replies.Restored)
    (refusal,) = restored.refusals
    assert isinstance(refusal.fields["why"], Note) and refusal.fields["why"].fields == {
        "field": "description",
        "size": 4_097,
        "limit": 4_096,
    }


def test_the_daemon_has_finished_only_when_the_last_worker_is_gone():
    world = World()
    run = world.load("alpha")
    world.tell(facts.StopAsked())
    assert not world.manager.finished
    world.tell(facts.WorkerGone(run=run, exit_code=0))
    assert world.manager.finished
    assert len(world.events(events.DaemonStopping)) == 1


def test_events_are_numbered_without_a_hole_and_a_heartbeat_takes_no_number():
    world = World()
    before = world.snapshot().seq
    world.ask(requests.Load(id="1", model="alpha"))
    numbers = [effect.event.seq for effect in world.of(effects.Publish)]
    assert numbers == list(range(before + 1, before + 1 + len(numbers)))
    world.tell(facts.Ticked())
    (beat,) = world.events(events.Heartbeat)
    assert beat.seq == numbers[-1]


def test_another_version_of_the_protocol_is_refused():
    world = World()
    world.ask(requests.Ping(id="1", v=2))
    assert world.error().code is ErrorCode.UNSUPPORTED_VERSION


def test_generations_queue_and_each_gets_its_own_answer():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Generate(id="g1", model="alpha", prompt="a"), client=b"one")
    (first,) = world.of(effects.TellWorker)
    world.ask(requests.Generate(id="g2", model="alpha", prompt="b"), client=b"two")
    assert world.of(effects.TellWorker) == []
    assert world.model("alpha").state is ModelState.BUSY
    world.tell(facts.WorkerSaid(run=run, news=workers.Answered(task=first.order.task, generation=generation("A"))))
    (send,) = world.of(effects.Send)
    assert send.client == b"one" and send.reply.id == "g1"
    (second,) = world.of(effects.TellWorker)
    world.tell(facts.WorkerSaid(run=run, news=workers.Answered(task=second.order.task, generation=generation("B"))))
    assert world.of(effects.Send)[0].client == b"two"
    assert world.model("alpha").state is ModelState.LOADED


def test_a_generation_loads_the_model_if_needed():
    world = World()
    world.ask(requests.Generate(id="g", model="alpha", prompt="a"))
    (start,) = world.of(effects.StartWorker)
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    assert len(world.of(effects.TellWorker)) == 1


def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers_and_an_event():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Generate(id="g", model="alpha", prompt="a"))
    (tell,) = world.of(effects.TellWorker)
    world.tell(
        facts.WorkerSaid(run=run, news=workers.Refused(task=tell.order.task, prompt_tokens=3000, context_size=2048))
    )
    failure = world.error()
    assert failure.code is ErrorCode.CONTEXT_OVERFLOW
    assert "3000" in failure.message and "2048" in failure.message
    assert world.events(events.ContextRefused)[0].prompt_tokens == 3000


def test_context_events_come_at_most_ten_a_second():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Generate(id="g", model="alpha", prompt="a", stream=True))
    (tell,) = world.of(effects.TellWorker)
    told = 0
    for number in range(100):
        news = workers.Piece(task=tell.order.task, text="x", completion_tokens=number, context_used=number)
        world.tell(facts.WorkerSaid(run=run, news=news), after_s=0.01)
        told += len(world.events(events.ContextUsed))
        assert len(world.replies()) == 1
    assert 9 <= told <= 11


def test_a_client_that_goes_away_cancels_its_generations_only():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Generate(id="g1", model="alpha", prompt="a"), client=b"one")
    (tell,) = world.of(effects.TellWorker)
    world.ask(requests.Generate(id="g2", model="alpha", prompt="b"), client=b"two")
    world.tell(facts.ClientGone(client=b"one"))
    assert world.of(effects.TellWorker) == [effects.TellWorker(run=run, order=workers.Stop(task=tell.order.task))]
    world.tell(facts.WorkerSaid(run=run, news=workers.Answered(task=tell.order.task, generation=generation())))
    assert isinstance(world.of(effects.TellWorker)[0].order, workers.Answer)


def test_a_crash_fails_the_running_and_the_waiting_generations():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Generate(id="g1", model="alpha", prompt="a"))
    world.ask(requests.Generate(id="g2", model="alpha", prompt="b"))
    world.tell(facts.WorkerGone(run=run, exit_code=-11))
    assert [reply.id for reply in world.replies()] == ["g1", "g2"]
    assert all(isinstance(reply.error, Failure) and "SIGSEGV" in reply.error.message for reply in world.replies())


def test_a_request_that_comes_while_the_model_unloads_gets_a_new_worker():
    world = World()
    run = world.load("alpha")
    world.ask(requests.Unload(id="u", model="alpha"))
    world.ask(requests.Generate(id="g", model="alpha", prompt="a"))
    world.tell(facts.WorkerGone(run=run, exit_code=0))
    (start,) = world.of(effects.StartWorker)
    assert start.run > run
    assert world.replies() == []


def test_a_request_that_names_no_model_means_the_default_one():
    world = World(settings=Settings(default_model="beta"))
    world.ask(requests.Generate(id="g", model="", prompt="a"))
    (start,) = world.of(effects.StartWorker)
    assert start.order.model == "beta"


def test_use_gpu_off_really_means_no_layers():
    world = World(settings=Settings(use_gpu=False, gpu_layers=-1))
    world.ask(requests.Load(id="1", model="alpha"))
    (start,) = world.of(effects.StartWorker)
    assert start.order.gpu_layers == 0


def test_a_load_reports_each_option_that_was_not_applied():
    world = World()
    wanted = requests.Load(id="1", model="alpha", context_size=9000, threads=3, gpu_layers=12, wait=True)
    world.ask(wanted)
    (start,) = world.of(effects.StartWorker)
    world.tell(facts.WorkerSaid(run=start.run, news=workers.Hello(pid=1)))
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    expected = [
        Reason.CONTEXT_NOT_APPLIED.note(key="alpha", context_size=2048, wanted=9000),
        Reason.THREADS_NOT_APPLIED.note(key="alpha", threads=2, wanted=3),
        Reason.GPU_NOT_USED.note(key="alpha"),
    ]
    assert notes_of(world) == expected
    world.ask(msgspec.structs.replace(wanted, id="2"))
    assert notes_of(world) == [*expected, Reason.UNLOAD_TO_CHANGE.note()]
    world.ask(requests.Load(id="3", model="alpha", context_size=2048, threads=2, gpu_layers=0))
    assert notes_of(world) == []


def notes_of(world: World) -> list[Note]:
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Model)
    return reply.result.notes
