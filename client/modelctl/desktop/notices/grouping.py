"""Combines jobs that end close together into one notification; pure: the time is an argument.

The first notice is delayed briefly, so that others can join it. A notice that arrives later within the window replaces
the one shown with a summary, which always names failures. If the server cannot replace notices, everything is delayed
for the whole window and shown once.
"""

from dataclasses import replace

from modelctl.desktop.notices.notice import BODY_LENGTH, FAILURES, Notice, NoticeAction, NoticeKind, tidy
from modelctl.language.catalogue import _, _n

WINDOW_S = 5.0
"""The window after the first end within which ends share one notification."""

SETTLE_S = 0.5
"""How long a notice waits for others if it can be replaced later."""

NAMES = 6
"""A summary lists at most this many names, then the number of the others."""

_ALONE = frozenset({NoticeKind.DISK_LOW, NoticeKind.NOT_SAVING, NoticeKind.ANSWER})
_DOWNLOADS = frozenset({NoticeKind.DOWNLOAD_FINISHED, NoticeKind.DOWNLOAD_FAILED})
_BENCHMARKS = frozenset({NoticeKind.BENCHMARK_FINISHED, NoticeKind.BENCHMARK_FAILED})


class Grouping:
    """Holds the pending notices and those that a summary would include."""

    def __init__(self) -> None:
        self._ready: list[Notice] = []
        self._group: list[Notice] = []
        self._since = self._newest = 0.0
        self._waiting = False
        self._groups = 0
        self._shown = ""

    def add(self, notice: Notice, now: float) -> None:
        """Add a notice at ``now``."""
        if notice.kind in _ALONE:
            self._ready.append(notice)
            return
        if not self._group or now - self._since > WINDOW_S:
            self._close_group()
            self._since = now
        self._group = [*(old for old in self._group if old.key != notice.key), notice]
        self._newest, self._waiting = now, True

    def due_at(self, settle_s: float) -> float | None:
        """When ``due`` will return something; None if nothing is pending."""
        if self._ready:
            return 0.0
        return min(self._newest + settle_s, self._since + WINDOW_S) if self._waiting else None

    def due(self, now: float, settle_s: float) -> list[Notice]:
        """The notices to show at ``now``; ``settle_s`` is how long a notice waits for others."""
        if self._waiting and now >= min(self._newest + settle_s, self._since + WINDOW_S):
            self._emit()
        return self._taken()

    def flush(self) -> list[Notice]:
        """All pending notices, at once."""
        self._close_group()
        return self._taken()

    def _taken(self) -> list[Notice]:
        ready, self._ready = self._ready, []
        return ready

    def _close_group(self) -> None:
        if self._waiting:
            self._emit()
        self._group, self._shown = [], ""
        self._groups += 1

    def _emit(self) -> None:
        self._waiting = False
        summary = together(self._group, f"group:{self._groups}")
        if self._shown and self._shown != summary.key:
            summary = replace(summary, instead_of=self._shown)
        self._shown = summary.key
        self._ready.append(summary)


def together(notices: list[Notice], key: str) -> Notice:
    """One notification for all of ``notices``: the only one, or a summary under ``key``."""
    notices = _without_echoes(notices)
    if len(notices) == 1:
        return notices[0]
    failed = [notice for notice in notices if notice.kind in FAILURES]
    return Notice(
        key=key,
        kind=failed[0].kind if failed else notices[0].kind,
        title=_title(notices, failed),
        body=tidy("; ".join(_clauses(notices)), BODY_LENGTH),
        urgency=max(notice.urgency for notice in notices),
        actions=(NoticeAction.OPEN, NoticeAction.SHOW_LOG) if failed else (NoticeAction.OPEN,),
    )


def _without_echoes(notices: list[Notice]) -> list[Notice]:
    """Drops a worker's crash during a benchmark: the failed benchmark reports it."""
    reported = {(notice.model, notice.body) for notice in notices if notice.kind is NoticeKind.BENCHMARK_FAILED}
    return [
        notice
        for notice in notices
        if notice.kind is not NoticeKind.MODEL_CRASHED or (notice.model, notice.body) not in reported
    ]


def _title(notices: list[Notice], failed: list[Notice]) -> str:
    kinds = {notice.kind for notice in notices}
    every = len(failed) == len(notices)
    if kinds <= _DOWNLOADS:
        return (
            _("Downloads failed") if every else _("Downloads ended, some failed") if failed else _("Downloads finished")
        )
    if kinds <= _BENCHMARKS:
        if every:
            return _("Benchmarks failed")
        return _("Benchmarks ended, some failed") if failed else _("Benchmarks finished")
    if kinds == {NoticeKind.MODEL_CRASHED}:
        return _("Models crashed")
    return _("Some jobs failed") if failed else _("Jobs finished")


def _clauses(notices: list[Notice]) -> list[str]:
    """The summary's text, one clause per kind."""
    by_kind = {kind: [notice.brief for notice in notices if notice.kind is kind] for kind in NoticeKind}
    fetched, unfetched = by_kind[NoticeKind.DOWNLOAD_FINISHED], by_kind[NoticeKind.DOWNLOAD_FAILED]
    measured, unmeasured = by_kind[NoticeKind.BENCHMARK_FINISHED], by_kind[NoticeKind.BENCHMARK_FAILED]
    crashed = by_kind[NoticeKind.MODEL_CRASHED]
    also = _n("{count} failed: {names}", "{count} failed: {names}", len(unfetched))
    lone = _n("{count} download failed: {names}", "{count} downloads failed: {names}", len(unfetched))
    clauses = [
        (_n("{count} download finished: {names}", "{count} downloads finished: {names}", len(fetched)), fetched),
        (also if fetched else lone, unfetched),
        (_n("{count} benchmark finished: {names}", "{count} benchmarks finished: {names}", len(measured)), measured),
        (_n("{count} benchmark failed: {names}", "{count} benchmarks failed: {names}", len(unmeasured)), unmeasured),
        (_n("{count} model crashed: {names}", "{count} models crashed: {names}", len(crashed)), crashed),
    ]
    return [text.format(count=len(names), names=_listed(names)) for text, names in clauses if names]


def _listed(names: list[str]) -> str:
    if len(names) <= NAMES:
        return ", ".join(names)
    others = len(names) - NAMES + 1
    more = _n("and {count} more", "and {count} more", others).format(count=others)
    return f"{', '.join(names[: NAMES - 1])} {more}"
