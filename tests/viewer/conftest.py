"""A DearPyGui context for each test that needs one; nothing is drawn, so no display is needed."""

from collections.abc import Iterator

import dearpygui.dearpygui as dpg
import pytest


@pytest.fixture
def window() -> Iterator[int]:
    """A window to build into."""
    dpg.create_context()
    yield dpg.add_window()
    dpg.destroy_context()
