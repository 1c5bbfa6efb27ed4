"""What the manager does after a bug: the fact that could not be handled fails what it was about, and nothing else.

``core.state.undo`` has taken back whatever the fact had changed. That is enough for a report that the next one
replaces. A fact that will not come again (a worker has ended, a download is complete) leaves something waiting, so
``give_up`` fails that. It uses the state and the outbox only, and none of the code that has just raised. What is left
over, such as starting the next job, the parts of the manager do when the next second ticks.
"""

import traceback

from modeld.core import effects, facts
from modeld.core.backups import Backups
from modeld.core.downloads.lookups import HubLookups
from modeld.core.models.library import Library
from modeld.core.serving.loading import Loader
from modeld.core.state.jobs import Job
from modeld.core.state.model import Model
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import events
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import JobKind, JobState, ModelState

REPORT_AGAIN_S = 60.0
"""One bug is reported at most once in this time."""


class Recovery(Tracked):
    """Fails what a fact was about that could not be handled."""

    def __init__(
        self,
        state: State,
        outbox: Outbox,
        library: Library,
        lookups: HubLookups,
        loader: Loader,
        backups: Backups,
    ) -> None:
        self._state, self._outbox = state, outbox
        self._backups = backups
        self._library = library
        self._lookups = lookups
        self._loader = loader
        self._reported: dict[str, float] = {}

    def report(self, fact: facts.AnyFact, error: Exception) -> None:
        """Log the bug and publish it."""
        name = fact_name(fact)
        place = traceback.extract_tb(error.__traceback__)[-1]
        bug = f"{name} {place.filename}:{place.lineno}"
        last = self._reported.get(bug)
        if last is not None and self._state.clock - last < REPORT_AGAIN_S:
            return
        self._reported[bug] = self._state.clock
        self._outbox.do(effects.ReportBug(fact=name, trace="".join(traceback.format_exception(error))))
        self._outbox.publish(events.InternalError(fact=name, error=_text(error)))

    def give_up(self, fact: facts.AnyFact, error: Exception) -> None:
        """Fail what ``fact`` was about."""
        failure = Reason.INTERNAL_ERROR.failure(error=_text(error))
        match fact:
            case facts.Asked(client=client, request=request):
                self._outbox.reject(Ticket(client, request.id), failure)
            case facts.ClientGone(client=client):
                self._outbox.forget(client)
            case facts.FileInspected(model=key, ticket=ticket):
                self._library.inspecting.discard(key)
                self._answer(ticket, failure)
            case facts.FileRemoved(model=key, ticket=ticket):
                self._state.removing.discard(key)
                self._answer(ticket, failure)
            case facts.FilesLookedFor():
                self._library.give_up_looking()
            case facts.RepositoryListed() | facts.RemoteRead() | facts.HubSearched() | facts.LookupFailed():
                self._fail(self._lookups.forget(fact.lookup), failure)
            case facts.PullFinished() | facts.PullStopped() | facts.PullBroke():
                job = self._state.jobs.get(fact.job)
                if job is not None and job.run == fact.run:
                    self._fail(job, failure)
            case facts.WorkerSaid(run=run):
                self.end_worker(run, failure)
            case facts.WorkerGone(run=run):
                self._worker_gone(run, failure)
            case facts.WorkFailed(effect=effect, why=why):
                failed = fact_of_failure(effect, why)
                if failed is not None:
                    self.give_up(failed, error)
            case facts.StopAsked():
                self._stop()
            case facts.BackupSaved() | facts.SettingsMerged() | facts.Continued():
                self._backups.forget(fact.ticket)
                self._answer(fact.ticket, failure)
            case (
                facts.ExternalModelsScanned(ticket=ticket)
                | facts.RunsRead(ticket=ticket)
                | facts.BackupRead(ticket=ticket)
            ):
                self._answer(ticket, failure)
            case facts.Ticked() | facts.Sampled() | facts.PullAdvanced() | facts.SavingFailed() | facts.SavingWorks():
                """The next one replaces it."""

    def _answer(self, ticket: Ticket | None, failure: Failure) -> None:
        if ticket is not None:
            self._outbox.abandon(ticket, failure)

    def _fail(self, owner: Ticket | Job | None, failure: Failure) -> None:
        if isinstance(owner, Job):
            self._fail_job(owner, failure)
        else:
            self._answer(owner, failure)

    def _fail_job(self, job: Job, failure: Failure) -> None:
        if job.ended:
            return
        model = self._state.models.get(job.model)
        job.failure, job.state = failure, JobState.FAILED
        if job.kind is JobKind.PULL and model is not None and model.state is ModelState.DOWNLOADING:
            self._put(model, ModelState.ABSENT, failure)
        self._outbox.end_job(job)

    def _put(self, model: Model, state: ModelState, failure: Failure) -> None:
        """Put a model where the fact that got lost would have put it; its table has no row for a lost fact."""
        model.state = state
        model.fail(failure)
        self._outbox.publish_model(model)

    def end_worker(self, run: int, failure: Failure) -> None:
        """Nothing is known any more of what the worker does: end it; its end fails its tasks."""
        model = self._loader.by_run(run)
        if model is not None:
            model.fail(failure)
            self._outbox.publish_model(model)
            self._outbox.do(effects.StopWorker(run=run, grace_s=0.0))

    def _worker_gone(self, run: int, failure: Failure) -> None:
        model = self._loader.forget(run)
        if model is None:
            return
        model.loaded, model.active, model.unload_cause = None, False, None
        tasks = [*([model.current] if model.current is not None else []), *model.tasks]
        model.current = None
        model.tasks.clear()
        waiters, model.load_waiters = model.load_waiters, []
        self._put(model, ModelState.ON_DISK, failure)
        for owner in [*(ticket for ticket, _ in waiters), *(task.owner for task in tasks)]:
            self._fail(owner, failure)

    def _stop(self) -> None:
        self._state.stopping = True
        for run in self._loader.runs:
            self._outbox.do(effects.StopWorker(run=run))
        for job in self._state.jobs.values():
            if job.kind is JobKind.PULL and job.state is JobState.RUNNING:
                self._outbox.do(effects.StopPull(job=job.id, keep=True))


def fact_of_failure(effect: effects.AnyEffect, why: str) -> facts.AnyFact | None:
    """The fact that says that ``effect`` was not done; None where nothing waits for it."""
    failure = Reason.INTERNAL_ERROR.failure(error=why)
    match effect:
        case effects.Inspect(model=key, path=path, ticket=ticket):
            return facts.FileInspected(model=key, path=path, failure=failure, ticket=ticket)
        case effects.RemoveFiles(model=key, ticket=ticket):
            return facts.FileRemoved(model=key, failure=failure, ticket=ticket)
        case effects.LookForFiles():
            return facts.FilesLookedFor(there=[], gone=[])
        case effects.ListRepository(lookup=lookup) | effects.ReadRemote(lookup=lookup):
            return facts.LookupFailed(lookup=lookup, failure=failure)
        case effects.SearchHub(lookup=lookup):
            return facts.LookupFailed(lookup=lookup, failure=failure)
        case effects.SaveBackup(ticket=ticket):
            return facts.BackupSaved(ticket=ticket, failure=failure)
        case effects.MergeSettings(ticket=ticket):
            return facts.SettingsMerged(ticket=ticket, failure=failure)
        case effects.StartPull(job=job, run=run):
            return facts.PullBroke(job=job, run=run, failure=failure)
        case effects.StartWorker(run=run):
            return facts.WorkerGone(run=run, exit_code=127, detail=why)
        case _:
            return None


def fact_name(fact: facts.AnyFact) -> str:
    """The kind of a fact, and of the request or message in it: ``asked load``."""
    words = [type(fact).__name__]
    if isinstance(fact, facts.Asked):
        words.append(str(fact.request.__struct_config__.tag))
    elif isinstance(fact, facts.WorkerSaid):
        words.append(type(fact.news).__name__)
    elif isinstance(fact, facts.WorkFailed):
        words.append(type(fact.effect).__name__)
    return " ".join(words)


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
