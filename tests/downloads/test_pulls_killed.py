"""A daemon that is killed in the middle of a download, again and again: the next one goes on with what is there."""

import json
import random
import signal

from modelctl import Client
from modeld.protocol.states import JobState
from support.range_server import RangeServer
from support.single_download import MIB, sha256

KILLS = 6


def test_a_download_survives_its_daemon_being_killed_at_any_moment(daemon, served: RangeServer):
    chance = random.Random(5)
    served.bytes_per_second = 8.0 * MIB
    state = daemon.places.models_dir / "big.gguf.part.json"
    original = (served.folder / "big.gguf").read_bytes()
    with Client(daemon.places) as client:
        client.add("big", served.url("big.gguf"), sha256=sha256(served.folder / "big.gguf"))
        client.pull("big")
    for _ in range(KILLS):
        with Client(daemon.places) as client:
            wait_for_some_bytes(client, chance.randint(0, 2 * MIB))
        daemon.stop(signal.SIGKILL)
        if state.exists():
            part = state.with_name("big.gguf.part").read_bytes()
            for start, end in json.loads(state.read_text())["done"]:
                assert part[start:end] == original[start:end]
        daemon.start()
    served.bytes_per_second = 0.0
    with Client(daemon.places) as client:
        assert client.pull("big", wait=True).state is JobState.DONE
        assert client.show("big").verified
    assert sha256(daemon.places.models_dir / "big.gguf") == sha256(served.folder / "big.gguf")
    assert [path.name for path in daemon.places.models_dir.iterdir()] == ["big.gguf"]


def wait_for_some_bytes(client: Client, more: int) -> None:
    """Wait until the download has brought so many bytes more than when we began to look, or has ended."""
    seen = client.events("download.big", "daemon.heartbeat")
    begun: int | None = None
    for _ in seen:
        (job,) = client.jobs("big")
        if job.state is JobState.DONE:
            break
        if job.state is JobState.RUNNING and job.progress.done:
            begun = job.progress.done if begun is None else begun
            if job.progress.done >= begun + more:
                break
    seen.close()
