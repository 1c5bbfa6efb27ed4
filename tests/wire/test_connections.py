"""More connections than the daemon can hold: it lives, answers those that got in, and lets others in after them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from support.real_daemon import DEADLINE_S, RealDaemon

DESCRIPTORS = 256
CLIENTS = 400
Connect = Callable[[int], "list[zmq.Socket[bytes]]"]
PING = [b"", b'{"id":"p","op":"ping"}']


@pytest.fixture
def small(tmp_path: Path) -> Iterator[RealDaemon]:
    """A daemon that may have few descriptors."""
    home = tmp_path / "home"
    home.mkdir()
    running = RealDaemon(home, {}, descriptors=DESCRIPTORS)
    yield running
    running.stop()
    assert "Traceback" not in running.log(), running.log()


@pytest.fixture
def connect(small: RealDaemon) -> Iterator[Connect]:
    """Makes so many clients, each with a connection and a question of its own."""
    endpoint = json.loads(small.places.connection_file.read_text())["commands"]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 2 * CLIENTS)

    made: list[zmq.Socket[bytes]] = []

    def one() -> "zmq.Socket[bytes]":
        socket = context.socket(zmq.DEALER)
        made.append(socket)
        socket.connect(endpoint)
        socket.send_multipart(PING)
        return socket

    yield lambda count: [one() for _ in range(count)]
    for socket in made:
        socket.close(0)
    context.term()


def answered(sockets: list["zmq.Socket[bytes]"], least: int) -> set["zmq.Socket[bytes]"]:
    """Wait until so many have their answer; returns those that have it."""
    poller = zmq.Poller()
    waiting = set(sockets)
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    while len(sockets) - len(waiting) < least:
        ready = poller.poll(DEADLINE_S * 1000)
        assert ready, f"{len(sockets) - len(waiting)} of {len(sockets)} have an answer"
        for socket, _ in ready:
            assert json.loads(socket.recv_multipart()[-1])["ok"]
            poller.unregister(socket)
            waiting.discard(socket)
    return set(sockets) - waiting


def test_more_clients_than_descriptors_do_not_end_the_daemon(small: RealDaemon, connect: Connect) -> None:
    clients = connect(CLIENTS)
    inside = answered(clients, DESCRIPTORS // 4)
    for socket in inside:
        socket.send_multipart(PING)
    assert answered(list(inside), len(inside)) == inside
    for socket in inside:
        socket.close(0)
    outside = [socket for socket in clients if socket not in inside]
    answered(outside, 1)
    for socket in outside:
        socket.close(0)
    answered(connect(1), 1)
    assert small.process.poll() is None
