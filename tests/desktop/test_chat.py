"""The chat: the conversation by itself, and the tab with a real daemon and a tiny model; no window is needed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import dearpygui.dearpygui as dpg
import pytest
from modelctl import Client
from modelctl.client import Message
from modelctl.desktop.viewer.chat import chat_models
from modelctl.desktop.viewer.chat.conversation import Conversation, figures
from modelctl.desktop.viewer.chat.tab import ChatTab
from modelctl.follow import keep_following
from modeld.protocol.states import ModelState
from modeld.protocol.views import DaemonView, Generation, Snapshot, SystemView
from support import tiny_gguf
from support.desktop.headless_ui import BenchUi, find, items, texts
from support.fake_daemon import FakeDaemon, model_of
from support.real_daemon import RealDaemon

CONTEXT = 256


def generation_of(text: str = "Paris", finish: str = "stop", **numbers: float) -> Generation:
    fields: dict[str, float] = {
        "prompt_tokens": 5,
        "cached_tokens": 0,
        "completion_tokens": 10,
        "prefill_ms": 20.0,
        "decode_ms": 500.0,
        "first_token_ms": 70.0,
        "context_used": 15,
        "context_size": CONTEXT,
    }
    return Generation(model="m", text=text, finish=finish, **(fields | numbers))  # type: ignore[arg-type]  # by name


def test_a_question_is_sent_with_everything_that_was_answered() -> None:
    talk = Conversation()
    talk.ask("m", "one?")
    talk.end(generation_of("1"))
    talk.ask("m", "two?")
    talk.fail("refused")

    sent = talk.ask("m", "three?")

    assert sent == [
        Message(role="user", content="one?"),
        Message(role="assistant", content="1"),
        Message(role="user", content="three?"),
    ]


def test_a_failure_gives_the_question_back_and_keeps_what_there_is_of_the_answer() -> None:
    talk = Conversation()
    talk.ask("m", "why?")
    talk.add("because ")

    assert talk.fail("the worker crashed") == "why?"

    last = talk.exchanges[-1]
    assert (last.answer, last.note, last.error) == ("because ", "the worker crashed", True)
    assert talk.current is None


def test_a_full_context_is_said_where_the_answer_ends() -> None:
    talk = Conversation()
    talk.ask("m", "why?")

    talk.end(generation_of(finish="context_full"))

    assert "the context of 256 tokens is full" in talk.exchanges[-1].note
    assert talk.exchanges[-1].counts


def test_a_piece_that_comes_after_the_end_is_dropped() -> None:
    talk = Conversation()
    talk.ask("m", "why?")
    talk.end(generation_of("whole"))

    talk.add(" late")

    assert talk.exchanges[-1].answer == "whole"


def test_the_figures_are_tokens_rate_and_first_token() -> None:
    assert figures(generation_of()) == "10 tokens  ·  20.0 tokens/s  ·  first token after 70 ms"
    assert figures(generation_of(completion_tokens=0, decode_ms=0.0)) == "0 tokens"


def test_exchanges_are_bounded() -> None:
    talk = Conversation(kept=3)

    for number in range(1000):
        talk.ask("m", str(number))
        talk.end(generation_of())

    assert [exchange.question for exchange in talk.exchanges] == ["997", "998", "999"]


def test_loaded_models_come_first_and_those_without_a_file_not_at_all() -> None:
    fake = [
        model_of("phi", ModelState.ON_DISK),
        model_of("absent", ModelState.ABSENT),
        model_of("mistral", ModelState.LOADED),
    ]
    daemon = DaemonView(version="1", pid=1, started_at="")
    snapshot = Snapshot(epoch="e", seq=1, at="", daemon=daemon, system=SystemView(), models=fake, jobs=[])
    found = chat_models.talkable(snapshot)

    assert [model.key for model in found] == ["mistral", "phi"]
    assert chat_models.choice(found, "phi") is found[1]
    assert chat_models.choice(found, "gone") is found[0]


class Talk:
    """The tab with a daemon behind it, kept up as the viewer does."""

    def __init__(self, window: int, client: Client) -> None:
        self.ui = BenchUi(client)
        self.tab = ChatTab(self.ui)
        self.tab.build(window)
        self.window = window
        self.used: list[int] = []
        self.snapshot: Snapshot | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=keep_following,
            args=(client.transport, lambda mirror, _: self.show(mirror.snapshot if mirror else None), self._stop),
        )
        self._thread.start()

    def show(self, snapshot: Snapshot | None) -> None:
        self.ui.post(lambda: self._show(snapshot))

    def _show(self, snapshot: Snapshot | None) -> None:
        self.snapshot = snapshot
        self.tab.show(snapshot)
        for model in snapshot.models if snapshot else ():
            if model.loaded is not None and model.loaded.context_used not in self.used[-1:]:
                self.used.append(model.loaded.context_used)

    def until_says(self, part: str) -> None:
        self.ui.run_until(lambda: part in self.says(), lambda: f"{part!r} in {self.says()!r}")

    def says(self) -> str:
        return " | ".join(texts(self.window))

    @property
    def input(self) -> int:
        return find(self.window, "mvInputText")[0]

    def send(self, text: str) -> None:
        dpg.set_value(self.input, text)
        self.button("Send")

    def button(self, label: str) -> None:
        """Press a button."""
        found = next(item for item in find(self.window, "mvButton") if dpg.get_item_label(item) == label)
        dpg.get_item_callback(found)()
        self.ui.run()

    def close(self) -> None:
        self.tab.close()
        self._stop.set()
        self._thread.join(30)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealDaemon]:
    home = tmp_path / "home"
    home.mkdir()
    running = RealDaemon(home, {"MODELD_TRAY": "0"})
    with Client(running.places) as client:
        client.add("tiny", str(tiny_gguf.write(tmp_path / "tiny.gguf", context=CONTEXT)))
    yield running
    running.stop()


@pytest.fixture
def talk(window: int, real: RealDaemon) -> Iterator[Talk]:
    with Client(real.places) as client:
        opened = Talk(window, client)
        opened.ui.run_until(lambda: opened.snapshot is not None, "the models")
        opened.tab.choose("tiny")
        yield opened
        opened.close()


def test_the_bar_moves_while_the_model_that_was_loaded_for_it_answers(talk: Talk) -> None:
    talk.until_says("Ask TINY something")

    talk.send("hello")
    talk.until_says("tokens/s")

    assert dpg.get_value(talk.input) == ""
    assert talk.used[-1] > 0
    assert talk.used == sorted(talk.used)
    talk.until_says(f"{talk.used[-1]}/{CONTEXT} tokens")


def test_a_prompt_that_is_too_long_is_refused_in_words_and_stays_in_the_input(talk: Talk) -> None:
    talk.until_says("Ask TINY something")
    long = "x" * 4 * CONTEXT

    talk.send(long)
    talk.until_says("Nothing was cut")

    assert dpg.get_value(talk.input) == long
    assert "Shorten the prompt" in talk.says()


def test_the_end_of_the_daemon_is_shown_where_it_happened_and_afterwards(talk: Talk, real: RealDaemon) -> None:
    talk.until_says("Ask TINY something")
    real.stop()
    talk.ui.run_until(lambda: talk.snapshot is None, "the daemon away")

    assert "modeld is not running" in talk.says()
    assert not dpg.get_item_configuration(next(iter(find(talk.window, "mvButton")[-1:])))["enabled"]


def test_stop_ends_an_answer_that_does_not_come(window: int, fake_daemon: FakeDaemon) -> None:
    fake_daemon.hold_generation = True
    with Client(fake_daemon.places) as client:
        talk = Talk(window, client)
        talk.until_says("Ask MISTRAL something")
        talk.send("hello")
        assert "Stop" in talk.says()

        talk.button("Stop")
        talk.until_says("Stopped.")

        assert "Send" in talk.says()
        talk.close()


def test_a_hundred_thousand_changes_leave_no_more_items_than_one(window: int) -> None:
    tab = ChatTab(BenchUi())
    tab.build(window)
    busy, loaded = model_of("mistral", ModelState.BUSY), model_of("mistral", ModelState.LOADED)
    daemon = DaemonView(version="1", pid=1, started_at="")
    system = SystemView()
    snapshots = [
        Snapshot(epoch="e", seq=1, at="", daemon=daemon, system=system, models=[model], jobs=[])
        for model in (busy, loaded)
    ]
    tab.show(snapshots[0])
    before = items(window)

    for number in range(100_000):
        tab.show(snapshots[number % 2])

    assert items(window) == before
