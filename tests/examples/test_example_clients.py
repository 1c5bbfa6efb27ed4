"""The clients of ``examples/``: plain pyzmq, Node and our own library do the same, against a real daemon."""

import signal
from pathlib import Path

import pytest
from modelctl import Client
from modeld.protocol.states import ModelState
from support.example_program import CLIENTS, EXAMPLES, Example, following, read_until
from support.fake_daemon import FakeDaemon, model_of
from support.real_daemon import RealDaemon


@pytest.fixture(params=CLIENTS)
def command(request: pytest.FixtureRequest) -> list[str]:
    return CLIENTS[request.param]


def test_a_model_is_listed_loaded_and_asked(daemon: RealDaemon, client: Client, tiny_file: Path, command: list[str]):
    client.add("tiny", str(tiny_file))
    example = Example(command, daemon.home)
    assert "tiny on_disk" in example.run("list").splitlines()
    key, state, memory = example.run("load", "tiny").split()
    assert (key, state) == ("tiny", "loaded") and int(memory) > 1_000_000
    answer, end = example.run("chat", "tiny", "Hello").rsplit("\n[", 1)
    assert answer and " tokens, context " in end


def test_a_refusal_ends_it_with_the_code_and_the_hint(daemon: RealDaemon, command: list[str]):
    said = Example(command, daemon.home).run("load", "nobody", code=1)
    assert said.startswith("not_found: ") and "nobody" in said


def test_events_arrive_over_a_restart_of_the_daemon(
    daemon: RealDaemon, client: Client, tiny_file: Path, command: list[str]
):
    with following(Example(command, daemon.home)) as running:
        read_until(running, f"snapshot {len(client.list())}")
        client.add("tiny", str(tiny_file))
        read_until(running, "model_changed tiny on_disk")
        daemon.stop()
        assert "daemon_stopping" in read_until(running, "away")[-2]
        daemon.start()
        read_until(running, f"snapshot {len(client.list())}")
        client.remove("tiny")
        read_until(running, "model_removed")


def test_a_daemon_that_was_killed_is_missed_and_its_successor_found(
    daemon: RealDaemon, client: Client, command: list[str]
):
    with following(Example(command, daemon.home)) as running:
        read_until(running, f"snapshot {len(client.list())}")
        daemon.stop(signal.SIGKILL)
        read_until(running, "away")
        assert daemon.places.connection_file.exists()
        assert Example(command, daemon.home).run("list", code=1).startswith("away: ")
        daemon.start()
        read_until(running, f"snapshot {len(client.list())}")


def test_without_a_daemon_a_sentence_says_how_to_start_it(tmp_path: Path, command: list[str]):
    said = Example(command, tmp_path).run("list", code=1)
    assert said.startswith("away: ") and "modelctl up" in said and len(said.splitlines()) == 1


def test_after_a_hole_everything_is_asked_for_again(tmp_path: Path, fake_daemon: FakeDaemon, command: list[str]):
    with following(Example(command, tmp_path)) as running:
        read_until(running, "snapshot 3")
        fake_daemon.do(fake_daemon.skip_event)
        fake_daemon.do(lambda: fake_daemon.change(model_of("new", ModelState.ON_DISK)))
        assert read_until(running, "snapshot 4")[-1] == "snapshot 4"


def test_a_loss_at_the_end_of_a_burst_is_seen_by_the_heartbeat(
    tmp_path: Path, fake_daemon: FakeDaemon, command: list[str]
):
    with following(Example(command, tmp_path)) as running:
        read_until(running, "snapshot 3")
        fake_daemon.do(lambda: fake_daemon.models.update(new=model_of("new", ModelState.ON_DISK)))
        fake_daemon.do(fake_daemon.skip_event)
        read_until(running, "snapshot 4")


def test_the_tour_of_the_shell(daemon: RealDaemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    said = Example(["sh", str(EXAMPLES / "shell" / "tour.sh")], daemon.home).run("tiny").splitlines()
    assert said[0] == "tiny is on_disk" and said[1] == "context: 256 tokens"
    assert said[-2].startswith("tokens: ")
    assert said[-1].split() == ["states:", "loading", "loaded", "busy", "loaded", "unloading", "on_disk"]
