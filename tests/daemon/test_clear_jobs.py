"""``modelctl jobs --clear``: ended jobs are forgotten, by the daemon, its database and its followers."""

from pathlib import Path

import pytest
from modelctl.client import Client
from modelctl.errors import NotFound
from modeld.protocol.states import JobState
from support.commandline import modelctl
from support.real_daemon import RealDaemon


@pytest.fixture
def benchmarked(daemon: RealDaemon, client: Client, tiny_file: Path) -> RealDaemon:
    """A daemon with an ended benchmark of each of two models."""
    for key in ("one", "two"):
        client.add(key, str(tiny_file))
        client.benchmark([key], repetitions=1, wait=True)
    return daemon


def test_ended_jobs_are_forgotten_for_good_and_followers_see_it(benchmarked: RealDaemon, client: Client) -> None:
    followed = client.follow()
    done = modelctl("jobs", "--clear", env=benchmarked.environment, timeout_s=60)
    assert done.returncode == 0 and "2 ended jobs were forgotten." in done.stdout
    for _event in followed:
        if not followed.snapshot.jobs:
            break
    assert client.snapshot().jobs == []
    benchmarked.stop()
    benchmarked.start()
    assert client.jobs() == []
    assert len(client.results("one").runs) == 1  # the results are kept


def test_only_the_jobs_of_one_model_are_forgotten(benchmarked: RealDaemon, client: Client) -> None:
    assert (
        "1 ended job was forgotten."
        in modelctl("jobs", "one", "--clear", env=benchmarked.environment, timeout_s=60).stdout
    )
    assert [job.model for job in client.jobs()] == ["two"]


def test_a_running_job_stays(benchmarked: RealDaemon, client: Client) -> None:
    (running,) = client.benchmark(["one"], repetitions=100, wait=False)
    client.clear_jobs()
    assert [job.id for job in client.jobs()] == [running.id]
    client.cancel(job=running.id)


def test_an_unknown_model_is_refused(client: Client) -> None:
    with pytest.raises(NotFound):
        client.clear_jobs("nothing")
    assert JobState.DONE not in {job.state for job in client.jobs()}
