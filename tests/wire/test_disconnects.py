"""A client that disconnects leaves no work behind, also when another client gets its descriptor."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from modelctl import Client
from modelctl.transport.daemon_socket import DaemonSocket
from modeld.protocol.connection import Connection
from modeld.protocol.states import ModelState
from modeld.transport.peers import Peers
from support import tiny_gguf
from support.real_daemon import DEADLINE_S, RealDaemon

FIRST, SECOND, THIRD = (b"\0" + number.to_bytes(4) for number in (7, 8, 9))
CHOSEN = b"a name of its own"

# -- which peer is behind a connection -------------------------------------------------------------------------------


@pytest.fixture
def peers() -> Peers:
    known = Peers()
    known.opened(20)
    return known


def test_a_closed_connection_tells_who_was_behind_it_once(peers: Peers) -> None:
    assert peers.heard(FIRST, 20) is None
    assert peers.is_known(FIRST, 20)
    assert peers.closed(20) == FIRST
    assert not peers.is_known(FIRST, 20)
    assert peers.closed(20) is None


def test_a_connection_that_sent_nothing_has_no_peer(peers: Peers) -> None:
    assert peers.closed(20) is None


def test_who_is_heard_after_the_end_of_its_connection_is_gone_at_once(peers: Peers) -> None:
    peers.closed(20)
    assert peers.heard(FIRST, 20) == FIRST
    assert not peers.is_known(FIRST, 20)


def test_a_descriptor_that_is_used_again_belongs_to_the_later_peer(peers: Peers) -> None:
    peers.heard(FIRST, 20)
    assert peers.heard(SECOND, 20) == FIRST
    assert peers.is_known(SECOND, 20)
    assert peers.closed(20) == SECOND


@pytest.mark.parametrize(("one", "other"), [(CHOSEN, SECOND), (SECOND, CHOSEN), (CHOSEN, b"another name")])
def test_neither_of_two_peers_counts_as_gone_where_their_order_is_not_known(
    peers: Peers, one: bytes, other: bytes
) -> None:
    peers.heard(one, 20)
    assert peers.heard(other, 20) is None
    assert peers.heard(one, 20) is None, "it was alive, and its work goes on"
    assert peers.closed(20) == one


def test_a_peer_with_a_name_of_its_own_may_come_back_before_the_end_of_its_connection_is_reported(
    peers: Peers,
) -> None:
    peers.opened(21)
    peers.heard(CHOSEN, 20)
    assert peers.heard(CHOSEN, 21) is None
    assert peers.closed(20) is None, "it is not gone"
    assert peers.heard(SECOND, 21) is None
    assert peers.closed(21) == SECOND


def test_a_waiting_message_of_an_earlier_peer_does_not_take_the_connection_of_a_later_one(peers: Peers) -> None:
    peers.heard(SECOND, 20)
    assert peers.heard(FIRST, 20) == FIRST
    assert peers.closed(20) == SECOND


def test_the_serial_numbers_of_peers_begin_again(peers: Peers) -> None:
    last, first = b"\0" + (2**32 - 1).to_bytes(4), b"\0" + (0).to_bytes(4)
    peers.heard(last, 20)
    assert peers.heard(first, 20) == last


def test_open_connections_are_counted(peers: Peers) -> None:
    peers.opened(21)
    assert len(peers) == 2
    peers.closed(20)
    assert len(peers) == 1


# -- the real daemon -------------------------------------------------------------------------------------------------

Connect = Callable[[], "zmq.Socket[bytes]"]


@pytest.fixture(params=["ipc", "tcp with CURVE"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"MODELD_TRANSPORT": "tcp"} if request.param != "ipc" else {}


@pytest.fixture
def connect(daemon: RealDaemon) -> Iterator[Connect]:
    """Makes connections, each a client of its own to the daemon."""
    connection = Connection(**json.loads(daemon.places.connection_file.read_text()))
    with zmq.Context() as context:
        made: list[DaemonSocket] = []

        def make() -> "zmq.Socket[bytes]":
            socket = DaemonSocket(context, zmq.DEALER)
            socket.setsockopt(zmq.LINGER, 0)
            made.append(socket)
            socket.reach(connection.commands, connection)
            return socket

        yield make
        for socket in made:
            socket.close()


@pytest.fixture
def slow(client: Client, tmp_path: Path) -> str:
    """A loaded model whose answers take minutes."""
    client.add("slow", str(tiny_gguf.write(tmp_path / "slow.gguf", context=100_000, layers=8)))
    client.load("slow", context_size=100_000)
    return "slow"


def generate(socket: "zmq.Socket[bytes]", model: str, number: int, *, stream: bool = False) -> None:
    sampling = {"temperature": 0.0}
    request = {"id": f"g{number}", "op": "generate", "model": model, "prompt": "hi", "max_tokens": 90_000}
    socket.send_multipart([b"", json.dumps(request | {"sampling": sampling, "stream": stream}).encode()])


def ask(socket: "zmq.Socket[bytes]", op: str, **fields: object) -> dict:
    socket.send_multipart([b"", json.dumps({"id": op, "op": op, **fields}).encode()])
    while True:
        assert socket.poll(DEADLINE_S * 1000)
        reply = json.loads(socket.recv_multipart()[-1])
        if reply["id"] == op:
            return reply["result"]


def wait_for(client: Client, model: str, state: ModelState, waiting: int) -> None:
    """Wait until the model is in this state and so many requests wait for it; heartbeats make it look again."""
    for _event in client.events("model.", "daemon."):
        found = client.show(model)
        if found.state is state and found.loaded is not None and found.loaded.requests_waiting == waiting:
            return


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_has_its_generations_cancelled(
    client: Client, connect: Connect, slow: str, stream: bool
) -> None:
    leaving, staying = connect(), connect()
    for number in range(20):
        generate(leaving, slow, number, stream=stream)
    wait_for(client, slow, ModelState.BUSY, 19)
    leaving.close(0)
    wait_for(client, slow, ModelState.LOADED, 0)
    assert ask(staying, "ping")["type"] == "pong"


def test_the_generations_of_others_go_on_when_a_client_leaves(client: Client, connect: Connect, slow: str) -> None:
    staying = connect()
    generate(staying, slow, 1, stream=True)
    for _ in range(50):  # each gets the descriptor of the one before
        passing = connect()
        generate(passing, slow, 2)
        assert ask(passing, "ping")["type"] == "pong"
        passing.close(0)
    wait_for(client, slow, ModelState.BUSY, 0)
    for _ in range(100):
        assert staying.poll(DEADLINE_S * 1000)
        assert "chunk" in json.loads(staying.recv_multipart()[-1])
    client.unload(slow)


def test_what_a_client_had_open_is_given_back_when_it_leaves(client: Client, connect: Connect, slow: str) -> None:
    for _ in range(11):  # 5,500 requests in all; 5,000 may be open at once
        leaving = connect()
        for number in range(500):
            generate(leaving, slow, number)
        assert ask(leaving, "ping")["type"] == "pong"
        leaving.close(0)
    staying = connect()
    generate(staying, slow, 1)
    assert ask(staying, "ping")["type"] == "pong"
    wait_for(client, slow, ModelState.BUSY, 0)
    assert not staying.poll(0), "the request was refused"
    client.unload(slow)
