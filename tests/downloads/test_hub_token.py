"""Tokens that the hub does not know, that lie in its own file, or that there are none of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError
from modeld.adapters.hub import find_token
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.states import JobState
from support.hub_emulator import HubEmulator


@pytest.fixture
def hub(tiny_file: Path) -> Iterator[HubEmulator]:
    with HubEmulator(tokens=("hf_good", "hf_filed")) as emulator:
        emulator.add("org/open", {"a-Q4_0.gguf": tiny_file.read_bytes()})
        emulator.add("org/shut", {"a-Q4_0.gguf": tiny_file.read_bytes()}, gated=True)
        yield emulator


@pytest.fixture
def settings(hub: HubEmulator, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    file = tmp_path / "hf" / "token"
    file.parent.mkdir()
    marker = request.node.get_closest_marker("parametrize")
    assert marker is None
    if "filed" in request.node.name:
        file.write_text("hf_filed\n")
    token = {"HF_TOKEN": "hf_bad"} if "unknown" in request.node.name else {}
    return {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(file.parent), "HOME": str(tmp_path), **token}


def test_an_unknown_token_is_named_by_where_it_came_from_but_does_not_close_what_is_open(
    daemon, client: Client, hub: HubEmulator
):
    with pytest.raises(ModeldError) as caught:
        client.pull("hf:org/shut", wait=True)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert "the variable HF_TOKEN" in caught.value.message and "/settings/tokens" in caught.value.hint
    assert len(client.files("hf:org/open").files) == 1
    assert "hf_bad" not in daemon.log() + caught.value.message + caught.value.hint


def test_a_filed_token_is_used_for_files_and_listings(client: Client, hub: HubEmulator):
    hub.repositories["org/shut"].let_in.add("hf_filed")
    assert client.pull("hf:org/shut", wait=True).state is JobState.DONE
    assert {seen.authorization for seen in hub.requests("hub")} == {"Bearer hf_filed"}


def test_without_any_a_gated_repository_says_where_to_ask_and_what_to_set(client: Client, hub: HubEmulator):
    with pytest.raises(ModeldError) as caught:
        client.pull("hf:org/shut", wait=True)
    assert f"{hub.endpoint}/org/shut" in caught.value.hint and "HF_TOKEN" in caught.value.hint
    assert {seen.authorization for seen in hub.log} == {""}


def test_tokens_are_looked_for_in_the_hubs_own_order(tmp_path: Path):
    path = tmp_path / "elsewhere"
    path.write_text("filed")
    env = {"HF_TOKEN_PATH": str(path), "HUGGINGFACE_TOKEN": "third", "HUGGING_FACE_HUB_TOKEN": "second"}
    assert find_token({**env, "HF_TOKEN": "first"}).value == "first"
    assert find_token(env).value == "second"
    assert find_token({"HF_TOKEN_PATH": str(path)}, "set").value == "set"
    found = find_token({"HF_TOKEN_PATH": str(path)})
    assert found.value == "filed" and found.origin == Reason.TOKEN_IN_FILE.note(path=str(path))
    assert "filed" not in repr(found)
    assert not find_token({"HF_HOME": str(tmp_path / "none")}).value
