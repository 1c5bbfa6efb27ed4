"""The verbs of the queue: what they ask of the daemon, and what they print."""

import pytest
from modeld.protocol import requests
from support.commandline import modelctl
from support.fake_daemon import FakeDaemon

MIB = 1024**2


def asked(daemon: FakeDaemon, kind: type[requests.Limit] | type[requests.Move]) -> list[requests.AnyRequest]:
    return [request for request in daemon.seen if isinstance(request, kind)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5M", 5 * MIB), ("500K", 500 * 1024), ("1.5 MB/s", 1.5 * MIB), ("2MiB", 2 * MIB), ("1000", 1000), ("off", 0)],
)
def test_a_speed_is_written_as_people_do(fake_daemon: FakeDaemon, text: str, expected: float) -> None:
    done = modelctl("limit", text)
    assert done.returncode == 0, done.stderr
    (request,) = asked(fake_daemon, requests.Limit)
    assert isinstance(request, requests.Limit) and request.bytes_per_s == expected and request.model == ""


def test_what_is_no_speed_is_wrong_usage(fake_daemon: FakeDaemon) -> None:
    done = modelctl("limit", "fast")
    assert done.returncode == 2 and "5M" in done.stderr


def test_a_bound_for_one_download_names_it(fake_daemon: FakeDaemon) -> None:
    assert modelctl("limit", "5M", "MISTRAL").stdout == "MISTRAL: at most 5.0 MB/s.\n"
    (request,) = asked(fake_daemon, requests.Limit)
    assert isinstance(request, requests.Limit) and request.model == "mistral"


def test_downloads_are_listed_in_their_order(fake_daemon: FakeDaemon) -> None:
    assert "Nothing is being downloaded." in modelctl("downloads").stderr
    fake_daemon.hold_pull = True
    modelctl("pull", "absent", "--no-wait")
    listed = modelctl("downloads").stdout.splitlines()
    assert listed[0].split() == ["#", "KEY", "STATE", "DONE", "SIZE", "SPEED", "ETA", "LIMIT"]
    assert listed[1].split()[:3] == ["1", "ABSENT", "running"]
    assert modelctl("move", "absent", "2").returncode == 0
    (request,) = asked(fake_daemon, requests.Move)
    assert isinstance(request, requests.Move) and (request.model, request.place) == ("absent", 2)
    assert modelctl("move", "absent", "0").returncode == 2
