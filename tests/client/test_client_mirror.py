"""The mirror: after any events it is what a fresh snapshot would be, and it notices what it missed."""

import threading
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelctl import Client
from modelctl.follow import Mirror, keep_following
from modelctl.transport import mirror
from modeld.places import Places
from modeld.protocol import events, views
from modeld.protocol.states import JobKind, JobState, ModelState
from support.fake_daemon import AT, FakeDaemon, model_of

EMPTY = views.Snapshot(
    epoch="e1",
    seq=0,
    at=AT,
    daemon=views.DaemonView(version="1", pid=1, started_at=AT),
    system=views.SystemView(),
    models=[],
    jobs=[],
)


class Truth:
    """A daemon's state kept in the plainest way, and the events that tell of its changes."""

    def __init__(self) -> None:
        self.models: dict[str, views.ModelView] = {}
        self.jobs: dict[str, views.JobView] = {}
        self.system = views.SystemView()
        self.events: list[events.AnyEvent] = []

    def tell(self, kind: Callable[..., events.AnyEvent], /, **fields: object) -> None:
        self.events.append(kind(epoch="e1", seq=len(self.events) + 1, at=AT, **fields))

    def snapshot(self) -> views.Snapshot:
        models = sorted(self.models.values(), key=lambda model: model.key)
        jobs = list(self.jobs.values())
        return msgspec.structs.replace(EMPTY, seq=len(self.events), models=models, jobs=jobs, system=self.system)

    def step(self, what: int, key: str, number: int) -> None:
        match what:
            case 0:
                state = [ModelState.ON_DISK, ModelState.LOADED, ModelState.BUSY][number % 3]
                self.models[key] = model_of(key, state)
                self.tell(events.ModelChanged, model=self.models[key])
            case 1 if key in self.models:
                del self.models[key]
                self.tell(events.ModelRemoved, model=key)
            case 2:
                stage = list(JobState)[number % len(JobState)]
                self.jobs[key] = views.JobView(id=key, kind=JobKind.PULL, model=key, state=stage, created_at=AT)
                self.tell(events.JobChanged, job=self.jobs[key])
            case 3 if key in self.jobs:
                progress = views.Progress(done=number)
                self.jobs[key] = msgspec.structs.replace(self.jobs[key], progress=progress)
                self.tell(events.JobProgress, job=key, kind=JobKind.PULL, model=key, progress=progress)
            case 4:
                self.system = views.SystemView(memory_available=number)
                self.tell(events.SystemSampled, system=self.system)
            case 5 if key in self.models and (before := self.models[key].loaded) is not None:
                loaded = msgspec.structs.replace(before, context_used=number, context_size=100)
                self.models[key] = msgspec.structs.replace(self.models[key], loaded=loaded)
                self.tell(events.ContextUsed, model=key, used=number, size=100)
            case 6 if key in self.jobs:
                del self.jobs[key]
                self.tell(events.JobRemoved, job=key, kind=JobKind.PULL, model=key)
            case _:
                self.tell(events.ContextFull, model=key, size=100)


steps = st.lists(st.tuples(st.integers(0, 7), st.sampled_from("abcd"), st.integers(0, 50)), max_size=40)


@given(steps, st.integers(0, 40))
def test_a_snapshot_and_the_events_after_it_are_the_fresh_snapshot(
    taken: list[tuple[int, str, int]], when: int
) -> None:
    truth = Truth()
    joined = truth.snapshot()
    for number, step in enumerate(taken):
        truth.step(*step)
        if number == when:
            joined = truth.snapshot()
    for event in truth.events:  # the earlier ones are in the snapshot already and must change nothing
        joined = mirror.apply(joined, event)
    assert joined == truth.snapshot()


@given(steps.filter(lambda taken: len(taken) >= 3), st.data())
def test_any_event_left_out_is_a_hole(taken: list[tuple[int, str, int]], data: st.DataObject) -> None:
    truth = Truth()
    for step in taken:
        truth.step(*step)
    lost = data.draw(st.integers(0, len(truth.events) - 2))
    known = EMPTY
    with pytest.raises(mirror.MissedEvents):
        for event in truth.events[:lost] + truth.events[lost + 1 :]:
            known = mirror.apply(known, event)


def test_a_heartbeat_shows_that_the_end_of_a_burst_was_lost() -> None:
    with pytest.raises(mirror.MissedEvents):
        mirror.apply(EMPTY, events.Heartbeat(epoch="e1", seq=1, at=AT))


def test_a_heartbeat_of_what_is_known_changes_nothing() -> None:
    assert mirror.apply(EMPTY, events.Heartbeat(epoch="e1", seq=0, at=AT)) is EMPTY


def test_another_epoch_is_a_hole() -> None:
    with pytest.raises(mirror.MissedEvents):
        mirror.apply(EMPTY, events.Heartbeat(epoch="e2", seq=0, at=AT))


def test_catalogue_models_stay_before_the_others() -> None:
    start = msgspec.structs.replace(EMPTY, models=[model_of("zephyr", ModelState.ABSENT, builtin=True)])
    after = mirror.apply(
        start, events.ModelChanged(epoch="e1", seq=1, at=AT, model=model_of("apple", ModelState.ABSENT))
    )
    assert [model.key for model in after.models] == ["zephyr", "apple"]


def settle(followed: Mirror, daemon: FakeDaemon) -> list[events.AnyEvent | None]:
    """Iterate until the mirror has caught up with the daemon, which is at rest."""
    seen: list[events.AnyEvent | None] = []
    for event in followed:
        seen.append(event)
        if isinstance(event, events.Heartbeat) and followed.snapshot.seq == daemon.seq:
            return seen
    raise AssertionError("the events ended")


def test_a_followed_daemon_is_mirrored(fake_client: Client, fake_daemon: FakeDaemon) -> None:
    followed = fake_client.follow()
    fake_daemon.do(lambda: fake_daemon.change(model_of("newcomer", ModelState.ON_DISK)))
    fake_client.load("phi")
    settle(followed, fake_daemon)
    assert followed.snapshot.models == fake_daemon.snapshot().models
    assert followed.model("newcomer") is not None
    followed.close()


def test_a_lost_event_is_made_good_by_a_new_snapshot(fake_client: Client, fake_daemon: FakeDaemon) -> None:
    followed = fake_client.follow()
    settle(followed, fake_daemon)
    fake_daemon.do(fake_daemon.skip_event)
    fake_daemon.models["phi"] = model_of("phi", ModelState.LOADED)
    fake_client.ping()  # the daemon has turned its loop: the hole is there
    seen = settle(followed, fake_daemon)
    assert None in seen
    assert followed.snapshot.models == fake_daemon.snapshot().models
    followed.close()


def test_following_goes_on_over_a_restart_of_the_daemon(places: Places) -> None:
    heard: list[str] = []
    news, stop = threading.Condition(), threading.Event()

    def on_change(followed: Mirror | None, _: events.AnyEvent | None) -> None:
        with news:
            heard.append(followed.snapshot.epoch if followed else "away")
            news.notify_all()

    def wait_for(word: str) -> None:
        with news:
            assert news.wait_for(lambda: word in heard, 10), heard

    with Client(places) as client:
        following = threading.Thread(target=keep_following, args=(client.transport, on_change, stop))
        following.start()
        try:
            wait_for("away")
            first = FakeDaemon(places)
            wait_for("e1")
            heard.clear()
            first.close()
            wait_for("away")
            second = FakeDaemon(places)
            second.epoch = "e2"
            wait_for("e2")
            stop.set()
            following.join(5)
            second.close()
        finally:
            stop.set()
            following.join(5)
    assert not following.is_alive()
