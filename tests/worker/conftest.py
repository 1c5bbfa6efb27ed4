"""Workers that the tests share: starting one and loading the real model is what costs time here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from support.worker_child import Child


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Child]]:
    """Starts children; all are ended with the session."""
    children: list[Child] = []
    with zmq.Context() as context:

        def begin() -> Child:
            children.append(Child(context, tmp_path_factory.mktemp("w")))
            return children[-1]

        yield begin
        for child in children:
            child.close()


@pytest.fixture(scope="session")
def real(start: Callable[[], Child], sample_model: Path) -> Child:
    """A worker that holds the real model; its cache is what the test before left."""
    child = start()
    child.load(sample_model)
    return child


@pytest.fixture(scope="session")
def tiny(start: Callable[[], Child], tiny_file: Path) -> Child:
    """A worker that holds the tiny model, in batches of 32."""
    child = start()
    child.load(tiny_file, context_size=256, batch_size=32)
    return child
