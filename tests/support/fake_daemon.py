"""A fake daemon: two real sockets and a table of answers, without models or downloads.

It keeps the real daemon's guarantees on the wire: reply ids, epoch, one seq per event, heartbeats, a connection file.
Run as ``python fake_daemon.py`` (with MODELD_HOME) it is a separate process, for the tests of daemons that die.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec
import zmq
from modeld.places import Places, find
from modeld.protocol import events, replies, requests, views, wire
from modeld.protocol.connection import Connection
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import FINAL, JobKind, JobState, ModelState

AT = "2026-01-02T03:04:05+00:00"
HEARTBEAT_S = 0.1

Answer = replies.AnyResult | Failure | None


def result_of(key: str, rate: float = 45.32, memory: float = 4829.3) -> views.BenchmarkResult:
    """A benchmark result with plausible numbers."""
    return views.BenchmarkResult(
        model_key=key,
        tokens_per_second=rate,
        inference_time=3250.5,
        context_used=158,
        context_available=8192,
        timestamp=AT,
        prompt_tokens=30,
        completion_tokens=128,
        memory_usage_mb=memory,
    )


def run_of(key: str) -> views.BenchmarkRun:
    """A benchmark run that was disturbed."""
    rate = views.Figure(mean=45.32, stddev=0.5, n=3)
    return views.BenchmarkRun(
        id="b1",
        result=result_of(key),
        prefill=rate,
        decode=rate,
        first_token_ms=rate,
        inference_ms=rate,
        pp=rate,
        pp_tokens=512,
        tg=rate,
        tg_tokens=128,
        disturbed=True,
        disturbance="another process took 40 % of the CPU",
    )


def model_of(key: str, state: ModelState, *, builtin: bool = False) -> views.ModelView:
    """A model; loaded ones have a worker's view."""
    loaded = None
    if state in (ModelState.LOADED, ModelState.BUSY):
        loaded = views.LoadedView(run=1, context_used=158, context_size=8192, memory_bytes=1 << 30, loaded_at=AT)
    return views.ModelView(
        key=key,
        state=state,
        display_name=key.title(),
        size_bytes=4 << 30,
        context_length=8192,
        builtin=builtin,
        loaded=loaded,
        source="https://example.invalid/m.gguf",
    )


class FakeDaemon:
    """Answers requests and publishes events until it is closed."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.epoch = "e1"
        self.seq = 0
        self.seen: list[requests.AnyRequest] = []
        self.models = {
            "mistral": model_of("mistral", ModelState.LOADED, builtin=True),
            "phi": model_of("phi", ModelState.ON_DISK),
            "absent": model_of("absent", ModelState.ABSENT),
        }
        self.jobs: dict[str, views.JobView] = {}
        self.chunks = 5
        self.hold_generation = False
        self.hold_pull = False
        self.pull_failure: Failure | None = None
        self.silent = False
        self.hangs_at: type[requests.Request] | None = None
        self.load_s = 0.0
        self._due: list[tuple[float, Callable[[], None]]] = []
        self.mute_heartbeats = False
        self.heartbeat_s = HEARTBEAT_S
        self.runs: list[views.BenchmarkRun] = []
        self.arrived = threading.Event()
        self._later: deque[Callable[[], None]] = deque()
        self._streaming: tuple[list[bytes], str] | None = None
        self._stop = threading.Event()
        self._context = zmq.Context()
        places.runtime_dir.mkdir(parents=True, exist_ok=True)
        places.state_dir.mkdir(parents=True, exist_ok=True)
        self._router = self._context.socket(zmq.ROUTER)
        self._pub = self._context.socket(zmq.PUB)
        for socket in (self._router, self._pub):
            socket.linger = 200
            socket.sndhwm = 0  # a slow reader gets everything, later; skip_event simulates losses
        commands, published = (f"ipc://{places.runtime_dir / name}" for name in ("commands.sock", "events.sock"))
        self._router.bind(commands)
        self._pub.bind(published)
        connection = Connection(pid=os.getpid(), version="0.1.0", commands=commands, events=published)
        new = places.connection_file.with_suffix(".new")
        new.write_bytes(wire.encode(connection))
        new.rename(places.connection_file)
        self._thread = threading.Thread(target=self._serve, name="fake daemon")
        self._thread.start()

    def close(self) -> None:
        """Stop, and remove the connection file."""
        self._stop.set()
        self._thread.join(5)

    def join(self) -> None:
        """Wait until a client has shut it down."""
        self._thread.join()

    def do(self, action: Callable[[], None]) -> None:
        """Run ``action`` soon in the daemon's thread; the only way to publish from outside."""
        self._later.append(action)

    def publish(self, kind: Callable[..., events.AnyEvent], /, **fields: object) -> None:
        """Publish the next event (in the daemon's thread)."""
        self.seq += 1
        event = kind(epoch=self.epoch, seq=self.seq, at=AT, **fields)
        self._pub.send_multipart([events.topic(event).encode(), wire.encode(event)])

    def skip_event(self) -> None:
        """Skip an event number, so that clients see a gap."""
        self.seq += 1

    def change(self, model: views.ModelView) -> None:
        """Change a model and publish it."""
        self.models[model.key] = model
        self.publish(events.ModelChanged, model=model)

    def change_job(self, job: views.JobView) -> None:
        """Change a job and publish it."""
        self.jobs[job.id] = job
        self.publish(events.JobChanged, job=job)

    def snapshot(self) -> views.Snapshot:
        """The current state: the catalogue first, then by key."""
        models = sorted(self.models.values(), key=lambda model: (not model.builtin, model.key))
        return views.Snapshot(
            epoch=self.epoch,
            seq=self.seq,
            at=AT,
            daemon=self._daemon(),
            system=views.SystemView(memory_total=8 << 30, memory_available=4 << 30),
            models=models,
            jobs=list(self.jobs.values()),
        )

    def _daemon(self) -> views.DaemonView:
        return views.DaemonView(version="0.1.0", pid=os.getpid(), started_at=AT, home="home", log_file="log")

    def _serve(self) -> None:
        beat = 0.0
        while not self._stop.is_set():
            if self._router.poll(10):
                self._receive(self._router.recv_multipart())
            while self._due and self._due[0][0] <= time.monotonic():
                self._due.pop(0)[1]()
            while self._later:
                self._later.popleft()()
            if time.monotonic() - beat > self.heartbeat_s and not self.mute_heartbeats:
                beat = time.monotonic()
                event = events.Heartbeat(epoch=self.epoch, seq=self.seq, at=AT)
                self._pub.send_multipart([b"daemon.heartbeat", wire.encode(event)])
        self.publish(events.DaemonStopping)
        self.places.connection_file.unlink(missing_ok=True)
        self._router.close()
        self._pub.close()
        self._context.term()

    def _receive(self, frames: list[bytes]) -> None:
        envelope, body = frames[:-1], frames[-1]
        request = msgspec.json.decode(body, type=requests.AnyRequest)
        self.seen.append(request)
        self.arrived.set()
        self.silent = self.silent or type(request) is self.hangs_at
        if self.silent:
            return
        if self.load_s and isinstance(request, requests.Load):
            delay_s, self.load_s = self.load_s, 0.0
            self._due.append((time.monotonic() + delay_s, lambda: self._receive(frames)))
            return
        answer = self._answer(request, envelope)
        if answer is not None:
            self._reply(envelope, request.id, answer)

    def _reply(self, envelope: list[bytes], id_: str, answer: Answer | replies.Chunk) -> None:
        match answer:
            case Failure():
                reply = replies.Reply(id=id_, ok=False, error=answer)
            case replies.Chunk():
                reply = replies.Reply(id=id_, ok=True, chunk=answer)
            case _:
                assert answer is not None
                reply = replies.Reply(id=id_, ok=True, result=answer)
        self._router.send_multipart([*envelope, wire.encode(reply)])

    def _answer(self, request: requests.AnyRequest, envelope: list[bytes]) -> Answer:
        match request:
            case requests.Ping():
                return replies.Pong(version="0.1.0", protocol=1, pid=os.getpid(), epoch=self.epoch)
            case requests.Snapshot():
                return replies.Snapshot(snapshot=self.snapshot())
            case requests.Status():
                now = self.snapshot()
                loaded = [model for model in now.models if model.loaded]
                running = [job for job in now.jobs if job.state not in FINAL]
                return replies.Status(daemon=now.daemon, system=now.system, loaded=loaded, running=running)
            case requests.List():
                return replies.Models(models=self.snapshot().models)
            case requests.Jobs(model=key):
                return replies.Jobs(jobs=[job for job in self.jobs.values() if key in ("", job.model)])
            case requests.ClearJobs(model=key):
                return self._clear_jobs(key)
            case requests.Add(model=key):
                if key in self.models:
                    return Failure(
                        code=ErrorCode.ALREADY_EXISTS, message=f"{key} is known already.", hint="rm it first"
                    )
                self.change(model_of(key, ModelState.ON_DISK))
                return replies.Model(model=self.models[key])
            case requests.Benchmark(models=keys):
                return self._benchmark(keys or ["mistral"])
            case requests.Compare():
                rows = [result_of("mistral"), result_of("phi", 20.0, 900.0)]
                comparison = views.Comparison(rows=rows, fastest="mistral", most_efficient="phi")
                return replies.Comparison(comparison=comparison)
            case requests.Cancel(request=id_) if id_:
                self._finish_generation("cancelled")
                return replies.Done()
            case requests.Cancel(job=id_) if id_:
                self.change_job(msgspec.structs.replace(self.jobs[id_], state=JobState.CANCELLED))
                return replies.Done(note="Cancelled.")
            case requests.Pause():
                return self._move_jobs(request, JobState.RUNNING, JobState.PAUSED)
            case requests.Resume():
                return self._move_jobs(request, JobState.PAUSED, JobState.RUNNING)
            case requests.Move() | requests.Limit():
                return replies.Jobs(jobs=[*self.jobs.values()])
            case requests.Shutdown():
                self.do(self._stop.set)
                return replies.Done()
            case requests.Unload(model=""):
                return replies.Done(note="")
            case requests.Generate() | requests.Chat() if request.stream:
                return self._stream(request, envelope)
            case requests.Backup() | requests.Restore() | requests.Files() | requests.Search() | requests.Scan():
                raise NotImplementedError(f"the fake daemon has no answer to {request}")
        if request.model not in self.models:
            return Failure(code=ErrorCode.NOT_FOUND, message=f"There is no model {request.model}.", hint="modelctl ls")
        return self._answer_of_model(request)

    def _clear_jobs(self, key: str) -> Answer:
        ended = [job for job in self.jobs.values() if job.state in FINAL and key in ("", job.model)]
        for job in ended:
            del self.jobs[job.id]
            self.publish(events.JobRemoved, job=job.id, kind=job.kind, model=job.model)
        return replies.Jobs(jobs=ended)

    def _move_jobs(self, request: requests.Pause | requests.Resume, old: JobState, new: JobState) -> Answer:
        named = request.job or request.model
        moved = [
            msgspec.structs.replace(job, state=new)
            for job in self.jobs.values()
            if job.state is old and named in ("", job.id, job.model)
        ]
        if named and not moved:
            return Failure(code=ErrorCode.NOT_FOUND, message=f"There is no download {named!r} going on.")
        for job in moved:
            self.change_job(job)
        return replies.Jobs(jobs=moved)

    def _answer_of_model(self, request: requests.AnyRequest) -> Answer:
        match request:
            case requests.Show(model=key):
                return replies.Model(model=self.models[key])
            case requests.Load(model=key):
                if self.models[key].state is ModelState.ABSENT:
                    return Failure(
                        code=ErrorCode.NOT_ON_DISK, message=f"{key} is not on disk.", hint=f"modelctl pull {key}"
                    )
                self.change(model_of(key, ModelState.LOADED))
                return replies.Model(model=self.models[key])
            case requests.Pull(model=key):
                return self._pull(key)
            case requests.Results(model=key):
                average = views.BenchmarkAverage(
                    runs=1, avg_tokens_per_second=45.32, avg_inference_time=3250.5, avg_memory_usage_mb=4829.3
                )
                change = views.Change(percent=12.5, significant=True)
                return replies.History(
                    history=views.History(model=key, runs=self.runs or [run_of(key)], average=average, change=change)
                )
            case requests.Generate(prompt=prompt):
                return replies.Generated(generation=self._generation("stop", prompt))
            case requests.Chat(messages=messages):
                return replies.Generated(generation=self._generation("stop", messages[-1].content))
            case _:
                return replies.Done(note="")

    def _pull(self, key: str) -> Answer:
        if key == "phi":
            there = self._job("p0", JobKind.PULL, key, JobState.DONE)
            return replies.Jobs(jobs=[msgspec.structs.replace(there, already_there=True)])
        job = self._job("p1", JobKind.PULL, key, JobState.RUNNING)
        self.change_job(job)

        def go_on() -> None:
            for tenth in range(1, 11):
                progress = views.Progress(
                    done=tenth << 20, total=10 << 20, percent=tenth * 10.0, rate=1.0 * (1 << 20), eta_s=10.0 - tenth
                )
                self.jobs["p1"] = msgspec.structs.replace(self.jobs["p1"], progress=progress)
                self.publish(events.JobProgress, job="p1", kind=JobKind.PULL, model=key, progress=progress)
                if self.hold_pull and tenth == 5:
                    return
            state = JobState.FAILED if self.pull_failure else JobState.DONE
            self.change_job(msgspec.structs.replace(self.jobs["p1"], state=state, failure=self.pull_failure))

        self.do(go_on)
        return replies.Jobs(jobs=[job])

    def _benchmark(self, keys: list[str]) -> Answer:
        jobs = [self._job(f"b-{key}", JobKind.BENCHMARK, key, JobState.QUEUED) for key in keys]
        for job in jobs:
            self.change_job(job)

        def go_on() -> None:
            for job in jobs:
                progress = views.Progress(done=3, total=9, rate=45.0, phase="tg")
                running = msgspec.structs.replace(job, state=JobState.RUNNING, progress=progress)
                self.change_job(running)
                self.change_job(msgspec.structs.replace(running, state=JobState.DONE, benchmark=run_of(job.model)))

        self.do(go_on)
        return replies.Jobs(jobs=jobs)

    def _job(self, id_: str, kind: JobKind, key: str, state: JobState) -> views.JobView:
        return views.JobView(id=id_, kind=kind, model=key, state=state, created_at=AT)

    def _stream(self, request: requests.Generate | requests.Chat, envelope: list[bytes]) -> Answer:
        if request.model not in self.models:
            return Failure(code=ErrorCode.NOT_FOUND, message=f"There is no model {request.model}.")
        self._streaming = (envelope, request.id)
        for number in range(1, self.chunks + 1):
            chunk = replies.Chunk(text=f"w{number} ", completion_tokens=number, context_used=10 + number)
            self._reply(envelope, request.id, chunk)
        if not self.hold_generation:
            self._finish_generation("stop")
        return None

    def _finish_generation(self, finish: str) -> None:
        assert self._streaming is not None
        envelope, id_ = self._streaming
        self._reply(envelope, id_, replies.Generated(generation=self._generation(finish, "w1 w2 w3 w4 w5 ")))

    def _generation(self, finish: str, text: str) -> views.Generation:
        return views.Generation(
            model="mistral",
            text=text,
            finish=finish,
            prompt_tokens=10,
            cached_tokens=0,
            completion_tokens=5,
            prefill_ms=1.0,
            decode_ms=1.0,
            first_token_ms=1.0,
            context_used=158,
            context_size=8192,
        )


if __name__ == "__main__":
    FakeDaemon(find()).join()
