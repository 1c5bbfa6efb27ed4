"""Downloads and benchmarks, as the manager decides about them."""

import msgspec
import pytest
from modeld.core import effects, facts
from modeld.core.benchmarks.measuring import PROMPT
from modeld.core.state.jobs import TABLE, Job, JobFact
from modeld.core.state.table import ImpossibleMoveError
from modeld.protocol import events, replies, requests, views, workers
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import FINAL, JobKind, JobState, ModelState, Phase
from modeld.settings import Settings
from support.manager_world import GIB, HEADER, READY, World, run


def absent(**more: object) -> World:
    return World(on_disk=(), **more)  # type: ignore[arg-type]  # the World's own keyword arguments


def finished(start: effects.StartPull, already_there: bool = False) -> facts.PullFinished:
    return facts.PullFinished(
        job=start.job,
        run=start.run,
        path="/models/alpha.gguf",
        header=HEADER,
        sha256="a" * 64,
        verified=True,
        already_there=already_there,
    )


def ends(world: World) -> list[events.JobChanged]:
    return [event for event in world.events(events.JobChanged) if event.job.state in FINAL]


def test_a_pull_runs_and_the_model_is_on_disk_when_the_file_is():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    assert start.url == "https://example.org/alpha.gguf"
    assert world.model("alpha").state is ModelState.DOWNLOADING
    world.tell(finished(start))
    assert world.model("alpha").state is ModelState.ON_DISK
    assert world.model("alpha").verified
    assert len(ends(world)) == 1 and ends(world)[0].job.state is JobState.DONE


def test_a_second_pull_of_the_same_model_joins_the_first():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha", wait=True))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pull(id="2", model="alpha", wait=True))
    assert world.of(effects.StartPull) == []
    world.tell(finished(start))
    assert sorted(reply.id for reply in world.replies()) == ["1", "2"]


def test_a_file_that_is_there_already_ends_at_once_as_success():
    world = World()
    world.ask(requests.Pull(id="1", model="alpha", wait=True))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Jobs)
    (job,) = reply.result.jobs
    assert job.state is JobState.DONE and job.already_there and job.progress.percent == 100.0


def test_only_so_many_downloads_run_at_once_and_the_next_starts_when_one_ends():
    world = absent(keys=("alpha", "beta", "gamma"), settings=Settings(max_downloads=2))
    starts = []
    for key in ("alpha", "beta", "gamma"):
        world.ask(requests.Pull(id=key, model=key))
        starts += world.of(effects.StartPull)
    assert len(starts) == 2
    world.tell(finished(starts[0]))
    assert len(world.of(effects.StartPull)) == 1


def test_a_running_download_is_paused_when_it_has_stopped_and_the_next_one_starts():
    world = absent(settings=Settings(max_downloads=1))
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pull(id="2", model="beta"))
    world.ask(requests.Pause(id="3", model="alpha"))
    assert world.of(effects.StopPull) == [effects.StopPull(job=start.job, keep=True)] and world.replies() == []
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    (reply,) = world.replies()
    assert reply.id == "3" and isinstance(reply.result, replies.Jobs)
    assert [job.state for job in reply.result.jobs] == [JobState.PAUSED]
    assert world.model("alpha").state is ModelState.ABSENT
    assert [effect.url for effect in world.of(effects.StartPull)] == ["https://example.org/beta.gguf"]


def test_pause_without_a_name_holds_all_downloads_and_resume_lets_them_go_on_in_their_order():
    world = absent(keys=("alpha", "beta"), settings=Settings(max_downloads=1))
    for key in ("alpha", "beta"):
        world.ask(requests.Pull(id=key, model=key))
        if key == "alpha":
            (start,) = world.of(effects.StartPull)
    world.ask(requests.Pause(id="p"))
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    assert {job.state for job in world.snapshot().jobs} == {JobState.PAUSED}
    assert world.of(effects.StartPull) == []
    world.ask(requests.Resume(id="r"))
    assert [effect.url for effect in world.of(effects.StartPull)] == ["https://example.org/alpha.gguf"]
    assert [job.state for job in world.snapshot().jobs] == [JobState.RUNNING, JobState.QUEUED]


def test_a_pause_that_is_undone_before_the_download_stopped_lets_it_go_on():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pause(id="2"))
    world.ask(requests.Resume(id="3"))
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    (again,) = world.of(effects.StartPull)
    assert again.job == start.job and again.run > start.run
    assert world.job(start.job).state is JobState.RUNNING


def test_pulling_a_paused_download_lets_it_go_on():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pause(id="2"))
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    world.ask(requests.Pull(id="3", model="alpha"))
    assert [effect.job for effect in world.of(effects.StartPull)] == [start.job]


def test_a_download_that_ends_while_it_is_being_paused_answers_the_pause():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pause(id="2"))
    world.tell(finished(start))
    (reply,) = world.replies()
    assert reply.id == "2" and isinstance(reply.result, replies.Jobs) and reply.result.jobs[0].state is JobState.DONE


def test_a_paused_download_that_is_cancelled_without_keeping_leaves_no_partial_file():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Pause(id="2"))
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    world.ask(requests.Cancel(id="3", job=start.job, keep=False))
    assert world.of(effects.DropPartial) == [effects.DropPartial(file_names=["alpha.gguf"])]
    assert world.job(start.job).state is JobState.CANCELLED


def test_what_is_paused_stays_paused_over_a_restart():
    held = views.JobView(id="j", kind=JobKind.PULL, model="alpha", state=JobState.PAUSED, created_at="")
    world = absent(jobs=(held,))
    assert world.job("j").state is JobState.PAUSED and world.of(effects.StartPull) == []


@pytest.mark.parametrize("kind", [requests.Pause, requests.Resume])
def test_a_pause_or_resume_of_what_is_not_there_is_refused(kind: type[requests.Pause] | type[requests.Resume]):
    world = absent()
    world.ask(kind(id="1", model="alpha"))
    assert world.error().code is ErrorCode.NOT_FOUND
    world.ask(requests.Pull(id="2", model="alpha"))
    world.ask(kind(id="3", model="alpha", job="j"))
    assert world.error().code is ErrorCode.BAD_REQUEST


def test_a_download_that_is_moved_to_the_front_is_the_next_to_run():
    world = absent(keys=("alpha", "beta", "gamma"), settings=Settings(max_downloads=1))
    for key in ("alpha", "beta", "gamma"):
        world.ask(requests.Pull(id=key, model=key))
        if key == "alpha":
            (start,) = world.of(effects.StartPull)
    world.ask(requests.Move(id="m", model="gamma", place=1))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Jobs)
    assert [job.model for job in reply.result.jobs] == ["gamma", "alpha", "beta"]
    assert {event.job.model for event in world.events(events.JobChanged)} == {"alpha", "beta", "gamma"}
    world.tell(finished(start))
    assert [effect.url for effect in world.of(effects.StartPull)] == ["https://example.org/gamma.gguf"]


def test_a_place_behind_the_last_is_the_last_and_a_place_before_the_first_is_refused():
    world = absent()
    for key in ("alpha", "beta"):
        world.ask(requests.Pull(id=key, model=key))
    world.ask(requests.Move(id="1", model="alpha", place=99))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Jobs)
    assert [(job.model, job.rank) for job in reply.result.jobs] == [("beta", 1), ("alpha", 2)]
    world.ask(requests.Move(id="2", model="alpha", place=0))
    assert world.error().code is ErrorCode.BAD_REQUEST
    world.ask(requests.Move(id="3", place=1))
    assert world.error().code is ErrorCode.BAD_REQUEST


def test_the_order_of_the_queue_outlives_the_daemon():
    views_ = [
        views.JobView(id=key, kind=JobKind.PULL, model=key, state=JobState.QUEUED, created_at="", rank=rank)
        for rank, key in ((2, "alpha"), (1, "beta"))
    ]
    world = absent(jobs=tuple(views_), settings=Settings(max_downloads=1))
    assert [effect.url for effect in world.of(effects.StartPull)] == ["https://example.org/beta.gguf"]


def test_a_bound_is_set_for_one_download_or_for_all_and_everyone_is_told():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Limit(id="2", model="alpha", bytes_per_s=1000))
    assert world.of(effects.LimitPulls) == [effects.LimitPulls(bytes_per_s=0, jobs={start.job: 1000})]
    assert world.job(start.job).limit == 1000
    world.ask(requests.Limit(id="3", bytes_per_s=5000))
    assert world.of(effects.LimitPulls) == [effects.LimitPulls(bytes_per_s=5000, jobs={start.job: 1000})]
    assert [event.daemon.download_limit for event in world.events(events.DaemonChanged)] == [5000]
    world.ask(requests.Limit(id="4", bytes_per_s=-1))
    assert world.error().code is ErrorCode.BAD_REQUEST


def test_a_full_disk_holds_the_download_says_so_and_the_same_call_lets_it_go_on():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha", wait=True))
    (start,) = world.of(effects.StartPull)
    full = Failure(code=ErrorCode.DISK_FULL, message="The disk is full.", hint="Make room.")
    world.tell(facts.PullBroke(job=start.job, run=start.run, failure=full))
    assert world.error() == full
    held = world.job(start.job)
    assert held.state is JobState.PAUSED and held.failure == full and world.of(effects.DropPartial) == []
    world.ask(requests.Pull(id="2", model="alpha"))
    (again,) = world.of(effects.StartPull)
    assert again.job == start.job and world.job(start.job).failure is None


def test_what_a_download_waits_for_is_shown_and_gone_when_it_goes_on():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    fact = facts.PullAdvanced(job=start.job, run=start.run, done_bytes=5, total_bytes=10, phase=Phase.DOWNLOADING)
    cause = Reason.SERVER_ANSWERS.note(status=503)
    waits = msgspec.structs.replace(fact, phase=Phase.WAITING_TO_RETRY, retries=2, retry_in_s=4.0, cause=cause)
    world.tell(waits, after_s=1)
    progress = world.job(start.job).progress
    assert (progress.retries, progress.retry_in_s, progress.percent) == (2, 4.0, 50.0)
    assert (progress.cause, progress.trouble) == (cause, cause.message)
    world.tell(msgspec.structs.replace(fact, retries=2, connections=3), after_s=1)
    progress = world.job(start.job).progress
    assert (progress.connections, progress.retry_in_s, progress.cause, progress.trouble) == (3, None, None, "")


def test_progress_carries_speed_percent_and_time_left():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    for step in range(1, 11):
        fact = facts.PullAdvanced(
            job=start.job, run=start.run, done_bytes=step * 1000, total_bytes=100_000, phase=Phase.DOWNLOADING
        )
        world.tell(fact, after_s=0.5)
    (event,) = world.events(events.JobProgress)
    assert event.progress.percent == 10.0
    assert event.progress.rate == pytest.approx(2000, rel=0.2)
    assert event.progress.eta_s == pytest.approx(45, rel=0.2)


def test_a_stall_shows_as_a_stall_with_speed_zero():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    for step in range(1, 5):
        fact = facts.PullAdvanced(
            job=start.job, run=start.run, done_bytes=step * 1000, total_bytes=100_000, phase=Phase.DOWNLOADING
        )
        world.tell(fact, after_s=0.5)
    world.tell(facts.Ticked(), after_s=10)
    (event,) = world.events(events.JobProgress)
    assert event.progress.rate == 0 and event.progress.eta_s is None and event.progress.stalled_since


def test_a_broken_download_says_why_and_can_be_pulled_again():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha", wait=True))
    (start,) = world.of(effects.StartPull)
    failure = Failure(code=ErrorCode.NOT_FOUND, message="404")
    world.tell(facts.PullBroke(job=start.job, run=start.run, failure=failure))
    assert world.error() == failure
    assert world.model("alpha").state is ModelState.ABSENT and world.model("alpha").failure == failure
    world.ask(requests.Pull(id="2", model="alpha"))
    assert len(world.of(effects.StartPull)) == 1


def test_news_of_an_older_run_of_a_download_is_dropped():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    failure = Failure(code=ErrorCode.NOT_FOUND, message="404")
    assert world.tell(facts.PullBroke(job=start.job, run=start.run - 1, failure=failure)) == []


def test_a_cancelled_download_ends_once_when_it_has_stopped():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha", wait=True))
    (start,) = world.of(effects.StartPull)
    world.ask(requests.Cancel(id="c", model="alpha", keep=False))
    assert world.of(effects.StopPull) == [effects.StopPull(job=start.job, keep=False)]
    assert world.replies() == []
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    assert sorted(reply.id for reply in world.replies()) == ["1", "c"]
    assert [event.job.state for event in ends(world)] == [JobState.CANCELLED]
    assert world.model("alpha").state is ModelState.ABSENT


def test_a_stop_of_the_daemon_queues_the_download_again_for_the_next_one():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    (start,) = world.of(effects.StartPull)
    world.tell(facts.StopAsked())
    assert world.of(effects.StopPull) == [effects.StopPull(job=start.job, keep=True)]
    assert not world.manager.finished
    world.tell(facts.PullStopped(job=start.job, run=start.run))
    assert world.manager.finished
    assert world.of(effects.SaveJob)[-1].job.state is JobState.QUEUED


def test_a_download_that_ran_when_the_daemon_was_killed_goes_on():
    job = views.JobView(id="old", kind=JobKind.PULL, model="alpha", state=JobState.RUNNING, created_at="")
    world = absent(jobs=(job,), keys=("alpha",))
    (start,) = world.of(effects.StartPull)
    assert start.job == "old"


def test_a_model_that_is_downloading_is_not_removed():
    world = absent()
    world.ask(requests.Pull(id="1", model="alpha"))
    world.ask(requests.Remove(id="2", model="alpha"))
    assert world.error().code is ErrorCode.IN_USE


def benchmark(world: World, *keys: str) -> effects.TellWorker:
    world.ask(requests.Benchmark(id="b", models=list(keys)))
    (start,) = world.of(effects.StartWorker)
    world.tell(facts.WorkerSaid(run=start.run, news=READY))
    (tell,) = world.of(effects.TellWorker)
    return tell


def test_a_benchmark_loads_the_model_asks_the_standard_prompt_and_unloads_it_again():
    world = World()
    tell = benchmark(world, "alpha")
    assert isinstance(tell.order, workers.Measure)
    assert tell.order.prompt == PROMPT
    assert PROMPT == (
        "Explain quantum computing in simple terms. Focus on the key principles and practical applications."
    )
    world.tell(facts.WorkerSaid(run=tell.run, news=workers.Measured(task=tell.order.task, run=run())))
    (save,) = world.of(effects.SaveRun)
    assert save.run.id == "job1" and save.run.load_s == READY.load_s
    assert world.of(effects.StopWorker) == [effects.StopWorker(run=tell.run)]
    assert [event.job.state for event in ends(world)] == [JobState.DONE]
    assert world.model("alpha").latest is not None


def test_benchmarks_run_one_after_another():
    world = World()
    tell = benchmark(world, "alpha", "beta")
    assert world.job("job2").state is JobState.QUEUED
    world.tell(facts.WorkerSaid(run=tell.run, news=workers.Measured(task=tell.order.task, run=run())))
    assert world.job("job2").state is JobState.RUNNING


def test_implausible_numbers_are_refused_and_not_kept():
    world = World()
    tell = benchmark(world, "alpha")
    world.tell(facts.WorkerSaid(run=tell.run, news=workers.Measured(task=tell.order.task, run=run(speed=float("inf")))))
    assert world.of(effects.SaveRun) == []
    (end,) = ends(world)
    assert end.job.failure is not None and end.job.failure.code is ErrorCode.IMPLAUSIBLE


def test_a_worker_that_dies_in_a_benchmark_fails_the_job_and_the_next_one_goes_on():
    world = World()
    tell = benchmark(world, "alpha", "beta")
    world.tell(facts.WorkerGone(run=tell.run, exit_code=-9))
    assert world.job("job1").state is JobState.FAILED
    assert world.job("job2").state is JobState.RUNNING


def test_a_cancelled_benchmark_is_stopped_in_the_worker():
    world = World()
    tell = benchmark(world, "alpha")
    world.ask(requests.Cancel(id="c", model="alpha"))
    assert world.of(effects.TellWorker) == [effects.TellWorker(run=tell.run, order=workers.Stop(task=tell.order.task))]
    failure = Failure(code=ErrorCode.CANCELLED, message="stopped")
    world.tell(facts.WorkerSaid(run=tell.run, news=workers.TaskFailed(task=tell.order.task, failure=failure)))
    assert [event.job.state for event in ends(world)] == [JobState.CANCELLED]


def test_the_comparison_has_the_fastest_first():
    world = World()
    for key, speed, memory in (("alpha", 10.0, 50.0), ("beta", 20.0, 80.0)):
        tell = benchmark(world, key)
        measured = run(speed, memory)
        result = views.BenchmarkResult(
            **{**{f: getattr(measured.result, f) for f in measured.result.__struct_fields__}, "model_key": key}
        )
        news = workers.Measured(
            task=tell.order.task,
            run=views.BenchmarkRun(
                id="",
                result=result,
                prefill=measured.prefill,
                decode=measured.decode,
                first_token_ms=measured.first_token_ms,
                inference_ms=measured.inference_ms,
            ),
        )
        world.tell(facts.WorkerSaid(run=tell.run, news=news))
        world.tell(facts.WorkerGone(run=tell.run, exit_code=0))
    world.ask(requests.Compare(id="x"))
    (reply,) = world.replies()
    assert isinstance(reply.result, replies.Comparison)
    comparison = reply.result.comparison
    assert [row.model_key for row in comparison.rows] == ["beta", "alpha"]
    assert (comparison.fastest, comparison.most_efficient) == ("beta", "alpha")


def test_a_final_state_is_never_left():
    for state in FINAL:
        for fact in JobFact:
            job = Job(id="j", kind=JobKind.PULL, model="m", created_at="", state=state)
            assert (state, fact) not in TABLE
            with pytest.raises(ImpossibleMoveError):
                job.move(fact)


def test_benchmarks_that_cannot_be_loaded_fail_one_after_the_other_however_many_they_are():
    world = World()
    worker = world.load("beta")
    world.ask(requests.Pin(id="pin", model="beta"))
    world.ask(requests.Benchmark(id="0", models=["beta"]))
    (tell,) = world.of(effects.TellWorker)
    assert isinstance(tell.order, workers.Measure)
    for number in range(1000):
        world.ask(requests.Benchmark(id=f"b{number}", models=["alpha"]))
    world.tell(facts.Sampled(system=views.SystemView(memory_total=GIB, memory_available=1), workers={}))
    world.tell(facts.WorkerSaid(run=worker, news=workers.Measured(task=tell.order.task, run=run())))
    failed = [event.job for event in ends(world) if event.job.model == "alpha"]
    assert len(failed) == 1000 and {job.state for job in failed} == {JobState.FAILED}
