"""The context bar: texts, colours and its part of the whole; how it looks is tested on the desktop."""

import dearpygui.dearpygui as dpg
import pytest
from modelctl.desktop.viewer.models.context_bar import COLOURS, ContextBar, ContextWindowVisualizer
from support.desktop.headless_ui import find, items, texts


@pytest.mark.parametrize(
    ("used", "size", "written", "colour"),
    [
        (158, 8192, ["158/8192 tokens", "1.9%"], "green"),
        (499, 1000, ["499/1000 tokens", "49.9%"], "green"),
        (500, 1000, ["500/1000 tokens", "50.0%"], "orange"),
        (800, 1000, ["800/1000 tokens", "80.0%"], "orange"),
        (801, 1000, ["801/1000 tokens", "80.1%"], "red"),
        (8192, 8192, ["8192/8192 tokens", "100.0%"], "red"),
    ],
)
def test_the_bar_says_its_numbers_in_the_colour_of_how_full_it_is(
    window: int, used: int, size: int, written: list[str], colour: str
) -> None:
    ContextBar(window).show(used, size)

    assert list(texts(window)) == written
    shown = dpg.get_item_configuration(find(window, "mvText")[1])["color"]
    assert tuple(round(255 * part) for part in shown[:3]) == COLOURS[colour]
    assert dpg.get_value(find(window, "mvProgressBar")[0]) == pytest.approx(used / size)


def test_a_bar_that_shows_the_same_again_is_not_touched(window: int) -> None:
    bar = ContextBar(window)
    bar.show(1, 2)
    dpg.set_value(find(window, "mvText")[0], "touched")

    bar.show(1, 2)

    assert "touched" in texts(window)


def test_the_visualization_has_the_words_of_the_documentation(window: int) -> None:
    tag = dpg.add_group(tag="mine", parent=window)

    ContextWindowVisualizer.create_visualization(158, 8192, "mine")

    assert list(texts(tag)) == ["Context: 158/8192 tokens", "1.9%"]


@pytest.mark.parametrize(
    ("used", "size"), [(0, 0), (5, 0), (-5, 10), (None, None), ("x", []), (float("nan"), float("inf")), (9, 3)]
)
def test_numbers_without_sense_are_drawn_and_never_raised(window: int, used: object, size: object) -> None:
    dpg.add_group(tag="mine", parent=window)

    ContextWindowVisualizer.create_visualization(used, size, "mine")  # type: ignore[arg-type]  # that is the point

    assert len(find("mine", "mvProgressBar")) == 1


def test_a_parent_that_is_not_there_gets_no_bar_and_no_exception(window: int, caplog: pytest.LogCaptureFixture) -> None:
    before = items(window)

    ContextWindowVisualizer.create_visualization(1, 2, "nowhere")

    assert items(window) == before
    assert "nowhere" in caplog.text
