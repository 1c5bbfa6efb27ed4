"""One desktop for all tests of this folder, and windows that are never drawn."""

from collections.abc import Iterator

import dearpygui.dearpygui as dpg
import pytest
from support.desktop.virtual_desktop import VirtualDesktop


@pytest.fixture(scope="session")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualDesktop]:
    """The desktop."""
    made = VirtualDesktop(tmp_path_factory.mktemp("desktop"))
    yield made
    made.close()


@pytest.fixture
def window() -> Iterator[int]:
    """A window to build into, of a DearPyGui context that draws nothing."""
    dpg.create_context()
    yield dpg.add_window()
    dpg.destroy_context()
