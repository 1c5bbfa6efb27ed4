"""Runs a manager with random clients and adapters, and checks the guarantees that every client relies on.

The guarantees: the core raises nothing; each request gets exactly one answer; a worker has one task at a time; event
numbers have no gap; a mirror kept current by events equals a snapshot; no job keeps running when nothing is in
progress; a shutdown completes, and every waiting client is answered before. Every message can be encoded and decoded.
"""

import collections
import itertools
import random
from collections.abc import Iterator

import msgspec
from modelctl.transport import mirror
from modeld.core import effects, facts
from modeld.core.manager import Manager, Remembered
from modeld.core.state.model import ModelSpec
from modeld.protocol import events, replies, requests, views
from modeld.protocol.states import FINAL, JobKind, JobState
from modeld.protocol.wire import encode
from modeld.settings import Settings

from support.core_fuzz.adapters import Adapters
from support.core_fuzz.planted_bugs import PlantedBugError, planted
from support.core_fuzz.random_requests import BUILT, RandomRequests

CLIENTS = (b"c1", b"c2", b"c3")
OBSERVER = b"observer"
THROTTLED = (".loaded.context_used",)
"""Fields that events update at most ten times a second, so that a mirror may lag slightly."""
REPEAT = (
    '.venv/bin/python -c \'import sys; sys.path.append("tests"); '
    "from support.core_fuzz.simulation import Simulation; Simulation({}, {}, {}).run()'"
)
TRACE = 40
"""How many steps before a failure are shown."""

_DECODE_REQUEST = msgspec.json.Decoder(requests.AnyRequest)
_DECODE_REPLY = msgspec.json.Decoder(replies.Reply)
_DECODE_EVENT = msgspec.json.Decoder(events.AnyEvent)


class BrokenPromiseError(AssertionError):
    """A guarantee for clients does not hold."""


class Simulation:
    """A manager with random clients and adapters; the same ``seed`` gives the same life.

    ``bugs`` is the share of calls of the core's parts that raise.
    """

    def __init__(self, seed: int, steps: int, bugs: float = 0.0) -> None:
        rng = self._rng = random.Random(seed)
        self._seed, self._steps, self._bugs = seed, steps, bugs
        self.bugs_met = 0
        """How many bugs the manager has reported."""
        self._lossy = rng.random() < 0.2
        self._stops = self._lossy or rng.random() < 0.5
        self._request_share = rng.choice([0.2, 0.45, 0.7])
        self._stopping = False
        self._adapters = Adapters(rng, lossy=self._lossy)
        self._requests = RandomRequests(rng)
        self.met: set[type] = set()
        """The kinds of requests and facts that the manager has been given."""
        self._observed = itertools.count(1)
        self._open: dict[tuple[bytes, str], requests.AnyRequest] = {}
        self._left: set[tuple[bytes, str]] = set()
        self._snapshot: views.Snapshot | None = None
        self._mirror: views.Snapshot | None = None
        self._seq = 0
        self._now = 1_000_000.0
        self._set_s = 0.0
        self._trace: collections.deque[str] = collections.deque(maxlen=TRACE)
        self.manager = Manager(
            "epoch",
            views.DaemonView(version="0", pid=1, started_at=""),
            self._settings(),
            (f"job{number}" for number in itertools.count(1)),
            Remembered(specs=_specs(), jobs=self._remembered_jobs(), latest={}, averages={}),
        )

    def run(self) -> None:
        """Run it; raises what the core raises, or BrokenPromiseError, with the last steps as a note."""
        try:
            self._perform(self.manager.start(self._now, self._now - self._set_s))
            with planted(self._rng, self._bugs):
                self._live()
            self._come_to_an_end()
        except Exception as error:
            error.add_note(
                "\n".join(
                    [
                        "the last steps:",
                        *self._trace,
                        f"repeat it: {REPEAT.format(self._seed, self._steps, self._bugs)}",
                    ]
                )
            )
            raise

    def _live(self) -> None:
        self._tell(self._adapters.sampled())
        for _ in range(self._steps):
            self._now += self._rng.random() * 0.2
            if self._rng.random() < self._request_share:
                self._ask_something()
            else:
                self._let_adapters_work()
            if self._rng.random() < 0.03:
                self._compare_mirror()
            if self._rng.random() < 0.01:
                self._leave(self._rng.choice(CLIENTS))

    def _come_to_an_end(self) -> None:
        """Stop the daemon while clients go on asking; or resume paused downloads and wait for the last fact."""
        self._stopping = self._stops
        if self._stops and self._rng.random() < 0.5:
            self._tell(facts.StopAsked())
        elif self._stops:
            self._ask(OBSERVER, requests.Shutdown(id="stop"))
        for number in range(10_000):
            if self.manager.finished if self._stops else not self._adapters.busy() and not self._unended():
                break
            self._now += 0.1
            if number % 20 == 0:
                self._tell(facts.Ticked())
                if not self._stops:
                    self._ask(OBSERVER, requests.Resume(id=f"go on {number}"))
            if self._stops and self._rng.random() < 0.3:
                self._ask_something()
            self._let_adapters_work()
        else:
            raise BrokenPromiseError(f"it never ends: {self._waiting()}")
        if self._bugs and not self._stops:
            self._tell(facts.Ticked())  # goes on with what the last bug has left
        self._compare_mirror()
        if self._open:
            raise BrokenPromiseError(f"never answered: {list(self._open.items())[:4]} of {self._waiting()}")

    # -- clients -------------------------------------------------------------------------------------------------

    def _ask_something(self) -> None:
        self._ask(self._rng.choice(CLIENTS), self._requests.next(self._mirror))

    def _ask(self, client: bytes, request: requests.AnyRequest) -> None:
        try:
            request = _DECODE_REQUEST.decode(encode(request))
        except msgspec.ValidationError:
            return  # the endpoint refuses it
        self.met.add(type(request))
        self._open[client, request.id] = request
        self._tell(facts.Asked(client=client, request=request))

    def _leave(self, client: bytes) -> None:
        gone = [asked for asked in self._open if asked[0] == client]
        self._left.update(gone)
        for asked in gone:
            del self._open[asked]
        self._tell(facts.ClientGone(client=client))

    def _answered(self, client: bytes, reply: replies.Reply) -> None:
        if reply.chunk is not msgspec.UNSET:
            return
        if client == OBSERVER and isinstance(reply.result, replies.Snapshot):
            self._snapshot = reply.result.snapshot
        if (client, reply.id) in self._left:
            self._left.discard((client, reply.id))
        elif self._open.pop((client, reply.id), None) is None:
            raise BrokenPromiseError(f"nobody waits for this answer, or no longer: {client!r} {reply}")

    def _published(self, event: events.AnyEvent) -> None:
        if not isinstance(event, events.Heartbeat):
            if event.seq != self._seq + 1:
                raise BrokenPromiseError(f"event {event.seq} follows {self._seq}")
            self._seq = event.seq
        if self._mirror is not None:
            self._mirror = mirror.apply(self._mirror, event)

    def _compare_mirror(self) -> None:
        """A mirror that followed the events equals the current snapshot; a new mirror starts from it."""
        self._ask(OBSERVER, requests.Snapshot(id=f"s{next(self._observed)}"))
        snapshot = self._snapshot
        assert snapshot is not None
        if self._mirror is not None:
            different = list(_differences("snapshot", self._mirror, snapshot))
            if different:
                raise BrokenPromiseError(f"a mirror differs: {different[:5]}")
        self._mirror = snapshot

    # -- the outside ---------------------------------------------------------------------------------------------

    def _let_adapters_work(self) -> None:
        fact = self._adapters.next_fact() if self._rng.random() < 0.95 else None
        if fact is not None:
            self._tell(fact)
            return
        self._now += self._rng.choice([0.01, 1.0, 1.0, 11.0, 700.0])
        if self._rng.random() < 0.02:
            jump = self._rng.choice([-86_400.0, 86_400.0])  # someone sets the clock
            self._now += jump
            self._set_s += jump
        self._tell(self._adapters.sampled())
        self._tell(facts.Ticked())

    def _tell(self, fact: facts.AnyFact) -> None:
        self.met.add(type(fact))
        self._trace.append(f"{self._now:.1f}  {fact!r}"[:300])
        self._perform(self.manager.handle(fact, self._now, self._now - self._set_s))

    def _perform(self, wanted: list[effects.AnyEffect]) -> None:
        for effect in wanted:
            self._trace.append(f"    -> {effect!r}"[:200])
            match effect:
                case effects.Send(client=client, reply=reply):
                    self._answered(client, _DECODE_REPLY.decode(encode(reply)))
                case effects.Publish(event=event):
                    self._published(_DECODE_EVENT.decode(encode(event)))
                case effects.StartPull() | effects.StartWorker() if self._stopping:
                    raise BrokenPromiseError(f"the daemon stops and still starts something: {effect}")
                case effects.ReportBug(trace=trace):
                    self._reported(trace)
                case _:
                    self._adapters.perform(effect)

    def _reported(self, trace: str) -> None:
        """Only planted bugs are expected."""
        self.bugs_met += 1
        if PlantedBugError.__name__ not in trace:
            raise BrokenPromiseError(f"the core raised: {trace}")

    def _unended(self) -> list[views.JobView]:
        jobs = self._mirror.jobs if self._mirror is not None else []
        return [job for job in jobs if job.state not in FINAL]

    def _waiting(self) -> str:
        models = {} if self._mirror is None else {model.key: str(model.state) for model in self._mirror.models}
        jobs = [(job.id, job.model, str(job.state)) for job in self._unended()]
        return f"jobs {jobs}, models {models}, adapters {self._adapters}"[:1500]

    # -- the beginning -------------------------------------------------------------------------------------------

    def _settings(self) -> Settings:
        return Settings(
            max_loaded_models=self._rng.choice([0, 1, 2]),
            max_downloads=self._rng.choice([1, 2]),
            idle_unload_s=self._rng.choice([0.0, 5.0, 1800.0]),
            benchmark_every_days=self._rng.choice([0.0, 1e-6]),
            worker_silence_s=self._rng.choice([3.0, 30.0]),
            stop_timeout_s=self._rng.choice([1.0, 5.0]),
            allow_http=True,
        )

    def _remembered_jobs(self) -> list[views.JobView]:
        """Jobs of an earlier daemon, as the store returns them."""
        count = self._rng.randint(0, 3)
        states = self._rng.sample([JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, *FINAL], count)
        models = self._rng.sample(["alpha", "delta", "hub", "a model that is gone"], count)
        return [
            views.JobView(
                id=f"old{number}",
                kind=JobKind.BENCHMARK if state is not JobState.PAUSED and self._rng.random() < 0.3 else JobKind.PULL,
                model=model,
                state=state,
                created_at="2026-01-01T00:00:00.000+00:00",
                rank=number,
            )
            for number, (state, model) in enumerate(zip(states, models, strict=True))
        ]


def _specs() -> list[ModelSpec]:
    sources = dict.fromkeys(BUILT, "") | {"inplace": "/disk/z.gguf", "hub": "hf:org/repo:Q4_K_M"}
    return [
        ModelSpec(
            key=key,
            source=source or f"https://example.org/{key}.gguf",
            file_name="" if source else f"{key}.gguf",
            path="/disk/z.gguf" if key == "inplace" else "",
            builtin=key == "beta",
        )
        for key, source in sources.items()
    ]


def _differences(where: str, mirrored: object, snapshot: object) -> Iterator[str]:
    """The fields in which two views differ; models and jobs are paired by key or id."""
    if mirrored == snapshot or where in ("snapshot.at", "snapshot.seq") or where.endswith(THROTTLED):
        return
    if where in ("snapshot.models", "snapshot.jobs"):
        old, new = _by_key(mirrored), _by_key(snapshot)
        yield from (f"{where}: {key} is in one of them only" for key in sorted(old.keys() ^ new.keys()))
        for key in old.keys() & new.keys():
            yield from _differences(f"{where}[{key}]", old[key], new[key])
        if old.keys() == new.keys() and list(old) != list(new):
            yield f"{where}: {list(old)} and not {list(new)}"
    elif isinstance(mirrored, msgspec.Struct) and type(mirrored) is type(snapshot):
        for name in mirrored.__struct_fields__:
            yield from _differences(f"{where}.{name}", getattr(mirrored, name), getattr(snapshot, name))
    else:
        yield f"{where}: {mirrored!r} and not {snapshot!r}"[:300]


def _by_key(views_: object) -> dict[str, views.ModelView | views.JobView]:
    assert isinstance(views_, list)
    return {view.id if isinstance(view, views.JobView) else view.key: view for view in views_}
