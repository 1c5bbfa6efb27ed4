"""Turns the daemon's events into desktop notifications.

notices = DesktopNotices(client, preferences.read(places).notifications)
keep_following(client.transport, notices.on_change, stop)
notices.close()
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from modeld.protocol.views import Change

from modelctl import errors
from modelctl.client import Client
from modelctl.desktop import viewer_process
from modelctl.desktop.notices import actions, backend_chain
from modelctl.desktop.notices.backend import NotifierBackend
from modelctl.desktop.notices.news import AnyNews, JobEnded, NewsReader, kind_of
from modelctl.desktop.notices.notice import Notice, NoticeAction
from modelctl.desktop.notices.notifier import Notifier
from modelctl.desktop.notices.notifier_lock import NotifierLock
from modelctl.desktop.notices.wording import action_failed, worded
from modelctl.preferences import Notifications

if TYPE_CHECKING:
    from modeld.protocol.events import AnyEvent

    from modelctl.follow import Mirror

log = logging.getLogger("modelctl.desktop.notices")


class DesktopNotices:
    """Notifies about ended jobs and failures; silent while ``viewer_focused()``, since the viewer shows them anyway.

    The caller closes ``client``. ``viewer`` opens the viewer (by default as a separate process); a click calls it in
    the notifier's thread. Only one program per home notifies at a time.
    """

    def __init__(
        self,
        client: Client,
        wanted: Notifications,
        *,
        viewer_focused: Callable[[], bool] = lambda: False,
        viewer: Callable[[], None] | None = None,
        backends: Sequence[NotifierBackend] | None = None,
    ) -> None:
        self._client = client
        self._wanted: dict[str, bool] = msgspec.structs.asdict(wanted)
        self._viewer_focused = viewer_focused
        self._viewer = viewer
        self._notifier_lock = NotifierLock(client.transport.places)
        self._reader = NewsReader()
        self._notifier = Notifier(
            backend_chain.BackendChain(backend_chain.found(self.clicked) if backends is None else backends)
        )

    def on_change(self, mirror: "Mirror | None", event: "AnyEvent | None") -> None:
        """A callback for ``keep_following``; returns quickly and does not raise."""
        if mirror is None or mirror.stale:
            return
        for news in self._reader.read(event, mirror.snapshot):
            if self._wanted[kind_of(news)]:
                self._notifier.post(partial(self._worded, news))

    def clicked(self, notice: Notice, action: NoticeAction) -> None:
        """Perform what the user chose on a notification; may be called from any thread."""

        def act() -> Notice | None:
            wrong = actions.act(self._client, notice, action, self._viewer or partial(self._open_viewer, notice))
            return action_failed(notice, wrong) if wrong else None

        self._notifier.post(act)

    def close(self) -> bool:
        """Show pending notices and stop within three seconds; return False if a thread still uses the client."""
        ended = self._notifier.close()
        self._notifier_lock.release()
        return ended

    def _open_viewer(self, notice: Notice) -> None:
        viewer_process.start(lambda why: self._notifier.post(lambda: action_failed(notice, why)))

    def _worded(self, news: AnyNews) -> Notice | None:
        if self._viewer_focused() or not self._notifier_lock.acquire():
            return None
        return worded(news, self._change(news) if isinstance(news, JobEnded) else None)

    def _change(self, news: JobEnded) -> Change | None:
        """How a benchmark compares with the previous run; None if that is unknown."""
        run = news.job.benchmark
        if run is None:
            return None
        try:
            history = self._client.results(news.job.model, 2)
        except errors.ModeldError as error:
            log.info("The change since the previous run is unknown: %s", error.message)
            return None
        return history.change if history.runs and history.runs[-1].id == run.id else None
