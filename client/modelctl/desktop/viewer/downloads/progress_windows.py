"""The progress windows: one per download; the user closes it after the download has ended."""

from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg
from modeld.protocol.views import JobView, Snapshot

from modelctl.client import Client
from modelctl.desktop.viewer.downloads.dialog_text import ProgressText, failure_text, find_job, progress_text
from modelctl.desktop.viewer.frame.dialog import dress, tight
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style import theme, tones
from modelctl.desktop.viewer.style.sizes import em, room
from modelctl.errors import ModeldError
from modelctl.language.catalogue import _

WIDTH_EM = 27
HEIGHT_EM = 16
"""The approximate height of a window."""

STEP_EM = 2.2


@dataclass
class _WindowItems:
    """The items of one window, its job, whether a snapshot has contained the job, and the last text."""

    window: Tag
    status: Tag
    bar: Tag
    lines: dict[str, Tag]
    detail: Tag
    buttons: dict[str, Tag]
    job: JobView
    shown: ProgressText | None = None
    refusal: str = ""
    place: int = 0
    seen: bool = False


class ProgressWindows:
    """All progress windows."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._open: list[_WindowItems] = []

    def open(self, job: JobView) -> None:
        """Open a window for ``job``, or bring its window to the front."""
        for items in self._open:
            if items.job.id == job.id:
                dpg.focus_item(items.window)
                return
        items = self._build(job)
        self._open.append(items)
        self._draw(items, progress_text(job))

    def show(self, snapshot: Snapshot | None) -> None:
        """Update every window to ``snapshot``."""
        for items in self._open:
            job = find_job(snapshot, items.job.id)
            if job is not None:
                items.job, items.seen = job, True
            elif snapshot is not None and not items.seen:
                continue  # the snapshot is older than the answer that started the download
            text = progress_text(items.job, known=job is not None, daemon_there=snapshot is not None)
            if text != items.shown:
                self._draw(items, text)

    def close(self) -> None:
        """Remove all windows; the downloads continue."""
        for items in self._open:
            if dpg.does_item_exist(items.window):  # a host program may have deleted all items
                dpg.delete_item(items.window)
        self._open.clear()

    def _build(self, job: JobView) -> _WindowItems:
        taken = {items.place for items in self._open}
        place = next(number for number in range(len(taken) + 1) if number not in taken)
        window = dpg.add_window(autosize=True, no_collapse=True, pos=_position(place), no_close=True)
        dress(window)
        status = dpg.add_text(parent=window)
        bar = dpg.add_progress_bar(parent=window, width=em(WIDTH_EM), height=em(1.5))
        block = dpg.add_group(parent=window)
        tight(block)
        lines = {name: dpg.add_text(parent=block) for name in ("downloaded", "speed", "eta")}
        detail = dpg.add_text(parent=window, wrap=em(WIDTH_EM), show=False)
        dpg.add_spacer(parent=window, height=em(0.2))
        row = dpg.add_group(parent=window, horizontal=True)
        items = _WindowItems(window, status, bar, lines, detail, {}, job, place=place)
        items.buttons = {
            "pause": self._button(row, _("Pause"), lambda: self._ask(items, _pause)),
            "resume": self._button(row, _("Resume"), lambda: self._ask(items, _resume)),
            "retry": self._button(row, _("Retry"), lambda: self._retry(items)),
            "cancel": self._button(row, _("Cancel"), lambda: self._ask(items, _cancel)),
            "close": self._button(row, _("Close"), lambda: self._close(items)),
        }
        dpg.bind_item_theme(items.buttons["resume"], theme.PRIMARY)
        dpg.bind_item_theme(items.buttons["retry"], theme.PRIMARY)
        dpg.bind_item_theme(items.buttons["cancel"], theme.DANGER)
        dpg.configure_item(window, on_close=lambda: self._ui.post(lambda: self._close(items)))
        return items

    def _button(self, row: Tag, label: str, action: Callable[[], None]) -> Tag:
        button: Tag = dpg.add_button(parent=row, label=label, callback=lambda: self._ui.post(action))
        return button

    def _draw(self, items: _WindowItems, text: ProgressText) -> None:
        if items.shown is None or text.status != items.shown.status:
            items.refusal = ""
        items.shown = text
        dpg.configure_item(items.window, label=text.title, no_close=not text.ended)
        dpg.set_value(items.status, text.status)
        dpg.configure_item(items.status, color=tones.text_colour(text.tone))
        dpg.set_value(items.bar, text.fraction)
        dpg.configure_item(items.bar, overlay=text.bar)
        dpg.bind_item_theme(items.bar, theme.stripe(tones.TONES[text.tone]))
        dpg.set_value(items.lines["downloaded"], text.downloaded)
        dpg.set_value(items.lines["speed"], text.speed)
        dpg.set_value(items.lines["eta"], text.eta)
        detail = "\n".join(part for part in (text.detail, items.refusal) if part)
        dpg.set_value(items.detail, detail)
        dpg.configure_item(items.detail, show=bool(detail))
        dpg.configure_item(items.buttons["pause"], show=not text.ended and not text.can_resume)
        dpg.configure_item(items.buttons["resume"], show=text.can_resume)
        dpg.configure_item(items.buttons["cancel"], show=not text.ended)
        dpg.configure_item(items.buttons["retry"], show=text.can_retry)
        dpg.configure_item(items.buttons["close"], enabled=text.ended)

    def _ask(self, items: _WindowItems, call: Callable[[Client, str], object]) -> None:
        """Send a request about this download; a refusal is shown in its window."""
        id_ = items.job.id
        self._ui.ask(lambda client: call(client, id_), None, lambda error: self._refused(items, error))

    def _retry(self, items: _WindowItems) -> None:
        """Start the download again, in the same window."""
        key = items.job.model
        self._ui.ask(
            lambda client: client.pull(key),
            lambda job: self._again(items, job),
            lambda error: self._refused(items, error),
        )

    def _again(self, items: _WindowItems, job: JobView) -> None:
        if items in self._open:
            items.job, items.seen = job, False
            self._draw(items, progress_text(job))

    def _refused(self, items: _WindowItems, error: ModeldError) -> None:
        if items in self._open and items.shown is not None:
            items.refusal = failure_text(error.failure)
            self._draw(items, items.shown)

    def _close(self, items: _WindowItems) -> None:
        if items in self._open and items.shown is not None and items.shown.ended:
            self._open.remove(items)
            dpg.delete_item(items.window)


def _pause(client: Client, job_id: str) -> object:
    return client.pause(job=job_id)


def _resume(client: Client, job_id: str) -> object:
    return client.resume(job=job_id)


def _cancel(client: Client, job_id: str) -> object:
    return client.cancel(job=job_id)


def _position(place: int) -> list[int]:
    """The position of the n-th window in the cascade, which starts over at the end of the screen."""
    across, down = room()
    step = em(STEP_EM)
    steps = max(1, (down - em(HEIGHT_EM + 1)) // step)
    again, number = divmod(place, steps)
    shift = step * number
    return [max(0, (across - em(WIDTH_EM)) // 2 - em(6)) + shift + em(3) * again, em(1) + shift]
