"""All decisions: a fact comes in, the effects that follow go out. Pure: it never waits, reads or writes."""

from collections.abc import Callable, Iterator
from typing import assert_never

import msgspec

from modeld.core import effects, facts
from modeld.core.backups import Backups
from modeld.core.benchmarks.measuring import Benchmarks
from modeld.core.benchmarks.schedule import BenchmarkSchedule
from modeld.core.downloads.lookups import HubLookups
from modeld.core.downloads.queue import Queue
from modeld.core.downloads.scheduler import Scheduler
from modeld.core.downloads.source import is_remote
from modeld.core.machine import Machine
from modeld.core.models.external import ExternalModels
from modeld.core.models.library import Library
from modeld.core.recovery import Recovery, fact_of_failure
from modeld.core.serving.answering import Generations
from modeld.core.serving.deadlines import Deadlines
from modeld.core.serving.loading import Loader
from modeld.core.serving.tasks import Tasks
from modeld.core.state import undo
from modeld.core.state.jobs import Job, JobFact
from modeld.core.state.model import Model, ModelSpec
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.protocol import events, replies, requests, views, workers
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import HAS_FILE, HAS_WORKER, JobKind, JobState
from modeld.protocol.wire import VERSION
from modeld.settings import Settings


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What the store and the catalogue knew when the daemon began."""

    specs: list[ModelSpec]
    jobs: list[views.JobView]
    latest: dict[str, views.BenchmarkResult]
    averages: dict[str, views.BenchmarkAverage]
    unclean: bool = False
    """Whether the daemon before this one had no orderly end."""


class Manager:
    """All decisions of the daemon. ``finished`` is true when nothing is left to wait for after a stop was asked."""

    def __init__(
        self, epoch: str, daemon: views.DaemonView, settings: Settings, ids: Iterator[str], remembered: Remembered
    ) -> None:
        state = self._state = State(epoch, daemon, settings, ids)
        outbox = self._outbox = Outbox(state)
        self._library = Library(state, outbox)
        self._lookups = HubLookups(state, outbox)
        self._external = ExternalModels(state, outbox, self._library)
        self._scheduler = Scheduler(state, outbox, self._lookups)
        self._loader = Loader(state, outbox)
        self._deadlines = Deadlines(state, self._loader)
        self._tasks = Tasks(state, outbox, self._loader)
        self._generations = Generations(state, outbox, self._loader, self._tasks)
        self._benchmarks = Benchmarks(state, outbox, self._loader, self._tasks)
        self._machine = Machine(state, outbox)
        self._schedule = BenchmarkSchedule(state, self._benchmarks)
        self._queue = Queue(state, outbox, self._scheduler)
        self._backups = Backups(state, outbox, self._library)
        self._recovery = Recovery(state, outbox, self._library, self._lookups, self._loader, self._backups)
        self._remembered = remembered
        self._said_goodbye = False
        self._each_second: tuple[Callable[[], None], ...] = (
            outbox.heartbeat,
            self._deadlines.ticked,
            self._loader.ticked,
            self._tasks.ticked,
            self._benchmarks.ticked,
            self._scheduler.ticked,
            self._library.look_for_files,
            self._schedule.ticked,
        )

    @property
    def settled(self) -> bool:
        """Whether every model's file has been looked at, so that answers are true from the first."""
        return not self._library.inspecting

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._state.stopping

    @property
    def finished(self) -> bool:
        """Whether the daemon may end."""
        return self._state.stopping and not self._loader.any_left() and not self._scheduler.any_running()

    def start(self, now: float, clock: float | None = None) -> list[effects.AnyEffect]:
        """Begin with what is remembered; jobs that an earlier daemon was running are queued again."""
        state, outbox = self._state, self._outbox
        state.advance(now, now if clock is None else clock)
        self._library.remember(self._remembered.specs)
        self._loader.remember(self._remembered.unclean)
        for key, model in state.models.items():
            model.latest = self._remembered.latest.get(key)
            model.average = self._remembered.averages.get(key)
        for view in self._remembered.jobs:
            if view.model in state.models:
                self._restore_job(view)
        self._queue.enforce_limits()
        outbox.publish(events.DaemonStarted(daemon=state.daemon))
        return outbox.take_effects()

    def _restore_job(self, view: views.JobView) -> None:
        job = Job(id=view.id, kind=view.kind, model=view.model, created_at=view.created_at, state=view.state)
        job.started_at, job.ended_at, job.progress = view.started_at, view.ended_at, view.progress
        job.failure, job.benchmark, job.already_there = view.failure, view.benchmark, view.already_there
        job.rank, job.limit = view.rank, view.limit
        if view.repetitions:  # an earlier release did not remember it
            job.repetitions, job.max_tokens = view.repetitions, view.max_tokens
        self._state.jobs[job.id] = job
        if job.state is JobState.RUNNING:
            job.move(JobFact.INTERRUPTED)
            self._outbox.publish_job(job)

    def handle(self, fact: facts.AnyFact, now: float, clock: float | None = None) -> list[effects.AnyEffect]:
        """Decide what follows from a fact at ``now`` (seconds since the epoch) and ``clock`` (monotonic seconds).

        It never raises: a bug fails what the fact was about, and leaves everything else as it was.
        """
        self._state.advance(now, now if clock is None else clock)
        match fact:
            case facts.Ticked():
                for step in self._each_second:
                    self._attempt(fact, step)
            case facts.Sampled():
                self._attempt(fact, lambda: self._machine.sampled(fact.system))
                self._attempt(fact, lambda: self._loader.sampled(fact))
                self._attempt(fact, lambda: self._deadlines.sampled(fact))
            case _:
                self._attempt(fact, lambda: self._take(fact))
        if self.finished:
            self._say_goodbye()
        return self._outbox.take_effects()

    def end(self) -> list[effects.AnyEffect]:
        """The daemon ends now, whatever has not stopped: answer every request that still waits."""
        self._say_goodbye()
        return self._outbox.take_effects()

    def _say_goodbye(self) -> None:
        if not self._said_goodbye:
            self._said_goodbye = True
            self._outbox.answer_all(Reason.DAEMON_STOPPING.failure())
            self._outbox.publish(events.DaemonStopping())

    def _attempt(self, fact: facts.AnyFact, step: Callable[[], None]) -> None:
        """Take one step of handling a fact; if it raises, fail what the fact was about."""
        error = self._try(fact, step)
        if error is not None:
            self._try(fact, lambda: self._recovery.give_up(fact, error))

    def _try(self, fact: facts.AnyFact, step: Callable[[], None]) -> Exception | None:
        """Take a step whole or not at all; what it raised has been reported."""
        count = self._outbox.count()
        undo.begin()
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a bug in any part of the core
            undo.roll_back()
            self._outbox.drop_after(count)
            self._recovery.report(fact, error)
            return error
        undo.commit()
        return None

    def _take(self, fact: facts.AnyFact) -> None:
        match fact:
            case facts.Asked(client=client, request=request):
                key = request.key if isinstance(request, requests.Change) else ""
                self._asked(Ticket(client, request.id, key), request)
            case facts.ClientGone(client=client):
                self._generations.cancel(client, None)
                self._outbox.forget(client)
            case facts.FileInspected():
                self._library.inspected(fact)
                if self.settled:
                    self._loader.reload()
                    self._scheduler.start_next()
                    self._benchmarks.start_next()
            case facts.FileRemoved():
                self._library.removed(fact)
            case facts.FilesLookedFor():
                self._library.looked(fact)
            case facts.RepositoryListed() | facts.RemoteRead() | facts.HubSearched() | facts.LookupFailed():
                self._lookups.on_result(fact)
            case facts.ExternalModelsScanned():
                self._external.scanned(fact)
            case facts.PullAdvanced():
                self._scheduler.advanced(fact)
            case facts.PullFinished():
                self._scheduler.finished(fact)
            case facts.PullStopped():
                self._scheduler.stopped(fact)
            case facts.PullBroke():
                self._scheduler.broke(fact)
            case facts.WorkerSaid(run=run, news=news):
                model = self._loader.by_run(run)
                if model is not None:
                    self._deadlines.heard(model, news)
                    self._reported(model, news)
            case facts.WorkerGone():
                self._loader.worker_exited(fact)
            case facts.RunsRead():
                self._benchmarks.read(fact)
            case facts.BackupRead():
                self._backups.on_read(fact)
            case facts.BackupSaved():
                self._backups.saved(fact)
            case facts.SettingsMerged():
                self._backups.settings_merged(fact)
            case facts.Continued(ticket=ticket):
                self._backups.go_on(ticket)
            case facts.SavingFailed(failure=failure):
                self._outbox.show_saving(failure)
            case facts.SavingWorks():
                self._outbox.show_saving(None)
            case facts.WorkFailed():
                self._work_failed(fact)
            case facts.StopAsked():
                self._stop()
            case facts.Ticked() | facts.Sampled():
                raise TypeError("handled in steps")
            case _:
                assert_never(fact)

    def _work_failed(self, fact: facts.WorkFailed) -> None:
        """An adapter raised: fail what the effect was for."""
        failed = fact_of_failure(fact.effect, fact.why)
        if failed is not None:
            self._take(failed)
            return
        match fact.effect:
            case effects.Send(client=client, reply=replies.Reply(id=id_, ok=True, chunk=msgspec.UNSET)):
                self._outbox.reject(Ticket(client, id_), Reason.INTERNAL_ERROR.failure(error=fact.why))
            case effects.TellWorker(run=run):
                self._recovery.end_worker(run, Reason.INTERNAL_ERROR.failure(error=fact.why))
            case (
                effects.ScanExternalModels(ticket=ticket)
                | effects.ReadRuns(ticket=ticket)
                | effects.ReadBackup(ticket=ticket)
            ):
                self._outbox.refuse(ticket, Reason.INTERNAL_ERROR, error=fact.why)

    # -- workers -------------------------------------------------------------------------------------------------

    def _reported(self, model: Model, news: workers.AnyNews) -> None:
        match news:
            case workers.Hello(pid=pid):
                self._loader.hello(model, pid)
            case workers.Alive():
                pass  # the deadlines have heard it
            case workers.Ready():
                self._loader.ready(model, news)
                self._tasks.begin_next(model)
            case workers.LoadFailed():
                self._loader.load_failed(model, news)
            case workers.Piece():
                self._generations.piece(model, news)
            case workers.Answered():
                self._generations.answered(model, news)
            case workers.Refused():
                self._generations.refused(model, news)
            case workers.MeasureProgress():
                self._benchmarks.progressed(model, news)
            case workers.Measured():
                self._benchmarks.measured(model, news)
            case workers.TaskFailed(task=task, failure=failure):
                self._tasks.fail(model, task, failure)
            case _:
                assert_never(news)

    # -- requests ------------------------------------------------------------------------------------------------

    def _asked(self, ticket: Ticket, request: requests.AnyRequest) -> None:
        self._outbox.expect(ticket)
        if request.v != VERSION:
            self._outbox.refuse(ticket, Reason.VERSION_UNSUPPORTED, supported=VERSION, asked=request.v)
            return
        if self._outbox.is_repetition(ticket, request):
            return
        if isinstance(request, requests.Load | requests.Generate | requests.Chat) and not request.model:
            request = msgspec.structs.replace(request, model=self._state.settings.default_model)
        match request:
            case requests.Ping():
                self._pong(ticket)
            case requests.Snapshot():
                self._outbox.answer(ticket, replies.Snapshot(snapshot=self._snapshot()))
            case requests.Status():
                self._status(ticket)
            case requests.List():
                self._outbox.answer(ticket, replies.Models(models=self._models()))
            case requests.Show():
                self._show(ticket, request)
            case requests.Add():
                self._library.add(ticket, request)
            case requests.Remove():
                self._library.remove(ticket, request)
            case requests.Pull():
                self._pull(ticket, request)
            case requests.Jobs(model=key):
                self._jobs(ticket, key)
            case requests.ClearJobs(model=key):
                self._clear_jobs(ticket, key)
            case requests.Cancel():
                self._cancel(ticket, request)
            case requests.Pause():
                self._queue.pause(ticket, request)
            case requests.Resume():
                self._queue.resume(ticket, request)
            case requests.Move():
                self._queue.move(ticket, request)
            case requests.Limit():
                self._queue.limit(ticket, request)
            case requests.Load(model=key):
                if self._is_free(ticket, key):
                    self._loader.load(ticket, request)
            case requests.Unload():
                self._loader.unload_requested(ticket, request)
            case requests.Pin():
                self._library.pin(ticket, request)
            case requests.Generate(model=key) | requests.Chat(model=key):
                if self._is_free(ticket, key):
                    self._generations.ask(ticket, request)
            case requests.Benchmark():
                if all(self._is_free(ticket, key) for key in request.models):
                    self._benchmarks.ask(ticket, request)
            case requests.Results():
                self._benchmarks.results(ticket, request)
            case requests.Compare():
                self._benchmarks.compare(ticket, request)
            case requests.Backup():
                self._backups.read(ticket)
            case requests.Restore():
                self._backups.restore(ticket, request)
            case requests.Files():
                self._lookups.files(ticket, request)
            case requests.Search():
                self._lookups.search(ticket, request)
            case requests.Scan():
                self._external.scan(ticket, request)
            case requests.Shutdown():
                self._outbox.answer(ticket, replies.done(Reason.STOPPING.note()))
                self._stop()
            case _:
                assert_never(request)

    def _is_free(self, ticket: Ticket, key: str) -> bool:
        """Whether a model is not just being removed; if it is, the request has been refused."""
        if self._library.is_removing(key):
            self._outbox.refuse(ticket, Reason.MODEL_BEING_REMOVED, key=key)
            return False
        return True

    def _show(self, ticket: Ticket, request: requests.Show) -> None:
        model = self._state.find(request.model)
        if isinstance(model, Failure):
            self._outbox.answer(ticket, model)
            return
        if request.look and model.state not in HAS_FILE and is_remote(model.spec.source):
            self._lookups.show(ticket, model)
        else:
            self._library.show(ticket, model)

    def _pull(self, ticket: Ticket, request: requests.Pull) -> None:
        known = len(self._state.models)
        if is_remote(request.model):
            key = self._library.model_for(ticket, request.model)
            if not key:
                return
            request = msgspec.structs.replace(request, model=key)
        if self._is_free(ticket, request.model):
            self._scheduler.pull(ticket, request, created_model=len(self._state.models) > known)

    def _pong(self, ticket: Ticket) -> None:
        daemon = self._state.daemon
        pong = replies.Pong(version=daemon.version, protocol=VERSION, pid=daemon.pid, epoch=self._state.epoch)
        self._outbox.answer(ticket, pong)

    def _models(self) -> list[views.ModelView]:
        """In the order of the catalogue, then by key."""
        models = sorted(self._state.models.values(), key=lambda model: "" if model.spec.builtin else model.key)
        return [model.view() for model in models]

    def _snapshot(self) -> views.Snapshot:
        state, outbox = self._state, self._outbox
        return views.Snapshot(
            epoch=state.epoch,
            seq=outbox.seq,
            at=state.at,
            daemon=state.daemon,
            system=self._machine.published,
            models=self._models(),
            jobs=[job.view() for job in state.jobs.values()],
        )

    def _status(self, ticket: Ticket) -> None:
        state, outbox = self._state, self._outbox
        status = replies.Status(
            daemon=state.daemon,
            system=state.system,
            loaded=[model.view() for model in state.models.values() if model.state in HAS_WORKER],
            running=[job.view() for job in state.jobs.values() if not job.ended],
        )
        outbox.answer(ticket, status)

    def _clear_jobs(self, ticket: Ticket, key: str) -> None:
        ended = [job for job in self._state.jobs.values() if job.ended and key in ("", job.model)]
        model = self._state.find(key) if key and not ended else None
        if isinstance(model, Failure):
            self._outbox.answer(ticket, model)
            return
        for job in ended:
            self._outbox.forget_job(job)
            self._outbox.do(effects.ForgetJob(job=job.id))
        self._outbox.answer(ticket, replies.Jobs(jobs=[job.view() for job in ended]))

    def _jobs(self, ticket: Ticket, key: str) -> None:
        model = self._state.find(key) if key else None
        if isinstance(model, Failure):
            self._outbox.answer(ticket, model)
            return
        jobs = [job.view() for job in self._state.jobs.values() if key in ("", job.model)]
        self._outbox.answer(ticket, replies.Jobs(jobs=jobs))

    def _cancel(self, ticket: Ticket, request: requests.Cancel) -> None:
        state, outbox = self._state, self._outbox
        if sum(map(bool, (request.job, request.model, request.request))) != 1:
            outbox.refuse(ticket, Reason.CANCEL_ONE_TARGET)
            return
        if request.request:
            if self._generations.cancel(ticket.client, request.request):
                outbox.answer(ticket, replies.done(Reason.GENERATION_STOPPING.note()))
            else:
                outbox.refuse(ticket, Reason.GENERATION_UNKNOWN, request=request.request)
            return
        job = state.jobs.get(request.job) if request.job else state.job_of(request.model)
        if job is None or job.ended:
            if request.job:
                outbox.refuse(ticket, Reason.JOB_UNKNOWN, job=request.job)
            else:
                outbox.refuse(ticket, Reason.MODEL_WITHOUT_JOB, key=request.model)
        elif job.kind is JobKind.PULL:
            self._scheduler.cancel(ticket, job, request.keep)
        else:
            self._benchmarks.cancel(ticket, job)

    def _stop(self) -> None:
        """Stop in order: downloads keep their bytes, workers are ended, then the daemon."""
        if self._state.stopping:
            return
        self._state.stopping = True
        self._scheduler.interrupt()
        self._loader.stop()
