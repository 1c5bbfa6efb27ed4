"""Requests about unfinished downloads: pause, resume, reorder, limit the speed."""

import msgspec

from modeld.core.downloads.scheduler import Scheduler
from modeld.core.effects import LimitPulls, StopPull
from modeld.core.state.jobs import Job
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import events, replies, requests
from modeld.protocol.reasons import Reason
from modeld.protocol.states import JobState


class Queue(Tracked):
    """Pauses, resumes, moves and limits the jobs of ``scheduler``."""

    def __init__(self, state: State, outbox: Outbox, scheduler: Scheduler) -> None:
        self._state, self._outbox = state, outbox
        self._scheduler = scheduler

    def pause(self, ticket: Ticket, request: requests.Pause) -> None:
        """Pause downloads; the answer comes when each has closed its connections and its state is on disk."""
        jobs = self._chosen(ticket, request)
        if jobs is None:
            return
        for job in jobs:
            if job.state is JobState.QUEUED:
                self._scheduler.pause(job)
            elif job.state is JobState.RUNNING and not job.stopping and not job.pausing:
                job.pausing = True
                self._outbox.do(StopPull(job=job.id, keep=True))
        self._scheduler.pauses.append((ticket, tuple(jobs)))
        self._scheduler.settle()

    def resume(self, ticket: Ticket, request: requests.Resume) -> None:
        """Resume paused downloads."""
        jobs = self._chosen(ticket, request)
        if jobs is None:
            return
        resumed = [job for job in jobs if job.state is JobState.PAUSED or job.pausing]
        for job in resumed:
            self._scheduler.resume(job)
        self._outbox.answer(ticket, replies.Jobs(jobs=[job.view() for job in resumed]))
        self._scheduler.settle()

    def move(self, ticket: Ticket, request: requests.Move) -> None:
        """Give a download another place in the queue; a running download is not interrupted."""
        if request.place < 1:
            self._outbox.refuse(ticket, Reason.PLACE_INVALID, place=request.place)
            return
        if not request.job and not request.model:
            self._outbox.refuse(ticket, Reason.DOWNLOAD_NOT_NAMED)
            return
        jobs = self._chosen(ticket, request)
        if jobs is None:
            return
        order = [job for job in self._scheduler.unended() if job is not jobs[0]]
        order.insert(request.place - 1, jobs[0])
        for rank, job in enumerate(order, 1):
            if job.rank != rank:
                job.rank = rank
                self._outbox.publish_job(job)
        self._outbox.answer(ticket, replies.Jobs(jobs=[job.view() for job in order]))

    def limit(self, ticket: Ticket, request: requests.Limit) -> None:
        """Limit the speed of one download or of all together."""
        state, outbox = self._state, self._outbox
        if request.bytes_per_s < 0:
            outbox.refuse(ticket, Reason.LIMIT_NEGATIVE)
            return
        if not request.job and not request.model:
            state.daemon = msgspec.structs.replace(state.daemon, download_limit=request.bytes_per_s)
            outbox.publish(events.DaemonChanged(daemon=state.daemon))
        else:
            jobs = self._chosen(ticket, request)
            if jobs is None:
                return
            jobs[0].limit = request.bytes_per_s
            outbox.publish_job(jobs[0])
        self.enforce_limits()
        outbox.answer(ticket, replies.Jobs(jobs=[job.view() for job in self._scheduler.unended()]))

    def enforce_limits(self) -> None:
        """Send the downloader the current limits."""
        limits = {job.id: job.limit for job in self._scheduler.unended() if job.limit}
        self._outbox.do(LimitPulls(bytes_per_s=self._state.daemon.download_limit, jobs=limits))

    def _chosen(
        self, ticket: Ticket, request: requests.Pause | requests.Resume | requests.Move | requests.Limit
    ) -> list[Job] | None:
        """The unfinished downloads that a request means: the one it names, or all; None after refusing the request."""
        unended = self._scheduler.unended()
        if request.job and request.model:
            self._outbox.refuse(ticket, Reason.DOWNLOAD_NAMED_TWICE)
            return None
        if not request.job and not request.model:
            return unended
        jobs = [job for job in unended if request.job == job.id or request.model == job.model]
        if not jobs:
            if request.job:
                self._outbox.refuse(ticket, Reason.DOWNLOAD_UNKNOWN, job=request.job)
            else:
                self._outbox.refuse(ticket, Reason.MODEL_WITHOUT_DOWNLOAD, key=request.model)
            return None
        return jobs
