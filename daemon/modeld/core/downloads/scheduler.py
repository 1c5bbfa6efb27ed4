"""Downloads: a queue, a few at a time, and what they report."""

import msgspec

from modeld.core.downloads import source
from modeld.core.downloads.lookups import HubLookups, Resolved
from modeld.core.downloads.parts import merge_headers, wrong_part
from modeld.core.downloads.rate import Rate
from modeld.core.effects import DropPartial, ForgetModel, SaveJob, StartPull, StopPull
from modeld.core.facts import PullAdvanced, PullBroke, PullFinished, PullStopped
from modeld.core.memory import fit
from modeld.core.models import library
from modeld.core.state.jobs import Job, JobFact
from modeld.core.state.model import Model, ModelFact, Part
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import events, replies, requests
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import HAS_FILE, JobKind, JobState, Phase
from modeld.protocol.views import Progress


class Scheduler(Tracked):
    """The download jobs."""

    def __init__(self, state: State, outbox: Outbox, lookups: HubLookups) -> None:
        self._state, self._outbox = state, outbox
        self._lookups = lookups
        lookups.on_stopped = lambda job: self.stopped(PullStopped(job=job.id, run=job.run))
        self.pauses: list[tuple[Ticket, tuple[Job, ...]]] = []
        """Pause requests that wait until their downloads have stopped."""

    def pull(self, ticket: Ticket, request: requests.Pull, *, created_model: bool = False) -> None:
        """Queue a download, or join and resume the existing one; if the file exists already, the job ends at once."""
        state, outbox = self._state, self._outbox
        model = state.find(request.model)
        if isinstance(model, Failure):
            outbox.answer(ticket, model)
            return
        job = next((job for job in self.unended() if job.model == model.key), None)
        if job is None:
            job = self._new(ticket, model)
        if job is None:
            return
        job.inspect_first = job.inspect_first or request.look
        job.created_model = job.created_model or created_model
        self.resume(job)
        if request.wait and not job.ended:
            job.waiters.append(ticket)
        else:
            outbox.do(SaveJob(job=job.view()))  # what another request has just queued may not be committed yet
            outbox.answer(ticket, replies.Jobs(jobs=[job.view()]))
        self.settle()

    def _new(self, ticket: Ticket, model: Model) -> Job | None:
        state, outbox = self._state, self._outbox
        there = model.state in HAS_FILE
        if not there:
            origin = source.parse(model.spec.source, state.settings.allow_http)
            if isinstance(origin, Failure):
                outbox.answer(ticket, origin)
                return None
            if not origin.url and origin.hub is None:
                outbox.answer(ticket, _not_downloadable(model))
                return None
        job = Job(id=next(state.ids), kind=JobKind.PULL, model=model.key, created_at=state.at)
        job.rank = 1 + max((other.rank for other in self.unended()), default=0)
        state.jobs[job.id] = job
        if there:
            self._is_there(job, model)
        else:
            outbox.publish_job(job)
        return job

    def _is_there(self, job: Job, model: Model) -> None:
        """End a queued download whose file exists already."""
        job.move(JobFact.STARTED)
        job.move(JobFact.FINISHED)
        job.already_there = True
        size = model.file_bytes
        job.progress = Progress(done=size, total=size, percent=100.0, phase=Phase.ALREADY_EXISTS)
        self._outbox.end_job(job)

    def start_next(self) -> None:
        """Start queued downloads while there is room."""
        state = self._state
        for job in self.unended():
            running = sum(other.state is JobState.RUNNING for other in self.unended())
            if state.stopping or running >= state.settings.max_downloads:
                return
            if job.state is JobState.QUEUED:
                self._start(job)

    def _start(self, job: Job) -> None:
        state, outbox = self._state, self._outbox
        model = state.models[job.model]
        if model.state in HAS_FILE:  # it arrived while the job was queued, or the last daemon was killed just then
            self._is_there(job, model)
            return
        origin = source.parse(model.spec.source, state.settings.allow_http)
        job.move(JobFact.STARTED)
        job.started_at = state.at
        job.run = state.next_run()
        job.rate = Rate()
        job.progress = msgspec.structs.replace(job.progress, stalled_since="")
        outbox.move(model, ModelFact.PULL_STARTED)
        if isinstance(origin, Failure):
            self._fail(job, origin)
            return
        job.headers.clear()
        job.finished_parts_bytes = 0
        if origin.hub is not None or job.inspect_first:
            job.progress = msgspec.structs.replace(job.progress, phase=Phase.RESOLVING)
            outbox.publish_job(job)
            run = job.run
            self._lookups.resolve(model, lambda found: self._resolved(job, run, found), job)
            return
        outbox.publish_job(job)
        spec = model.spec
        self._fetch(job, origin.url, Part(path="", file_name=spec.file_name, size_bytes=spec.size_bytes), spec.sha256)

    def _fetch(self, job: Job, url: str, part: Part, sha256: str) -> None:
        self._outbox.do(
            StartPull(
                job=job.id,
                run=job.run,
                url=url,
                file_name=part.file_name,
                size_bytes=part.size_bytes,
                sha256=sha256,
            )
        )

    def _resolved(self, job: Job, run: int, found: Resolved | Failure) -> None:
        """The lookup says which files to fetch, how large they are and what the model will need."""
        state, outbox = self._state, self._outbox
        if self._running(job.id, run) is None:
            return
        job.lookup = 0
        if isinstance(found, Failure):
            self._fail(job, found)
            if job.created_model and found.code is ErrorCode.NOT_FOUND:
                self._forget(job.model)
            self.settle()
            return
        model = state.models[job.model]
        self._lookups.learn(model, found)
        outbox.publish_model(model)
        refused = fit.refuse_disk(model.key, found.missing_bytes, found.disk_free) if found.size_bytes else None
        if refused is not None:
            self._fail(job, refused)
            self.settle()
            return
        if not found.parts[0].path:
            self._fetch(job, found.url, found.parts[0], model.spec.sha256)
            return
        model.choose_files(list(found.parts), found.commit, found.size_bytes)
        outbox.save(model)
        outbox.publish_model(model)
        self._fetch_part(job)

    def _forget(self, key: str) -> None:
        """Remove a model that this pull added, since its source does not exist."""
        del self._state.models[key]
        self._outbox.do(ForgetModel(model=key))
        self._outbox.publish(events.ModelRemoved(model=key))

    def _fetch_part(self, job: Job) -> None:
        """Fetch the next file of a model on a hub."""
        settings, spec = self._state.settings, self._state.models[job.model].spec
        origin = source.parse(spec.source, settings.allow_http)
        assert isinstance(origin, source.ModelSource) and origin.hub is not None
        part = spec.parts[len(job.headers)]
        url = source.download_url(settings.hub_endpoint, origin.hub.repo, spec.commit or origin.hub.revision, part.path)
        # The person's own hash (or the catalogue's) is of the one file there is.
        known = spec.sha256 if len(spec.parts) == 1 else ""
        self._fetch(job, url, part, known or part.sha256)

    def advanced(self, fact: PullAdvanced) -> None:
        """Bytes arrived (or a phase began): publish the progress with speed and time left."""
        job = self._running(fact.job, fact.run)
        if job is not None and job.rate is not None:
            known = msgspec.structs.replace(
                job.progress,
                phase=fact.phase,
                retries=fact.retries,
                connections=fact.connections,
                retry_in_s=fact.retry_in_s,
                trouble=fact.cause.message if fact.cause is not None else "",
                cause=fact.cause,
            )
            if not job.lookup:
                parts = self._state.models[job.model].spec.parts
                total = sum(part.size_bytes for part in parts) if len(parts) > 1 else fact.total_bytes
                job.rate.add(self._state.clock, job.finished_parts_bytes + fact.done_bytes)
                known = msgspec.structs.replace(known, done=job.finished_parts_bytes + fact.done_bytes, total=total)
            self._publish_progress(job, known)

    def ticked(self) -> None:
        """A second passed: publish stalls, which no report announces, and go on with what a failed fact left."""
        self.settle()
        for job in self.unended():
            if job.state is JobState.RUNNING and job.rate is not None:
                self._publish_progress(job, job.progress)

    def _stalled_since(self, job: Job, rate: Rate) -> str:
        """The date since when nothing arrived; it stays the same for the whole stall, whatever is done to the clock."""
        since = rate.stalled_since(self._state.clock)
        if since is None:
            return ""
        return job.progress.stalled_since or self._state.moment(self._state.now - (self._state.clock - since))

    def _publish_progress(self, job: Job, known: Progress) -> None:
        """Publish ``known`` with the current speed, time left and stall, if anything changed."""
        assert job.rate is not None
        now = self._state.clock
        progress = msgspec.structs.replace(
            known,
            percent=100.0 * known.done / known.total if known.total else None,
            rate=job.rate.speed(now),
            eta_s=job.rate.eta(now, known.done, known.total),
            stalled_since=self._stalled_since(job, job.rate),
        )
        if progress != job.progress:
            job.progress = progress
            self._outbox.publish(events.JobProgress(job=job.id, kind=job.kind, model=job.model, progress=progress))

    def finished(self, fact: PullFinished) -> None:
        """The file is complete under its final name."""
        state, outbox = self._state, self._outbox
        job = self._running(fact.job, fact.run)
        if job is None:
            return
        model = state.models[job.model]
        job.headers.append(fact.header)
        if len(model.spec.parts) > 1:
            wrong = wrong_part(fact.header, len(job.headers), len(model.spec.parts), fact.path)
            if wrong is not None:
                self._fail(job, wrong)
                self.settle()
                return
            if len(job.headers) < len(model.spec.parts):
                self._next_part(job, fact)
                return
        header = merge_headers(job.headers)
        single = len(model.spec.parts) <= 1
        model.downloaded(
            header.file_bytes,
            sha256=fact.sha256 if single else "",
            verified=fact.verified if single else all(part.sha256 for part in model.spec.parts),
        )
        outbox.save(model)
        first = fact.path if single else fact.path[: -len(model.spec.parts[-1].file_name)] + model.spec.file_name
        library.take_file(state, model, first, header)
        model.fits = None
        outbox.move(model, ModelFact.PULL_FINISHED)
        size = header.file_bytes
        job.already_there = fact.already_there
        job.progress = Progress(
            done=size,
            total=size,
            percent=100.0,
            eta_s=0.0,
            phase=Phase.ALREADY_EXISTS if fact.already_there else Phase.COMPLETED,
            retries=job.progress.retries,
        )
        job.move(JobFact.FINISHED)
        outbox.end_job(job)
        self.settle()

    def _next_part(self, job: Job, fact: PullFinished) -> None:
        """Fetch the next file, unless the download was stopped while this one ended."""
        job.finished_parts_bytes += fact.header.file_bytes
        if job.stopping or job.pausing or self._state.stopping:
            self.stopped(PullStopped(job=job.id, run=job.run))
            return
        job.run = self._state.next_run()
        self._fetch_part(job)

    def broke(self, fact: PullBroke) -> None:
        """A download failed; if the disk is full, it is paused and can be resumed."""
        job = self._running(fact.job, fact.run)
        if job is None:
            return
        if fact.failure.code is ErrorCode.DISK_FULL and not job.stopping:
            self._pause_for(job, fact.failure)
        else:
            self._fail(job, fact.failure)
        self.settle()

    def _pause_for(self, job: Job, failure: Failure) -> None:
        """Pause a download for a reason that a person must fix, and answer its waiting clients with that reason."""
        state, outbox = self._state, self._outbox
        model = state.models[job.model]
        outbox.move(model, ModelFact.PULL_DROPPED, failure=failure)
        job.failure = failure
        self.pause(job)
        waiters, job.waiters = job.waiters, []
        for ticket in waiters:
            outbox.answer(ticket, failure)

    def _fail(self, job: Job, failure: Failure) -> None:
        state, outbox = self._state, self._outbox
        model = state.models[job.model]
        outbox.move(model, ModelFact.PULL_DROPPED, failure=failure)
        job.failure = failure
        job.move(JobFact.BROKE)
        outbox.end_job(job)

    def cancel(self, ticket: Ticket, job: Job, keep: bool) -> None:
        """Cancel a download; a running one ends when its connections are closed and its state is on disk."""
        outbox = self._outbox
        job.keep_partial = keep
        if job.state is JobState.RUNNING:
            job.waiters.append(ticket)
            if not job.stopping:
                job.stopping = True
                outbox.do(StopPull(job=job.id, keep=keep))
            return
        self._cancelled(job)
        outbox.answer(ticket, replies.Jobs(jobs=[job.view()]))

    def stopped(self, fact: PullStopped) -> None:
        """A download stopped: cancel it, pause it, or queue it again (the daemon stops, or the pause was undone)."""
        state, outbox = self._state, self._outbox
        job = self._running(fact.job, fact.run)
        if job is None:
            return
        self._lookups.give_up(job)
        outbox.move(state.models[job.model], ModelFact.PULL_DROPPED)
        if job.stopping:
            waiters, job.waiters = job.waiters, []
            self._cancelled(job)
            for ticket in waiters:
                outbox.answer(ticket, replies.Jobs(jobs=[job.view()]))
        elif job.pausing:
            self.pause(job)
        else:
            job.move(JobFact.INTERRUPTED)
            outbox.publish_job(job)
        self.settle()

    def _cancelled(self, job: Job) -> None:
        job.failure = Reason.DOWNLOAD_CANCELLED.failure(key=job.model)
        job.move(JobFact.DROPPED)
        self._outbox.end_job(job)
        if not job.keep_partial:
            spec = self._state.models[job.model].spec
            self._outbox.do(DropPartial(file_names=spec.file_names, whole=len(spec.parts) > 1))

    def resume(self, job: Job) -> None:
        """Undo a pause; a download that is still stopping for it is queued once it has stopped."""
        job.pausing = False
        if job.state is JobState.PAUSED:
            job.failure = None
            job.move(JobFact.RESUMED)
            self._outbox.publish_job(job)

    def pause(self, job: Job) -> None:
        """Pause a download that is not running."""
        job.pausing = False
        job.progress = msgspec.structs.replace(
            job.progress, rate=0.0, eta_s=None, stalled_since="", connections=0, retry_in_s=None, trouble="", cause=None
        )
        job.move(JobFact.HELD)
        self._outbox.publish_job(job)

    def settle(self) -> None:
        """Some downloads stopped, ended or were resumed: answer pauses that are complete, and start what may run."""
        still = []
        for ticket, jobs in self.pauses:
            if any(job.state is JobState.RUNNING and (job.pausing or job.stopping) for job in jobs):
                still.append((ticket, jobs))
            else:
                self._outbox.answer(ticket, replies.Jobs(jobs=[job.view() for job in jobs]))
        self.pauses = still
        self.start_next()

    def interrupt(self) -> None:
        """The daemon stops: stop all running downloads, keeping every byte."""
        for job in self.unended():
            if job.state is JobState.RUNNING:
                self._outbox.do(StopPull(job=job.id, keep=True))

    def any_running(self) -> bool:
        """Whether a download still has to stop."""
        return any(job.state is JobState.RUNNING for job in self.unended())

    def unended(self) -> list[Job]:
        """The unfinished downloads, in the order of the queue."""
        pulls = [job for job in self._state.jobs.values() if job.kind is JobKind.PULL and not job.ended]
        return sorted(pulls, key=lambda job: job.rank)

    def _running(self, job_id: str, run: int) -> Job | None:
        """The job that a report is about; None for a report of an older run."""
        job = self._state.jobs.get(job_id)
        return job if job is not None and job.run == run and job.state is JobState.RUNNING else None


def _not_downloadable(model: Model) -> Failure:
    source = model.spec.source
    if source.startswith("package:"):
        package = source.split(":")[1].replace("_", "-")
        return Reason.MODEL_FROM_PACKAGE.failure(key=model.key, source=source, package=package)
    return Reason.MODEL_IN_PLACE.failure(key=model.key, source=source)
