"""Where cards are, and what their buttons ask for."""

import dataclasses
from collections.abc import Callable

import pytest
from modelctl.client import Client
from modelctl.desktop.viewer.models import card_layout
from modelctl.desktop.viewer.models.card_actions import CardActions
from modelctl.desktop.viewer.models.card_layout import Metrics
from modelctl.desktop.viewer.models.presenter import Card, Gauge, ModelAction
from modelctl.errors import LocalFailure, ModeldError
from modelctl.language.model_card import BenchmarkFigures, ModelCard
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import ModelState
from modeld.protocol.views import ModelView

METRICS = Metrics.of(18)


PLAIN = ModelCard(
    title="M",
    ready=True,
    active="",
    loaded="",
    name="📝 M",
    description="",
    file="📁 m.gguf (1.0 GB)",
    context="",
    benchmarks=(),
    acceleration="",
    memory="",
    load_time="",
    failure=None,
)
MEASURED = dataclasses.replace(
    PLAIN,
    benchmarks=(BenchmarkFigures("⚡ Latest", ("• 1 tokens/sec", "• 1 ms", "• 1 MB")),),
    acceleration="🖥️ CPU Only",
    memory="🧮 Memory: 1 MB",
)
FULL = dataclasses.replace(
    MEASURED,
    description="💬 b",
    context="📊 d",
    benchmarks=(*MEASURED.benchmarks, BenchmarkFigures("⚡ Average", ("• 2 tokens/sec", "• 2 ms", "• 2 MB"))),
    load_time="⏱️ Load Time: 1.0s",
)


def card(texts: ModelCard = PLAIN, **fields: object) -> Card:
    whole: dict[str, object] = {
        "key": "m",
        "texts": texts,
        "marks": (),
        "tone": "blue",
        "context": None,
        "gauge": None,
        "failure": "",
        "actions": (),
        "more": (),
        "moving": False,
        **fields,
    }
    return Card(**whole)  # type: ignore[arg-type]  # a test names the fields it is about


def inside(layout: card_layout.CardLayout, width: int) -> bool:
    return all(
        line.x + line.width <= width and line.y + METRICS.line <= layout.height and line.width > 0
        for line in layout.lines
    )


@pytest.mark.parametrize("width", [400, 720, 900, 1200, 3000])
def test_no_line_of_a_full_card_leaves_it_or_meets_another(width: int) -> None:
    full = card(FULL, context=(1, 2), gauge=Gauge(0.5, "half", "purple"))

    layout = card_layout.layout(full, width, METRICS, failure_lines=2)

    assert inside(layout, width)
    assert layout.context_y is not None and layout.gauge_y is not None and layout.failure_y is not None
    assert max(line.y for line in layout.lines) + METRICS.line <= layout.context_y < layout.gauge_y < layout.failure_y
    places = [(line.x, line.y) for line in layout.lines]
    assert len(set(places)) == len(places)


def test_a_wide_card_is_lower_than_a_narrow_one() -> None:
    measured = card(MEASURED)

    assert card_layout.layout(measured, 1200, METRICS).height < card_layout.layout(measured, 500, METRICS).height


def test_every_text_of_a_card_is_somewhere_on_it_whatever_its_width() -> None:
    figures = [text for benchmark in FULL.benchmarks for text in (benchmark.heading, *benchmark.figures)]

    for width in (500, 1200):
        shown = " ".join(line.text for line in card_layout.layout(card(FULL), width, METRICS).lines)
        assert all(text in shown for text in (*FULL.about, *figures, *FULL.machine))


def test_the_name_and_the_figures_stand_out_and_the_figures_begin_below_the_words_of_their_heading() -> None:
    lines = {line.text: line for line in card_layout.layout(card(MEASURED), 1200, METRICS).lines}
    figures = lines["• 1 tokens/sec    • 1 ms    • 1 MB"]

    assert [text for text, line in lines.items() if line.tone == "text"] == ["📝 M", figures.text]
    assert figures.x == lines["⚡ Latest"].x + METRICS.line


def test_only_the_cards_on_the_screen_and_one_beyond_are_made() -> None:
    places = card_layout.tops([100] * 1000, gap=10)

    assert list(card_layout.seen(places, 0, 500)) == [0, 1, 2, 3, 4, 5]
    assert list(card_layout.seen(places, 1100, 220)) == [9, 10, 11, 12]
    assert list(card_layout.seen(places, places[-1] - 300, 300))[-1] == 999
    assert list(card_layout.seen([0], 0, 500)) == []


class FakeUi:
    """Keeps what was asked for; a test answers."""

    def __init__(self) -> None:
        self.asked: list[
            tuple[Callable[[Client], object], Callable[[object], None], Callable[[ModeldError], None]]
        ] = []
        self.said: list[str] = []

    def post(self, action: Callable[[], object], *, once: bool = False) -> None:
        action()

    def ask(self, call, done=None, failed=None) -> None:  # type: ignore[no-untyped-def]
        self.asked.append((call, done, failed))

    def say(self, text: str, *, error: bool = False) -> None:
        self.said.append(text)


class FakeClient:
    """Records the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*values: object, **named: object) -> None:
            self.calls.append(f"{name}{values}{named}")

        return call


MODEL = ModelView(key="m", state=ModelState.ON_DISK, display_name="M", path="/m.gguf", size_bytes=1)
FAILURE = ModeldError(LocalFailure(code=ErrorCode.INTERNAL, message="No memory.", hint="Unload one."))


@pytest.mark.parametrize(
    ("do", "call"),
    [
        (ModelAction.LOAD, "load('m',){'wait': False}"),
        (ModelAction.UNLOAD, "unload('m',){'wait': False}"),
        (ModelAction.BENCHMARK, "benchmark(['m'],){}"),
        (ModelAction.DOWNLOAD, "pull('m',){}"),
        (ModelAction.PIN, "pin('m',){}"),
        (ModelAction.UNPIN, "pin('m', False){}"),
        (ModelAction.CANCEL, "cancel(){'model': 'm'}"),
    ],
)
def test_a_button_asks_the_daemon_for_what_it_says(do: ModelAction, call: str) -> None:
    ui, client = FakeUi(), FakeClient()
    CardActions(ui, lambda key: None, lambda job: None).do(MODEL, None, do)

    ui.asked[0][0](client)  # type: ignore[arg-type]  # it answers to the same names

    assert client.calls == [call]


def test_a_failure_is_kept_for_its_card_until_the_next_attempt() -> None:
    ui = FakeUi()
    actions = CardActions(ui, lambda key: None, lambda job: None)
    actions.do(MODEL, None, ModelAction.LOAD)

    ui.asked[0][2](FAILURE)
    assert actions.failures == {"m": "No memory. Unload one."}

    actions.do(MODEL, None, ModelAction.LOAD)
    assert actions.failures == {}


def test_a_second_click_waits_for_the_answer_to_the_first() -> None:
    ui = FakeUi()
    actions = CardActions(ui, lambda key: None, lambda job: None)
    actions.do(MODEL, None, ModelAction.LOAD)
    actions.do(MODEL, None, ModelAction.LOAD)
    assert len(ui.asked) == 1

    ui.asked[0][1](None)
    actions.do(MODEL, None, ModelAction.LOAD)
    assert len(ui.asked) == 2


def test_chat_is_opened_with_the_model() -> None:
    chosen: list[str] = []
    CardActions(FakeUi(), chosen.append, lambda job: None).do(MODEL, None, ModelAction.CHAT)

    assert chosen == ["m"]
