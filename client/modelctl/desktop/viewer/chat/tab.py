"""The chat tab: chat with a model, and watch its context fill."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import dearpygui.dearpygui as dpg
from modeld.protocol.events import AnyEvent
from modeld.protocol.requests import Message
from modeld.protocol.views import Generation, ModelView, Snapshot

from modelctl.client import Client, GenerationStream
from modelctl.desktop.viewer.chat import chat_models
from modelctl.desktop.viewer.chat.bubbles import Bubbles
from modelctl.desktop.viewer.chat.conversation import Conversation, Exchange
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.models.context_bar import ContextBar
from modelctl.desktop.viewer.style.sizes import em
from modelctl.desktop.viewer.style.theme import DANGER, PALETTE, PRIMARY
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.catalogue import _


class ChatTab:
    """The chat tab. An answer streams in a thread of ``ui.ask``; each frame shows what has arrived."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._conversation = Conversation()
        self._pieces: deque[str] = deque()
        self._models: Sequence[ModelView] | None = None
        self._wanted = ""
        self._away = True
        self._answer: _Answer | None = None

    def build(self, parent: Tag) -> None:
        """Create the items."""
        top = dpg.add_group(parent=parent, horizontal=True)
        self._list = dpg.add_combo(
            [], parent=top, width=em(26), callback=lambda _s, value: self._ui.post(lambda: self._pick(value))
        )
        dpg.add_button(label=_("Clear"), parent=top, callback=lambda: self._ui.post(self._clear))
        self._bubbles = Bubbles(self._ui, parent, -em(11), self._copy)
        self._bar = ContextBar(parent)
        low = dpg.add_group(parent=parent, horizontal=True)
        self._input = dpg.add_input_text(
            parent=low,
            multiline=True,
            width=-em(8),
            height=em(4.4),
            on_enter=True,
            ctrl_enter_for_new_line=True,
            callback=lambda: self._ui.post(self._send),
        )
        buttons = dpg.add_group(parent=low)
        self._button = dpg.add_button(
            label=_("Send"), parent=buttons, width=-1, height=em(2.4), callback=lambda: self._ui.post(self._pressed)
        )
        dpg.add_text(_("Enter sends, Ctrl+Enter begins a new line."), parent=parent, color=PALETTE.faint)
        self._show_answering()
        self._show_models()

    def show(self, snapshot: Snapshot | None) -> None:
        """Update the model list and the context bar to ``snapshot``."""
        models = chat_models.talkable(snapshot) if snapshot is not None else []
        if models != self._models or self._away != (snapshot is None):
            self._models, self._away = models, snapshot is None
            self._show_models()

    def on_event(self, event: AnyEvent) -> None:
        """Ignore events: a refused prompt or a full context of this chat is reported by its answer."""

    def choose(self, key: str) -> None:
        """Select this model if it is on disk."""
        self._wanted = key
        self._show_models()
        dpg.focus_item(self._input)

    def close(self) -> None:
        """Stop the running answer, if any."""
        if self._answer is not None:
            self._answer.stop()

    @property
    def _model(self) -> ModelView | None:
        return chat_models.choice(self._models or (), self._wanted)

    def _show_models(self) -> None:
        models, model = self._models or (), self._model
        dpg.configure_item(self._list, items=[chat_models.label(each) for each in models])
        dpg.set_value(self._list, chat_models.label(model) if model is not None else "")
        dpg.configure_item(self._button, enabled=model is not None or self._answer is not None)
        loaded = model.loaded if model is not None else None
        self._bar.show(loaded.context_used if loaded else 0, loaded.context_size if loaded else 0)
        self._bar.hide(loaded is None)
        if self._away:
            self._bubbles.say_empty(_("modeld is not running. Start it with: modelctl up"))
        elif model is None:
            self._bubbles.say_empty(_("No model is on disk yet. Download or add one first."))
        else:
            self._bubbles.say_empty(_("No messages yet. Ask {key} something.").format(key=model.key.upper()))
        self._show_bubbles()

    def _pick(self, value: str) -> None:
        picked = next((model for model in self._models or () if chat_models.label(model) == value), None)
        if picked is not None:
            self._wanted = picked.key
        self._show_models()

    def _pressed(self) -> None:
        if self._answer is not None:
            self._answer.stop()
        else:
            self._send()

    def _send(self) -> None:
        model, question = self._model, dpg.get_value(self._input).strip()
        if model is None or not question or self._answer is not None:
            return
        self._wanted = model.key
        messages = self._conversation.ask(model.key, question)
        self._answer = answer = _Answer(model.key, messages, self._received)
        dpg.set_value(self._input, "")
        dpg.focus_item(self._input)
        self._show_answering()
        self._ui.ask(answer.run, self._ended, self._failed)

    def _received(self, piece: str) -> None:
        """Runs in the answer's thread: a chunk has arrived."""
        self._pieces.append(piece)
        self._ui.post(self._add_pieces, once=True)

    def _add_pieces(self) -> None:
        """Show the chunks that arrived since the last frame."""
        arrived = [self._pieces.popleft() for _number in range(len(self._pieces))]
        if arrived:
            self._conversation.add("".join(arrived))
            self._show_bubbles()

    def _ended(self, generation: Generation) -> None:
        self._add_pieces()
        self._conversation.end(generation)
        self._over()

    def _failed(self, error: ModeldError) -> None:
        self._add_pieces()
        why = explained(error.failure)
        question = self._conversation.fail(f"{why}\n{advice(error.failure)}" if error.hint else why)
        if not dpg.get_value(self._input):  # restore the question, unless the user has typed something else
            dpg.set_value(self._input, question)
        self._over()

    def _over(self) -> None:
        self._answer = None
        self._show_answering()

    def _show_answering(self) -> None:
        answering = self._answer is not None
        dpg.configure_item(self._button, label=_("Stop") if answering else _("Send"))
        dpg.bind_item_theme(self._button, DANGER if answering else PRIMARY)
        self._show_bubbles()

    def _show_bubbles(self) -> None:
        self._bubbles.show(self._conversation.exchanges, chat_models.waiting(self._asked()))

    def _asked(self) -> ModelView | None:
        """The model that is answering now."""
        current = self._conversation.current
        key = current.model if current is not None else ""
        return next((model for model in self._models or () if model.key == key), None)

    def _clear(self) -> None:
        if self._answer is not None:
            self._ui.say(_("Stop the answer first."))
            return
        self._conversation.clear()
        self._show_bubbles()

    def _copy(self, exchange: Exchange) -> None:
        self._ui.post(lambda: dpg.set_clipboard_text(exchange.answer))
        self._ui.say(_("The answer is copied."))


class _Answer:
    """A running answer: ``run`` in its own thread, ``stop`` from any other."""

    def __init__(self, model: str, messages: Sequence[Message], on_piece: Callable[[str], None]) -> None:
        self._model, self._messages, self._on_piece = model, messages, on_piece
        self._lock = threading.Lock()
        self._stream: GenerationStream | None = None
        self._stopped = False

    def run(self, client: Client) -> Generation:
        """Ask, and pass on the chunks; return how the answer ended."""
        with client.stream_chat(self._model, self._messages) as stream:
            with self._lock:
                self._stream = stream
                if self._stopped:
                    stream.stop()
            for chunk in stream:
                self._on_piece(chunk.text)
            return stream.generation

    def stop(self) -> None:
        """Stop the answer soon; its text so far is kept."""
        with self._lock:
            self._stopped = True
            if self._stream is not None:
                self._stream.stop()
