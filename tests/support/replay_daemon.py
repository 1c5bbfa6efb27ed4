"""A fake daemon as a process that publishes hours of events quickly: ``python replay_daemon.py``, with MODELD_HOME.

Each line on standard input is a number of events to publish; a model ``after-NUMBER`` is the last of them. At the end
it prints the number of snapshot requests.
"""

import sys
from functools import partial

import msgspec
from modeld.places import find
from modeld.protocol import events, requests
from modeld.protocol.states import JobKind, JobState, ModelState
from modeld.protocol.views import JobView, Progress

from support.fake_daemon import AT, FakeDaemon, model_of

replace = msgspec.structs.replace
PER_DOWNLOAD = 5000


def story(daemon: FakeDaemon, count: int) -> None:
    """This many events: downloads that start and are cancelled, contexts that fill, models added and removed."""
    mistral = daemon.models["mistral"]
    assert mistral.loaded is not None
    for number in range(count):
        step = number % PER_DOWNLOAD
        id_ = f"pull-{count}-{number // PER_DOWNLOAD}"
        if step == 0:
            job = JobView(id=id_, kind=JobKind.PULL, model="absent", state=JobState.RUNNING, created_at=AT)
            daemon.change_job(job)
        elif step == PER_DOWNLOAD - 1:
            daemon.change_job(replace(daemon.jobs[id_], state=JobState.CANCELLED))
        elif step % 7 == 0:
            state = ModelState.LOADED if step % 2 else ModelState.ON_DISK
            daemon.change(model_of("phi", state))
        elif step % 2:
            progress = Progress(done=step, total=PER_DOWNLOAD, percent=100 * step / PER_DOWNLOAD, rate=1e6, eta_s=9.0)
            daemon.jobs[id_] = replace(daemon.jobs[id_], progress=progress)
            daemon.publish(events.JobProgress, job=id_, kind=JobKind.PULL, model="absent", progress=progress)
        else:
            daemon.models["mistral"] = replace(mistral, loaded=replace(mistral.loaded, context_used=step))
            daemon.publish(events.ContextUsed, model="mistral", used=step, size=mistral.loaded.context_size)
    daemon.change(model_of(f"after-{count}", ModelState.ON_DISK))


def main() -> None:
    daemon = FakeDaemon(find())
    print("ready", flush=True)
    for line in sys.stdin:
        daemon.do(partial(story, daemon, int(line)))
    daemon.close()
    print(sum(isinstance(request, requests.Snapshot) for request in daemon.seen))


if __name__ == "__main__":
    main()
