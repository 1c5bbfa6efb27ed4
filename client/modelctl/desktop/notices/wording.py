"""The text of notifications: turns news into notices; pure."""

from datetime import datetime
from typing import assert_never

from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import Change, ModelView, SystemView

from modelctl.desktop.notices.news import AnyNews, DiskLow, JobEnded, ModelCrashed, SavingChanged, kind_of
from modelctl.desktop.notices.notice import BODY_LENGTH, TITLE_LENGTH, Notice, NoticeAction, NoticeKind, Urgency, tidy
from modelctl.errors import advice, explained, headline
from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes, format_eta, format_speed
from modelctl.language.sentences import of_disturbance

_AFTER_FAILURE = (NoticeAction.OPEN, NoticeAction.RETRY, NoticeAction.SHOW_LOG)


def worded(news: AnyNews, change: Change | None = None) -> Notice:
    """The notification for ``news``; ``change`` compares a finished benchmark with the previous run."""
    match news:
        case JobEnded(job=job) if job.kind is JobKind.PULL:
            if job.state is JobState.DONE:
                return _downloaded(news)
            held = job.state is JobState.PAUSED
            return _failed(news, _("Download paused: {model}") if held else _("Download failed: {model}"))
        case JobEnded(job=job):
            if job.state is JobState.DONE:
                return _benchmarked(news, change)
            return _failed(news, _("Benchmark failed: {model}"))
        case ModelCrashed(model=model):
            return _crashed(model)
        case DiskLow(system=system, models_dir=folder):
            return _disk_low(system, folder)
        case SavingChanged(why=why):
            return _saving_changed(why)
        case _:
            assert_never(news)


def test_notice() -> Notice:
    """A notification that tests whether notifications work."""
    return Notice(
        key="test",
        kind=NoticeKind.ANSWER,
        title=_("Notifications work"),
        body=_("modeld notifies you like this when a download or a benchmark has ended."),
        actions=(NoticeAction.OPEN,),
    )


def action_failed(notice: Notice, why: str) -> Notice:
    """The notification for a failed action on ``notice``."""
    return Notice(
        key=f"{notice.key}!",
        kind=NoticeKind.ANSWER,
        title=_("That did not work"),
        body=tidy(why, BODY_LENGTH, lines=True),
    )


def reason(code: ErrorCode) -> str:
    """A failure in two or three words, for a list."""
    match code:
        case ErrorCode.DISK_FULL:
            return _("disk full")
        case ErrorCode.UNWRITABLE:
            return _("cannot write")
        case ErrorCode.UNREACHABLE:
            return _("server not reachable")
        case ErrorCode.NOT_FOUND:
            return _("not found")
        case ErrorCode.NOT_ALLOWED:
            return _("not allowed")
        case ErrorCode.HTTP_ERROR:
            return _("refused by the server")
        case ErrorCode.CHANGED_REMOTELY:
            return _("the file has changed")
        case ErrorCode.HASH_MISMATCH:
            return _("wrong checksum")
        case ErrorCode.BAD_MODEL_FILE:
            return _("not a usable model file")
        case ErrorCode.NOT_ENOUGH_MEMORY:
            return _("not enough memory")
        case ErrorCode.LOAD_FAILED:
            return _("could not be loaded")
        case ErrorCode.WORKER_CRASHED:
            return _("crashed")
        case _:
            return headline(code)


def _downloaded(news: JobEnded) -> Notice:
    job = news.job
    size, seconds = format_bytes(job.progress.done), _seconds(job.started_at, job.ended_at)
    if seconds is None:
        text = size
    elif news.received is None or seconds < 1:
        text = _("{size} in {time}").format(size=size, time=format_eta(seconds))
    else:
        text = _("{size} in {time}, {speed} on average").format(
            size=size, time=format_eta(seconds), speed=format_speed(news.received / seconds)
        )
    return _notice(news, _("Download finished: {model}"), [news.display_name, text], brief=_name(job.model))


def _benchmarked(news: JobEnded, change: Change | None) -> Notice:
    run = news.job.benchmark
    if run is None:
        return _notice(news, _("Benchmark finished: {model}"), [news.display_name], brief=_name(news.job.model))
    rate = f"{run.result.tokens_per_second:.1f} tokens/s"
    lines = [rate if change is None else f"{rate}, {_compared(change)}"]
    if run.disturbed:
        lines.append(_("The run was disturbed: {cause}").format(cause=of_disturbance(run) or _("other load")))
    return _notice(news, _("Benchmark finished: {model}"), lines, brief=f"{_name(news.job.model)} ({rate})")


def _compared(change: Change) -> str:
    if not change.significant:
        return _("within noise of the previous run ({percent})").format(percent=f"{change.percent:+.1f}%")
    percent = f"{abs(change.percent):.1f}%"
    if change.percent < 0:
        return _("{percent} slower than the previous run").format(percent=percent)
    return _("{percent} faster than the previous run").format(percent=percent)


def _failed(news: JobEnded, title: str) -> Notice:
    job = news.job
    code = job.failure.code if job.failure else ErrorCode.INTERNAL
    percent = job.progress.percent if job.kind is JobKind.PULL else None
    return _notice(
        news,
        title,
        _failure_lines(job.failure),
        actions=_AFTER_FAILURE,
        brief=f"{_name(job.model)} ({reason(code)})",
        progress=round(percent) if percent else None,
    )


def _notice(
    news: JobEnded,
    title: str,
    lines: list[str],
    *,
    brief: str,
    actions: tuple[NoticeAction, ...] = (NoticeAction.OPEN,),
    progress: int | None = None,
) -> Notice:
    job = news.job
    return Notice(
        key=f"{job.kind}:{job.model}",
        kind=kind_of(news),
        title=tidy(title.format(model=_name(job.model)), TITLE_LENGTH),
        body=tidy("\n".join(lines), BODY_LENGTH, lines=True),
        actions=actions,
        model=job.model,
        brief=brief,
        progress=progress,
    )


def _crashed(model: ModelView) -> Notice:
    return Notice(
        key=f"crash:{model.key}",
        kind=NoticeKind.MODEL_CRASHED,
        title=tidy(_("{model} crashed").format(model=_name(model.key)), TITLE_LENGTH),
        body=tidy("\n".join(_failure_lines(model.failure)), BODY_LENGTH, lines=True),
        actions=(NoticeAction.OPEN, NoticeAction.SHOW_LOG),
        model=model.key,
        brief=_name(model.key),
    )


def _disk_low(system: SystemView, folder: str) -> Notice:
    free = _("{free} of {total} are free where the models are").format(
        free=format_bytes(system.disk_free), total=format_bytes(system.disk_total)
    )
    lines = [
        f"{free}: {folder}" if folder else free,
        _("Downloads may fail. Remove models that you do not use: modelctl rm"),
    ]
    return Notice(
        key="disk",
        kind=NoticeKind.DISK_LOW,
        title=_("The disk is almost full"),
        body=tidy("\n".join(lines), BODY_LENGTH, lines=True),
        urgency=Urgency.CRITICAL,
        actions=(NoticeAction.OPEN,),
    )


def _saving_changed(why: Failure | None) -> Notice:
    """A notification that stays while nothing is saved; the one that replaces it disappears by itself."""
    if why is None:
        title, body = _("modeld is saving again"), _("All changes are saved.")
    else:
        title = _("modeld is not saving changes")
        body = "\n".join(_failure_lines(why))
    return Notice(
        key="saving",
        kind=NoticeKind.NOT_SAVING,
        title=title,
        body=tidy(body, BODY_LENGTH, lines=True),
        urgency=Urgency.NORMAL if why is None else Urgency.CRITICAL,
        actions=(NoticeAction.OPEN,) if why is None else (NoticeAction.OPEN, NoticeAction.SHOW_LOG),
    )


def _failure_lines(failure: Failure | None) -> list[str]:
    """The daemon's message and its hint."""
    if failure is None:
        return [_("The reason is not known.")]
    return [explained(failure), advice(failure)]


def _name(key: str) -> str:
    """A key as it is displayed."""
    return tidy(key.upper(), 40)


def _seconds(start: str, end: str) -> float | None:
    """The time between two timestamps of the protocol; None if one is missing."""
    try:
        return max((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds(), 0.0)
    except ValueError:
        return None
