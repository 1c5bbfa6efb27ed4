"""A hundred clients stream at once from tiny models: no token is lost, none comes to another client."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from modelctl import Client
from support.real_daemon import DEADLINE_S, RealDaemon

CLIENTS = 100
TOKENS = 12


@pytest.fixture
def clients(daemon: RealDaemon) -> Iterator[list["zmq.Socket[bytes]"]]:
    """As many connections, each a client of its own to the daemon."""
    endpoint = json.loads(daemon.places.connection_file.read_text())["commands"]
    with zmq.Context() as context:
        made = [context.socket(zmq.DEALER) for _ in range(CLIENTS)]
        for socket in made:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(endpoint)
        yield made
        for socket in made:
            socket.close()


def replies_of(clients: list["zmq.Socket[bytes]"]) -> dict[int, list[dict]]:
    """All replies of each client, read as they come until each has its last one."""
    poller = zmq.Poller()
    number = {socket: index for index, socket in enumerate(clients)}
    for socket in clients:
        poller.register(socket, zmq.POLLIN)
    got: dict[int, list[dict]] = defaultdict(list)
    ended = 0
    while ended < len(clients):
        ready = poller.poll(DEADLINE_S * 1000)
        assert ready, f"silence, with {ended} of {len(clients)} ended"
        for socket, _event in ready:
            reply = json.loads(socket.recv_multipart()[-1])
            got[number[socket]].append(reply)
            ended += "chunk" not in reply
    return got


def test_a_hundred_streams_at_once_are_neither_lost_nor_mixed(
    client: Client, clients: list["zmq.Socket[bytes]"], tiny_file: Path
):
    keys = ["one", "two"]
    for key in keys:
        client.add(key, str(tiny_file))
    for number, socket in enumerate(clients):
        request = {
            "id": f"client-{number}",
            "op": "generate",
            "model": keys[number % 2],
            "prompt": "a" * (number + 1),  # its length tells whose answer it is: the tokens of this model are bytes
            "max_tokens": TOKENS,
            "sampling": {"temperature": 1.0, "seed": number},
            "stream": True,
        }
        socket.send_multipart([b"", json.dumps(request).encode()])
    got = replies_of(clients)
    alone = client.generate("one", "a", max_tokens=1).prompt_tokens - 1
    for number in range(CLIENTS):
        *chunks, last = got[number]
        assert {reply["id"] for reply in got[number]} == {f"client-{number}"}
        assert last["ok"], last
        end = last["result"]["generation"]
        assert (end["model"], end["prompt_tokens"]) == (keys[number % 2], number + 1 + alone)
        assert "".join(chunk["chunk"]["text"] for chunk in chunks) == end["text"]
        counts = [chunk["chunk"]["completion_tokens"] for chunk in chunks]
        assert counts == sorted(set(counts)) and (not counts or counts[-1] <= end["completion_tokens"])
        assert end["finish"] == "stop" or end["completion_tokens"] == TOKENS
