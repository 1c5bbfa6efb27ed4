"""Shows a job's progress: a bar on a terminal, lines elsewhere, nothing with --json.

Everything goes to standard error. rich is imported only for a terminal, since it is slow to import.
"""

import contextlib
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import FINAL, JobKind, JobState
from modeld.protocol.views import JobView

from modelctl import errors
from modelctl.cli.output import Part, colour_wanted
from modelctl.cli.session import Session
from modelctl.language import names, sentences
from modelctl.language.catalogue import _
from modelctl.language.printable import one_line

if TYPE_CHECKING:
    from modeld.protocol.events import AnyEvent
    from rich.progress import Progress, TaskID

    from modelctl.follow import Mirror

LINE_PERCENT = 10
LINE_S = 1.0


class Show(Protocol):
    """Shows jobs in the form that fits standard error."""

    def __call__(self, job: JobView) -> None:
        """Show the job's current state."""

    def silence(self, silent: bool) -> None:
        """Mark what is shown as out of date, or as current again."""


def silence_text(silent: bool) -> str:
    """Tells the user that the daemon does not respond, or responds again."""
    if silent:
        return _("modeld does not respond; what is shown may be out of date.")
    return _("modeld responds again.")


def watched(mirror: "Mirror", jobs: Sequence[JobView], show: Show) -> "Iterator[tuple[AnyEvent | None, JobView]]":
    """Yield each of ``jobs`` now and after each change, with the event that changed it; ends when all have ended.

    ``show`` marks what it shows while the daemon does not respond.
    """
    known = {job.id: job for job in jobs}
    for job in jobs:
        yield None, job
    if all(job.state in FINAL for job in known.values()):
        return
    for event in mirror:
        show.silence(mirror.stale)
        for id_, before in known.items():
            now = mirror.job(id_)
            if now is not None and now != before and before.state not in FINAL:
                known[id_] = now
                yield event, now
            elif now is None and event is None:
                raise errors.of(
                    errors.LocalFailure(
                        code=ErrorCode.INTERRUPTED,
                        message=_("The daemon no longer knows job {id}.").format(id=id_),
                        hint=_("Check its state: modelctl jobs"),
                    )
                )
        if all(job.state in FINAL for job in known.values()):
            return


def text(job: JobView) -> str:
    """A job's progress without its key: ``65.3%  2.7 GB / 4.1 GB  15.3 MB/s  ETA 1m 32s`` for a pull."""
    from modelctl.language.format import format_bytes, format_eta, format_speed

    progress = job.progress
    if job.state in (JobState.QUEUED, JobState.PAUSED):
        state = names.of_job_state(job.state)
        return f"{state}: {errors.explained(job.failure)}" if job.failure else state
    if job.kind is JobKind.BENCHMARK:
        rate = "  " + _("{rate:.1f} tokens/sec").format(rate=progress.rate) if progress.rate else ""
        steps = f"{progress.done}/{progress.total}" if progress.total else names.of_job_state(job.state)
        return f"{steps}  {names.of_phase(progress.phase)}{rate}".rstrip()
    percent = "--.-%" if progress.percent is None else f"{progress.percent:.1f}%"
    total = format_bytes(progress.total) if progress.total else "?"
    parts = [percent, f"{format_bytes(progress.done)} / {total}"]
    if progress.stalled_since:
        stalled = _("stalled since {since} (retry {count})")
        parts.append(stalled.format(since=progress.stalled_since, count=progress.retries))
    else:
        parts += [format_speed(progress.rate), _("ETA {eta}").format(eta=format_eta(progress.eta_s))]
    if progress.phase and progress.phase != "downloading":
        parts.append(names.of_phase(progress.phase))
    if cause := sentences.of_cause(progress):
        parts.append(f"({cause})")
    return "  ".join(parts)


@contextlib.contextmanager
def shown(session: Session) -> Generator[Show, None, None]:
    """A function that shows a job in the form that fits standard error."""
    if session.json:
        yield _Nothing()
    elif sys.stderr.isatty():
        with _bars(session) as show:
            yield show
    else:
        yield _Lines(session)


@contextlib.contextmanager
def _bars(session: Session) -> Generator[Show, None, None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    console = Console(stderr=True, no_color=colour_wanted() is False)
    before = session.above
    with Progress(*columns, console=console) as bars:

        def above(part: Part) -> None:
            text = part if isinstance(part, str) else part.text
            bars.console.print(one_line(text), markup=False, highlight=False)

        session.above = above

        try:
            yield _Bars(bars)
        finally:
            session.above = before


class _Nothing:
    """Shows nothing: a program reads the events."""

    def __call__(self, job: JobView) -> None:
        pass

    def silence(self, silent: bool) -> None:
        pass


class _Bars:
    """A bar for each job; while the daemon does not respond, each bar says so instead of its speed."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._texts: dict[str, str] = {}
        self._silent = False

    def __call__(self, job: JobView) -> None:
        if job.id not in self._tasks:
            self._tasks[job.id] = self._bars.add_task(one_line(job.model.upper()), total=None, text="")
        progress = job.progress
        self._texts[job.id] = one_line(text(job))
        self._bars.update(
            self._tasks[job.id],
            total=progress.total or None,
            completed=progress.done,
            text=self._texts[job.id],
        )

    def silence(self, silent: bool) -> None:
        if silent == self._silent:
            return
        self._silent = silent
        for id_, task in self._tasks.items():
            self._bars.update(task, text=_("modeld does not respond") if silent else self._texts[id_])


class _Lines:
    """Prints a line when a job's state or phase changes, at each ten percent, each second if the total is unknown."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._printed: dict[str, tuple[object, ...]] = {}
        self._at: dict[str, float] = {}
        self._silent = False

    def silence(self, silent: bool) -> None:
        if silent != self._silent:
            self._silent = silent
            self._session.say(silence_text(silent))

    def __call__(self, job: JobView) -> None:
        progress = job.progress
        by_bytes = job.kind is JobKind.PULL and progress.percent is not None
        step = int(progress.percent // LINE_PERCENT) if by_bytes and progress.percent is not None else progress.done
        mark = (job.state, progress.phase, bool(progress.stalled_since), step)
        before, now = self._printed.get(job.id), time.monotonic()
        if mark == before:
            return
        only_counted = before is not None and mark[:3] == before[:3] and job.kind is JobKind.PULL and not by_bytes
        if only_counted and now - self._at[job.id] < LINE_S:
            return
        self._printed[job.id], self._at[job.id] = mark, now
        self._session.say(f"{job.model.upper()}  {text(job)}")
