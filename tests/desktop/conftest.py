"""One desktop for all tests of this folder."""

from collections.abc import Iterator

import pytest
from support.desktop.virtual_desktop import VirtualDesktop


@pytest.fixture(scope="session")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualDesktop]:
    """The desktop."""
    made = VirtualDesktop(tmp_path_factory.mktemp("desktop"))
    yield made
    made.close()
