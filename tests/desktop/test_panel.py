"""The panel, built without a screen: its buttons and tabs, what it says of events, and the states without a daemon."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dearpygui.dearpygui as dpg
import msgspec
import pytest
from modelctl.client import Client
from modelctl.desktop.viewer.frame import panel, toolbar, window_position
from modelctl.desktop.viewer.frame.drawing_thread import DrawingThread
from modelctl.desktop.viewer.frame.panel import Panel
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.frame.window_position import Geometry
from modelctl.desktop.viewer.models import empty_state
from modelctl.desktop.viewer.models.empty_state import EmptyReason
from modelctl.desktop.viewer.style import theme
from modeld.places import Places
from modeld.protocol import events, views
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState, ModelState

AT = "2026-01-02T03:04:05+00:00"


@pytest.fixture
def ui(places: Places) -> Iterator[Ui]:
    """In a context that has a viewport, which is never shown."""
    dpg.create_context()
    dpg.create_viewport(width=1200, height=760)
    with Client(places) as client:
        yield Ui(client, DrawingThread())
    dpg.destroy_context()


@pytest.fixture
def built(ui: Ui) -> Iterator[Panel]:
    theme.make()
    made = Panel(ui)
    made.build(dpg.add_window())
    yield made
    made.close()


def snapshot(*models: views.ModelView) -> views.Snapshot:
    return views.Snapshot(
        epoch="e",
        seq=1,
        at=AT,
        daemon=views.DaemonView(version="1.2", pid=1, started_at=AT),
        system=views.SystemView(),
        models=[*models],
        jobs=[],
    )


def labels(kind: str) -> list[str]:
    """The labels of all items of a kind, in the order they were made."""
    items = [item for item in dpg.get_all_items() if dpg.get_item_info(item)["type"] == f"mvAppItemType::mv{kind}"]
    return [dpg.get_item_label(item) or "" for item in sorted(items)]


def shown_texts() -> list[str]:
    items = [item for item in dpg.get_all_items() if dpg.get_item_info(item)["type"] == "mvAppItemType::mvText"]
    return [dpg.get_value(item) for item in items if dpg.is_item_shown(item)]


def enabled(label: str) -> bool:
    item = next(item for item in dpg.get_all_items() if dpg.get_item_label(item) == label)
    return bool(dpg.is_item_enabled(item))


LOADED = views.ModelView(
    key="m", state=ModelState.LOADED, display_name="M", loaded=views.LoadedView(run=1, context_size=8)
)


def test_the_five_buttons_are_in_order(built: Panel) -> None:
    assert labels("Button")[:5] == ["🔄 Refresh", "📥 Download", "⚡ Benchmark", "🔍 Compare", "🔴 Unload All"]
    assert toolbar.labels() == labels("Button")[:5]


def test_the_tabs_are_there(built: Panel) -> None:
    assert labels("Tab") == ["Models", "Downloads", "History", "System", "Log", "Chat"]


def test_with_a_daemon_the_toolbar_has_its_version_and_every_button_works(built: Panel) -> None:
    built.show(snapshot(LOADED))

    assert "modeld 1.2" in shown_texts()
    assert all(enabled(label) for label in toolbar.labels())


def test_unload_all_rests_while_nothing_is_loaded(built: Panel) -> None:
    built.show(snapshot())

    assert not enabled("🔴 Unload All")


def test_while_the_daemon_is_away_only_refresh_works_and_the_panel_says_what_to_do(built: Panel) -> None:
    built.show(snapshot(LOADED))
    built.show(None)

    assert [label for label in toolbar.labels() if enabled(label)] == ["🔄 Refresh"]
    assert shown_texts().count("modeld is not reachable") == 2
    assert "Start modeld" in labels("Button")


def test_a_panel_that_was_shown_nothing_yet_looks_for_the_daemon(built: Panel) -> None:
    assert "Looking for modeld…" in shown_texts()


def test_a_panel_that_goes_takes_its_dialogs_and_progress_windows_along(ui: Ui) -> None:
    theme.make()
    made = Panel(ui)
    made.build(dpg.add_window())
    before = labels("WindowAppItem")
    absent = views.ModelView(key="n", state=ModelState.ABSENT, display_name="N")
    made.show(snapshot(LOADED, absent))
    for name in toolbar.labels()[1:4]:
        button = next(item for item in dpg.get_all_items() if dpg.get_item_label(item) == name)
        dpg.get_item_callback(button)()
    made._transfers.open(views.JobView(id="j", kind=JobKind.PULL, model="n", state=JobState.RUNNING, created_at=AT))
    assert len(labels("WindowAppItem")) == len(before) + 4

    made.close()

    assert labels("WindowAppItem") == before


def test_a_daemon_without_models_leads_to_the_first_one(built: Panel) -> None:
    built.show(snapshot())
    assert "No models yet" in shown_texts()

    built.show(snapshot(views.ModelView(key="m", state=ModelState.ABSENT, display_name="M")))
    assert "No model is on disk yet" in shown_texts()


def test_when_the_daemon_is_back_nothing_says_any_more_that_it_stops(built: Panel) -> None:
    built.show(snapshot(LOADED))
    built._say(panel.message_for(events.DaemonStopping()), False)
    built.show(None)
    assert "modeld is stopping." in shown_texts()

    built.show(snapshot(LOADED))

    assert built._message_bar.text == ""


def test_every_reason_for_an_empty_list_has_words() -> None:
    assert all(title and text for title, text, _button in map(empty_state.words, EmptyReason))


def test_only_the_machines_figures_need_no_new_frame_on_other_tabs(built: Panel) -> None:
    first = snapshot(LOADED)
    assert built.show(first)

    busier = msgspec.structs.replace(first, seq=2, system=views.SystemView(cpu_percent=50.0))
    assert not built.show(busier)
    assert built.show(msgspec.structs.replace(busier, seq=3, models=[]))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (events.ContextRefused(model="m", prompt_tokens=9, size=8), "M: the prompt has 9 tokens, the context 8."),
        (events.ContextFull(model="m", size=8), "M: the context of 8 tokens is full"),
        (events.ModelChanged(model=LOADED, reason="unloaded for phi"), "M: unloaded for phi"),
        (events.DaemonStopping(), "modeld is stopping."),
    ],
)
def test_an_event_without_a_trace_is_told(event: events.AnyEvent, said: str) -> None:
    assert panel.message_for(event).startswith(said)


def test_a_plain_change_is_not_told() -> None:
    assert panel.message_for(events.ModelChanged(model=LOADED)) == ""


def test_the_window_comes_back_where_it_was(places: Places) -> None:
    kept = Geometry(width=900, height=700, x=10, y=20)
    window_position.write(places, kept)

    assert window_position.read(places) == kept


@pytest.mark.parametrize("content", [b"", b"nonsense", b'{"width":"x"}', b"[]"])
def test_a_spoilt_file_is_forgotten(places: Places, content: bytes) -> None:
    places.state_dir.mkdir(parents=True)
    window_position.file(places).write_bytes(content)

    assert window_position.read(places) == Geometry()


def test_a_size_or_place_off_the_screen_is_made_sensible(places: Places) -> None:
    window_position.write(places, Geometry(width=5, height=10**6, x=-500, y=30))

    assert window_position.read(places) == Geometry(width=window_position.MIN_WIDTH, height=16_000, x=-1, y=30)


@pytest.mark.parametrize(
    ("display", "said"),
    [("", "There is no display"), (":987", "The display :987 cannot be opened")],
    ids=["none", "dead"],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_the_verb_says_so_and_ends(tmp_path: Path, display: str, said: str) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")},
        "MODELD_HOME": str(tmp_path),
        "MODELCTL_LANGUAGE": "en",
        **({"DISPLAY": display} if display else {}),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "modelctl", "viewer"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert said in ended.stderr
    assert "hint:" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (Geometry(width=1200, height=760), Geometry(width=1200, height=760, x=40, y=20)),
        (Geometry(width=3000, height=2000), Geometry(width=1280, height=800, x=0, y=0)),
        (Geometry(width=800, height=600, x=30, y=40), Geometry(width=800, height=600, x=30, y=40)),
        (Geometry(width=800, height=600, x=5000, y=40), Geometry(width=800, height=600, x=560, y=40)),
    ],
    ids=["no place", "larger than the display", "as it was", "on a display that is gone"],
)
def test_the_window_is_placed_on_the_display_there_is(kept: Geometry, expected: Geometry):
    assert window_position.placed(kept, (0, 0, 1280, 800)) == expected
    assert window_position.placed(kept, None) == kept


def values() -> list[str]:
    """The texts and labels of all items."""
    items = dpg.get_all_items()
    return [text for item in items for text in (dpg.get_value(item), dpg.get_item_label(item)) if isinstance(text, str)]


def test_a_daemon_that_does_not_respond_is_marked_until_it_responds(built: Panel) -> None:
    built.show(snapshot())
    built.silence(True)
    assert "modeld does not respond" in values()
    assert "modeld does not respond. What is shown may be out of date." in values()
    built.silence(False)
    assert "modeld 1.2" in values() and "modeld does not respond" not in values()
    assert not built._message_bar.text


def test_no_item_holds_a_control_character_of_others(built: Panel) -> None:
    hostile = "bad\x1b]0;pwned\x07\x9b31m\u202e"
    model = views.ModelView(
        key="m",
        state=ModelState.ON_DISK,
        display_name=hostile,
        description=hostile,
        path=f"/{hostile}.gguf",
        failure=Failure(code=ErrorCode.LOAD_FAILED, message=hostile, hint=hostile),
    )
    built.show(snapshot(model))
    built._open_downloads()
    built.on_event(events.ModelChanged(model=model, reason=hostile))
    built._ui.drawing.drain()
    shown = values()
    assert [text for text in shown if "pwned" in text]
    assert not [text for text in shown if set(text) & set("\x1b\x07\x9b\u202e")]


def test_unsaved_changes_are_shown_until_they_are_saved(built: Panel) -> None:
    full = Failure(code=ErrorCode.DISK_FULL, message="The disk is full.", hint="Free some space.")
    saved = snapshot()
    built.show(msgspec.structs.replace(saved, daemon=msgspec.structs.replace(saved.daemon, not_saving=full)))
    assert built._message_bar.text == "The disk is full.\nFree some space."
    assert "modeld is not saving" in values()
    built.show(saved)
    assert not built._message_bar.text
    assert "modeld 1.2" in values()
