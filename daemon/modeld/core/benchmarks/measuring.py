"""Benchmarks: one at a time, so that none disturbs another; the model is loaded for it if needed."""

from dataclasses import dataclass

import msgspec

from modeld.core.benchmarks import stats
from modeld.core.effects import ReadRuns, SaveRun
from modeld.core.facts import RunsRead
from modeld.core.models import kinds
from modeld.core.serving.loading import Loader
from modeld.core.serving.tasks import Tasks
from modeld.core.state.jobs import Job, JobFact
from modeld.core.state.model import Model
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Task, Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import events, replies, requests, workers
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import HAS_FILE, IN_MEMORY, JobKind, JobState
from modeld.protocol.views import BenchmarkAverage, BenchmarkResult, History, Progress

PROMPT = "Explain quantum computing in simple terms. Focus on the key principles and practical applications."
"""The standard prompt, the same for every model and for ever."""

MAX_REPETITIONS = 100
MAX_HISTORY = 10_000


@dataclass(frozen=True)
class Batch:
    """A client that waits for the end of several jobs."""

    ticket: Ticket
    jobs: tuple[Job, ...]


class Measurement(Task):
    """The measurement of benchmark ``job``."""

    def __init__(self, order: workers.Measure, job: Job, benchmarks: "Benchmarks") -> None:
        super().__init__(order)
        self.job = job
        self._benchmarks = benchmarks

    @property
    def owner(self) -> Job:
        """The job that it belongs to."""
        return self.job

    def fail(self, failure: Failure) -> None:
        """Fail the job."""
        self._benchmarks.fail(self.job, failure)


class Benchmarks(Tracked):
    """The benchmark jobs and their results."""

    def __init__(self, state: State, outbox: Outbox, loader: Loader, tasks: Tasks) -> None:
        self._state, self._outbox = state, outbox
        self._loader = loader
        self._tasks = tasks
        self._loaded_for_it: set[str] = set()
        self._batches: list[Batch] = []
        self._starting = False

    def ask(self, ticket: Ticket, request: requests.Benchmark) -> None:
        """Queue benchmarks, one job for each model."""
        state, outbox = self._state, self._outbox
        if not 1 <= request.repetitions <= MAX_REPETITIONS or not 2 <= request.max_tokens <= 4096:
            outbox.refuse(ticket, Reason.BENCHMARK_OPTIONS_INVALID, most=MAX_REPETITIONS)
            return
        keys = list(dict.fromkeys(request.models))
        if request.all and not keys:
            here = [model for model in state.models.values() if model.state in HAS_FILE]
            usable = (model.key for model in here if kinds.refusal(model.header) is None)
            keys = [key for key in usable if key not in state.removing]
        if not keys:
            outbox.refuse(ticket, Reason.NOTHING_TO_BENCHMARK)
            return
        for key in keys:
            model = state.find(key)
            if isinstance(model, Failure):
                outbox.answer(ticket, model)
                return
            if not self._loader.is_usable(ticket, model):
                return
        jobs = [self._queue(key, request) for key in keys]
        if request.wait:
            self._batches.append(Batch(ticket, tuple(jobs)))
        else:
            outbox.answer(ticket, replies.Jobs(jobs=[job.view() for job in jobs]))
        self.start_next()

    def _queue(self, key: str, request: requests.Benchmark) -> Job:
        state, outbox = self._state, self._outbox
        job = Job(
            id=next(state.ids),
            kind=JobKind.BENCHMARK,
            model=key,
            created_at=state.at,
            repetitions=request.repetitions,
            max_tokens=request.max_tokens,
        )
        state.jobs[job.id] = job
        outbox.publish_job(job)
        return job

    def queue_scheduled(self, key: str) -> None:
        """Queue a scheduled benchmark with default options."""
        self._queue(key, requests.Benchmark(id="", models=[key]))
        self.start_next()

    def start_next(self) -> None:
        """Start the oldest queued benchmark if none runs."""
        if self._starting:  # one that could not be started has failed; the loop below goes on with the next one
            return
        self._starting = True
        for job in self._unended():
            if self._state.stopping or any(other.state is JobState.RUNNING for other in self._unended()):
                break
            if job.state is JobState.QUEUED:
                self._start(job)
        self._starting = False

    def _start(self, job: Job) -> None:
        state, outbox = self._state, self._outbox
        model = state.models.get(job.model)
        job.move(JobFact.STARTED)
        job.started_at = state.at
        outbox.publish_job(job)
        if model is None or model.state not in HAS_FILE:
            self.fail(job, Reason.BENCHMARK_FILE_GONE.failure(key=job.model))
            return
        if model.state not in IN_MEMORY:
            self._loaded_for_it.add(model.key)
        order = workers.Measure(
            task=state.next_task(), prompt=PROMPT, max_tokens=job.max_tokens, repetitions=job.repetitions
        )
        self._tasks.enqueue(model, Measurement(order, job, self))

    def progressed(self, model: Model, news: workers.MeasureProgress) -> None:
        """A step ended."""
        job = self._job(model, news.task)
        if job is not None:
            job.progress = Progress(
                done=news.step,
                total=news.steps,
                percent=100.0 * news.step / news.steps if news.steps else None,
                rate=news.tokens_per_second,
                phase=news.phase,
            )
            self._outbox.publish(events.JobProgress(job=job.id, kind=job.kind, model=job.model, progress=job.progress))

    def measured(self, model: Model, news: workers.Measured) -> None:
        """A benchmark ended: keep its run, unless the numbers are impossible."""
        job = self._job(model, news.task)
        if job is None:
            return
        wrong = stats.implausible(news.run.result)
        if wrong is not None:
            self._tasks.fail(model, news.task, Reason.BENCHMARK_IMPLAUSIBLE.failure(why=wrong))
            return
        load_s = model.loaded.load_s if model.loaded else 0.0
        run = msgspec.structs.replace(news.run, id=job.id, load_s=load_s)
        self._outbox.do(SaveRun(run=run))
        model.latest = run.result
        model.average = _with(model.average, run.result)
        job.benchmark = run
        job.move(JobFact.FINISHED)
        self._tasks.end(model)
        self._end(job)
        self._unload_unneeded(model)
        self.start_next()

    def fail(self, job: Job, failure: Failure) -> None:
        """A running benchmark cannot be finished; when the daemon stops it stays queued for the next daemon."""
        if job.state is not JobState.RUNNING:
            return
        if self._state.stopping:
            job.move(JobFact.INTERRUPTED)
            self._outbox.publish_job(job)
            return
        job.failure = failure
        job.move(JobFact.DROPPED if job.stopping else JobFact.BROKE)
        self._loaded_for_it.discard(job.model)
        self._end(job)
        self.start_next()

    def _end(self, job: Job) -> None:
        """A job reached its final state; the last of a batch answers the client that waits for all of them."""
        self._outbox.end_job(job)
        self._answer_batches()

    def _answer_batches(self) -> None:
        for batch in [batch for batch in self._batches if all(job.ended for job in batch.jobs)]:
            self._batches.remove(batch)
            self._outbox.answer(batch.ticket, replies.Jobs(jobs=[job.view() for job in batch.jobs]))

    def ticked(self) -> None:
        """Go on with whatever a fact that could not be handled has left."""
        self._answer_batches()
        self.start_next()

    def _unload_unneeded(self, model: Model) -> None:
        """Unload a model that was loaded for its benchmark only, unless it has other tasks or is pinned."""
        if model.key in self._loaded_for_it and not model.tasks and not model.spec.pinned:
            self._loader.unload(model, Reason.BENCHMARK_DONE.note())
        self._loaded_for_it.discard(model.key)

    def cancel(self, ticket: Ticket, job: Job) -> None:
        """Drop a benchmark; a running one ends with its current step."""
        state, outbox = self._state, self._outbox
        job.stopping = True
        if job.state is not JobState.RUNNING:
            job.failure = Reason.BENCHMARK_CANCELLED.failure(key=job.model)
            job.move(JobFact.DROPPED)
            self._end(job)
            outbox.answer(ticket, replies.Jobs(jobs=[job.view()]))
            return
        outbox.answer(ticket, replies.Jobs(jobs=[job.view()]))
        model = state.models[job.model]
        if isinstance(model.current, Measurement) and model.current.job is job:
            self._tasks.stop(model)
            return
        for task in [task for task in model.tasks if isinstance(task, Measurement) and task.job is job]:
            self._tasks.withdraw(model, task)
        self.fail(job, Reason.BENCHMARK_CANCELLED.failure(key=job.model))

    # -- results ---------------------------------------------------------------------------------------

    def results(self, ticket: Ticket, request: requests.Results) -> None:
        """Answer with a model's history, once the store has read it."""
        model = self._state.find(request.model)
        if isinstance(model, Failure):
            self._outbox.answer(ticket, model)
            return
        if not 1 <= request.limit <= MAX_HISTORY:
            self._outbox.refuse(ticket, Reason.HISTORY_LIMIT_INVALID, most=MAX_HISTORY)
            return
        self._outbox.do(ReadRuns(model=model.key, limit=request.limit, ticket=ticket))

    def read(self, fact: RunsRead) -> None:
        """The history was read, or could not be."""
        if fact.failure is not None:
            self._outbox.answer(fact.ticket, fact.failure)
            return
        model = self._state.models.get(fact.model)
        change = stats.change(fact.runs[-2], fact.runs[-1]) if len(fact.runs) > 1 else None
        history = History(
            model=fact.model, runs=fact.runs, average=model.average if model is not None else None, change=change
        )
        self._outbox.answer(fact.ticket, replies.History(history=history))

    def compare(self, ticket: Ticket, request: requests.Compare) -> None:
        """Answer with the newest results side by side."""
        models = []
        for key in request.models:
            model = self._state.find(key)
            if isinstance(model, Failure):
                self._outbox.answer(ticket, model)
                return
            models.append(model)
        chosen = models or list(self._state.models.values())
        comparison = stats.compare([model.latest for model in chosen if model.latest is not None])
        self._outbox.answer(ticket, replies.Comparison(comparison=comparison))

    def _job(self, model: Model, number: int) -> Job | None:
        """The job that a worker's message is about."""
        task = self._tasks.current(model, number)
        return task.job if isinstance(task, Measurement) else None

    def _unended(self) -> list[Job]:
        return [job for job in self._state.jobs.values() if job.kind is JobKind.BENCHMARK and not job.ended]


def _with(average: BenchmarkAverage | None, result: BenchmarkResult) -> BenchmarkAverage:
    """The average with one more result."""
    n = average.runs if average else 0
    old = average or BenchmarkAverage(
        runs=0, avg_tokens_per_second=0.0, avg_inference_time=0.0, avg_memory_usage_mb=0.0
    )

    def mean(before: float, value: float) -> float:
        return (before * n + value) / (n + 1)

    return BenchmarkAverage(
        runs=n + 1,
        avg_tokens_per_second=mean(old.avg_tokens_per_second, result.tokens_per_second),
        avg_inference_time=mean(old.avg_inference_time, result.inference_time),
        avg_memory_usage_mb=mean(old.avg_memory_usage_mb, result.memory_usage_mb),
    )
