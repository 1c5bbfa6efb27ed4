"""A hub and the host it sends downloads on to: the token stays with the hub, the hub's hash counts."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import JobState
from range_server import Fault, RangeServer

RESOLVE = "org/repo/resolve/main/tiny.gguf"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RangeServer]:
    """A second server, so another origin than the one that has the file."""
    folder = tmp_path / "hub"
    folder.mkdir()
    with RangeServer(folder) as server:
        yield server


@pytest.fixture
def settings(hub: RangeServer) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.url("").rstrip("/"), "HF_TOKEN": "hf_secret"}


def send_on(hub: RangeServer, served: RangeServer, sha256: str) -> None:
    linked = {"X-Linked-Etag": f'"{sha256}"', "X-Repo-Commit": "0" * 40}
    hub.fault(RESOLVE, Fault(status=302, redirect_to=served.url("tiny.gguf"), headers=linked))


def test_the_token_goes_to_the_hub_and_not_to_the_host_it_sends_us_to(
    daemon, client: Client, hub: RangeServer, served: RangeServer
):
    send_on(hub, served, hashlib.sha256((served.folder / "tiny.gguf").read_bytes()).hexdigest())
    client.add("tiny", "hf:org/repo:tiny.gguf")
    assert client.pull("tiny", wait=True).state is JobState.DONE
    assert {seen.authorization for seen in hub.log} == {"Bearer hf_secret"}
    assert {seen.authorization for seen in served.log} == {""}
    assert client.show("tiny").verified
    assert "hf_secret" not in daemon.log()


def test_the_hash_that_the_hub_names_is_checked(client: Client, hub: RangeServer, served: RangeServer):
    send_on(hub, served, "f" * 64)
    client.add("tiny", "hf:org/repo:tiny.gguf")
    with pytest.raises(ModeldError) as caught:
        client.pull("tiny", wait=True)
    assert caught.value.code is ErrorCode.HASH_MISMATCH and "f" * 64 in caught.value.message
