"""The actions of a card's buttons: each sends a request, and its failure is shown on that card."""

from collections.abc import Callable, Sequence

import dearpygui.dearpygui as dpg
from modeld.protocol.views import JobView, ModelView

from modelctl.client import Client
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.models.presenter import ModelAction, label
from modelctl.desktop.viewer.style import theme
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes
from modelctl.language.printable import one_line


class CardActions:
    """Performs what the user chose; ``failures`` holds each model's newest failure, for its card."""

    def __init__(self, ui: Ui, on_chat: Callable[[str], None], on_job: Callable[[JobView], None]) -> None:
        self._ui, self._on_chat, self._on_job = ui, on_chat, on_job
        self.failures: dict[str, str] = {}
        self.on_failures: Callable[[], None] = lambda: None
        self._asked: set[tuple[str, ModelAction]] = set()
        self._menu: Tag = 0
        self._question: Tag = 0

    def do(self, model: ModelView, job: JobView | None, do: ModelAction) -> None:
        """Perform the action; a second click before the daemon has answered the first does nothing."""
        match do:
            case ModelAction.CHAT:
                self._on_chat(model.key)
            case ModelAction.REMOVE:
                self._confirm_removal(model)
            case ModelAction.COPY_PATH:
                dpg.set_clipboard_text(model.path)
                self._ui.say(_("Copied: {path}").format(path=one_line(model.path)))
            case ModelAction.DOWNLOAD:
                self._ask(model.key, do, lambda client: client.pull(model.key), self._on_job)
            case _:
                call = _call(model.key, job.id if job is not None else "", do)
                self._ask(model.key, do, call)

    def menu(self, model: ModelView, entries: Sequence[ModelAction], button: Tag) -> None:
        """Open a card's menu below its button."""
        self.close()
        left, top = dpg.get_item_rect_min(button)
        height = dpg.get_item_rect_size(button)[1]
        self._menu = dpg.add_window(
            popup=True, pos=(int(left), int(top + height + 4)), autosize=True, min_size=(1, 1), no_saved_settings=True
        )
        for entry in entries:
            dpg.add_menu_item(
                label=label(entry),
                parent=self._menu,
                callback=lambda _s, _a, chosen: self._chosen(model, chosen),
                user_data=entry,
            )

    def close(self) -> bool:
        """Close the menu and the question; return whether one was open."""
        closed = False
        for item in (self._menu, self._question):
            if item and dpg.does_item_exist(item):
                closed = closed or dpg.is_item_shown(item)
                dpg.delete_item(item)
        self._menu = self._question = 0
        return closed

    def _dismissed(self) -> None:
        self.close()

    def _chosen(self, model: ModelView, do: ModelAction) -> None:
        self.close()
        self.do(model, None, do)

    def _ask(
        self,
        key: str,
        do: ModelAction,
        call: Callable[[Client], object],
        done: Callable[[JobView], None] | None = None,
    ) -> None:
        if (key, do) in self._asked:
            return
        self._asked.add((key, do))
        if self.failures.pop(key, None) is not None:
            self.on_failures()

        def succeeded(answer: object) -> None:
            self._asked.discard((key, do))
            if done is not None and isinstance(answer, JobView):
                done(answer)

        def failed(error: ModeldError) -> None:
            self._asked.discard((key, do))
            self.failures[key] = f"{explained(error.failure)} {advice(error.failure)}".strip()
            self.on_failures()

        self._ui.ask(call, succeeded, failed)

    def _confirm_removal(self, model: ModelView) -> None:
        """Ask before deleting a file: its download may have taken hours."""
        self.close()
        self._question = dpg.add_window(
            label=_("Remove {key}").format(key=model.key.upper()),
            modal=True,
            autosize=True,
            no_resize=True,
            no_saved_settings=True,
            no_collapse=True,
        )
        if model.in_place or not model.path:
            text = _("{name} is removed from the list. No file is deleted.")
        else:
            text = _("{name} is removed, and its file of {size} is deleted.")
        dpg.add_text(
            text.format(name=one_line(model.display_name), size=format_bytes(model.size_bytes)),
            parent=self._question,
            wrap=420,
        )
        dpg.add_spacer(parent=self._question, height=6)
        row = dpg.add_group(parent=self._question, horizontal=True)
        buttons = [(_("Remove"), False, theme.DANGER), (_("Remove, keep the file"), True, None)]
        for text, keep, style in buttons[: 1 if model.in_place else 2]:
            item = dpg.add_button(
                label=text, parent=row, callback=lambda _s, _a, kept: self._remove(model.key, kept), user_data=keep
            )
            if style is not None:
                dpg.bind_item_theme(item, style)
        dpg.add_button(label=_("Cancel"), parent=row, callback=self._dismissed)
        dpg.configure_item(self._question, pos=_centre(460, 160))

    def _remove(self, key: str, keep: bool) -> None:
        self.close()
        self._ask(key, ModelAction.REMOVE, lambda client: client.remove(key, keep_file=keep))


def _call(key: str, job: str, do: ModelAction) -> Callable[[Client], object]:
    """The request for an action."""
    calls: dict[ModelAction, Callable[[Client], object]] = {
        ModelAction.LOAD: lambda client: client.load(key, wait=False),
        ModelAction.UNLOAD: lambda client: client.unload(key, wait=False),
        ModelAction.CANCEL: lambda client: client.cancel(job=job) if job else client.cancel(model=key),
        ModelAction.PAUSE: lambda client: client.pause(model=key),
        ModelAction.RESUME: lambda client: client.resume(model=key),
        ModelAction.BENCHMARK: lambda client: client.benchmark([key]),
        ModelAction.PIN: lambda client: client.pin(key),
        ModelAction.UNPIN: lambda client: client.pin(key, False),
    }
    return calls[do]


def _centre(width: int, height: int) -> tuple[int, int]:
    """The centre position for a window of about this size."""
    return (
        max(0, (dpg.get_viewport_client_width() - width) // 2),
        max(0, (dpg.get_viewport_client_height() - height) // 3),
    )
