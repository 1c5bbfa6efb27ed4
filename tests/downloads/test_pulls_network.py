"""No network: waited for without an end, and gone on with at once when there is one."""

import socket
import struct
import threading
from pathlib import Path

import pytest
from modeld.core.facts import PullFinished
from modeld.downloader.network import Network, changes, suspended_s
from modeld.protocol.states import Phase
from support.range_server import RangeServer
from support.single_download import Download

NEW_ADDRESS, DELETED_ADDRESS = 20, 21


def message(kind: int) -> bytes:
    return struct.pack("=IHHII", 16, kind, 0, 0, 0)


def test_a_new_address_is_told_and_one_that_went_is_not():
    told = threading.Event()
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    network = Network(told.set, theirs)
    mine.send(message(DELETED_ADDRESS))
    mine.send(b"?")
    assert not told.wait(0.05)
    mine.send(message(NEW_ADDRESS))
    assert told.wait(10)
    network.close()
    mine.close()


def test_the_systems_own_news_can_be_watched_and_left():
    news = changes()
    network = Network(lambda: None, news)
    network.close()
    assert news is None or news.fileno() == -1
    assert suspended_s() >= 0


def test_without_a_network_it_waits_and_goes_on_when_it_is_told_of_one(
    tmp_path: Path, served: RangeServer, monkeypatch: pytest.MonkeyPatch
):
    there = threading.Event()
    resolve = socket.getaddrinfo

    def resolve_when_there(*arguments: object, **more: object) -> object:
        if not there.is_set():
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_when_there)
    (tmp_path / "models").mkdir()
    final = tmp_path / "models" / "big.gguf"
    url = served.url("big.gguf", host="localhost")
    download = Download(url, final, max_empty=2, first_wait_s=1000.0).start()
    waiting = download.until(lambda fact: fact.phase is Phase.WAITING_FOR_NETWORK)
    assert waiting.cause is not None and waiting.cause.reason == "connection_failed"
    there.set()
    download.pull.wake()
    assert isinstance(download.wait(), PullFinished)


def test_without_a_network_it_never_gives_up(tmp_path: Path, served: RangeServer, monkeypatch: pytest.MonkeyPatch):
    left = [12]
    resolve = socket.getaddrinfo

    def resolve_at_last(*arguments: object, **more: object) -> object:
        left[0] -= 1
        if left[0] > 0:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_at_last)
    (tmp_path / "models").mkdir()
    final = tmp_path / "models" / "big.gguf"
    url = served.url("big.gguf", host="localhost")
    assert Download(url, final, max_empty=2, first_wait_s=0.0001).finished()
