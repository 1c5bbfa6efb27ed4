"""A manager with known state, and methods to drive it: no loop, no files, no sockets."""

import itertools
from typing import TypeVar

from modeld.core import effects, facts
from modeld.core.manager import Manager, Remembered
from modeld.core.state.model import ModelSpec
from modeld.protocol import replies, requests, views, workers
from modeld.protocol.errors import Failure
from modeld.settings import Settings

E = TypeVar("E")
GIB = 1024**3

HEADER = views.HeaderView(
    architecture="llama",
    parameters=1000,
    quantization="Q4_0",
    context_length=2048,
    layers=2,
    embedding_length=64,
    heads=4,
    heads_kv=4,
    key_length=16,
    value_length=16,
    vocabulary=1000,
    chat_template=True,
    file_bytes=100_000_000,
)

READY = workers.Ready(
    device="CPU",
    gpu_layers=0,
    threads=2,
    context_size=2048,
    load_s=0.1,
    memory_bytes=200_000_000,
    library="test",
)


class World:
    """A manager started with the given models; those in ``on_disk`` have their file."""

    def __init__(
        self,
        keys: tuple[str, ...] = ("alpha", "beta"),
        on_disk: tuple[str, ...] = ("alpha", "beta"),
        settings: Settings | None = None,
        jobs: tuple[views.JobView, ...] = (),
    ) -> None:
        self.now = 1_000_000.0
        self.clock = 5_000.0
        specs = [ModelSpec(key=key, source=f"https://example.org/{key}.gguf", file_name=f"{key}.gguf") for key in keys]
        self.manager = Manager(
            "epoch",
            views.DaemonView(version="0", pid=1, started_at=""),
            settings or Settings(),
            (f"job{n}" for n in itertools.count(1)),
            Remembered(specs=specs, jobs=list(jobs), latest={}, averages={}),
        )
        self.effects: list[effects.AnyEffect] = []
        self._ids = itertools.count(1)
        self.effects = self.at_start = self.manager.start(self.now, self.clock)
        system = views.SystemView(memory_total=16 * GIB, memory_available=8 * GIB)
        self.tell(facts.Sampled(system=system, workers={}))
        for key in keys:
            header = HEADER if key in on_disk else None
            self.tell(facts.FileInspected(model=key, path=f"/models/{key}.gguf", header=header))

    def tell(self, fact: facts.AnyFact, after_s: float = 0.0) -> list[effects.AnyEffect]:
        """Pass a fact to the manager; its effects are also in ``effects``."""
        self.now += after_s
        self.clock += after_s
        self.effects = self.manager.handle(fact, self.now, self.clock)
        for bug in self.of(effects.ReportBug):
            raise AssertionError(f"the core raised at {bug.fact}: {bug.trace}")
        return self.effects

    def tick(self, seconds: float) -> list[effects.AnyEffect]:
        """Let time pass, with a tick each second; the effects are those of all ticks."""
        seen: list[effects.AnyEffect] = []
        for _ in range(int(seconds)):
            seen += self.tell(facts.Ticked(), after_s=1.0)
        self.effects = seen
        return seen

    def ask(self, request: requests.AnyRequest, client: bytes = b"c") -> list[effects.AnyEffect]:
        """Send a request as a client."""
        return self.tell(facts.Asked(client=client, request=request))

    def of(self, kind: type[E]) -> list[E]:
        """The last effects of one kind."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def replies(self) -> list[replies.Reply]:
        """The last replies."""
        return [effect.reply for effect in self.of(effects.Send)]

    def error(self) -> Failure:
        """The failure in the single reply of the last effects."""
        (reply,) = self.replies()
        assert isinstance(reply.error, Failure), reply
        return reply.error

    def events(self, kind: type[E]) -> list[E]:
        """The last events of one kind."""
        return [effect.event for effect in self.of(effects.Publish) if isinstance(effect.event, kind)]

    def model(self, key: str) -> views.ModelView:
        """A model as a snapshot shows it now."""
        return next(model for model in self.snapshot().models if model.key == key)

    def job(self, job_id: str) -> views.JobView:
        """A job as a snapshot shows it now."""
        return next(job for job in self.snapshot().jobs if job.id == job_id)

    def snapshot(self) -> views.Snapshot:
        """A snapshot; keeps the last effects."""
        request = requests.Snapshot(id="snap")
        sent = self.manager.handle(facts.Asked(client=b"s", request=request), self.now, self.clock)
        (effect,) = [effect for effect in sent if isinstance(effect, effects.Send)]
        assert isinstance(effect.reply.result, replies.Snapshot)
        return effect.reply.result.snapshot

    def load(self, key: str) -> int:
        """Load a model completely; return its run."""
        self.ask(requests.Load(id="load", model=key))
        (start,) = self.of(effects.StartWorker)
        self.tell(facts.WorkerSaid(run=start.run, news=workers.Hello(pid=100 + start.run)))
        self.tell(facts.WorkerSaid(run=start.run, news=READY))
        return start.run


def generation(text: str = "hi", finish: str = "stop") -> views.Generation:
    """The end of a generation of the fake worker."""
    return views.Generation(
        model="alpha",
        text=text,
        finish=finish,
        prompt_tokens=3,
        cached_tokens=0,
        completion_tokens=2,
        prefill_ms=1.0,
        decode_ms=1.0,
        first_token_ms=1.0,
        context_used=5,
        context_size=2048,
    )


def run(speed: float = 50.0, memory: float = 100.0) -> views.BenchmarkRun:
    """A benchmark run of the fake worker."""
    figure = views.Figure(mean=speed, stddev=0.1, n=3)
    result = views.BenchmarkResult(
        model_key="alpha",
        tokens_per_second=speed,
        inference_time=1000.0,
        context_used=100,
        context_available=2048,
        timestamp="2026-01-01T00:00:00.000000+00:00",
        prompt_tokens=20,
        completion_tokens=80,
        memory_usage_mb=memory,
    )
    return views.BenchmarkRun(
        id="", result=result, prefill=figure, decode=figure, first_token_ms=figure, inference_ms=figure
    )
