"""Simulates everything outside the core: files, hub, downloads, workers, database. Answers come late, wrong or never.

Each effect of the core leads to a fact that waits here until the simulation delivers it. Facts of different adapters
overtake each other; those of one worker or one download keep their order, as in reality.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from modeld.core import effects, facts
from modeld.protocol import views, workers
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import Phase

from support.manager_world import GIB, HEADER, READY, generation, run

EXTREME = (0.0, 1e-300, 50.0, 1e308)
"""Speeds and deviations that a stored or restored run may claim."""

EXTREME_TIMES = ("2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999+14:00", "yesterday")
"""Times that a stored or restored run may claim."""

EXTREME_SIZES = (0, 1000, 1000, 1000, 1000, 2**63 - 1)
"""Bytes that a hub may claim for a file."""

RAISING = (
    *(effects.StartPull, effects.StartWorker, effects.TellWorker),
    *(effects.ListRepository, effects.ReadRemote, effects.SearchHub, effects.LimitPulls),
)
"""Effects that the daemon performs at once, and whose adapter may raise."""

_BROKEN = Failure(code=ErrorCode.INTERNAL, message="broken")
_MISSING = Failure(code=ErrorCode.NOT_FOUND, message="not there")


@dataclass
class Download:
    """A running download; ``stopped`` once the core has asked to stop it. A ``stuck`` one reports nothing before."""

    order: effects.StartPull
    stuck: bool
    done: int = 0
    stopped: bool = False


@dataclass
class Child:
    """A worker process: its start phase, and its one task."""

    order: effects.StartWorker
    said_hello: bool = False
    ready: bool = False
    leaving: bool = False
    task: workers.Answer | workers.Measure | None = None
    stop_task: bool = False
    steps: int = 0


@dataclass
class Adapters:
    """The simulated adapters; ``lossy`` ones drop some effects for good, and some downloads are stuck until they stop.

    ``files`` are the files on disk: names in the models folder, and paths.
    """

    rng: random.Random
    lossy: bool = False
    files: set[str] = field(default_factory=lambda: {"alpha.gguf", "beta.gguf", "gamma.gguf", "/disk/z.gguf"})
    waiting: list[facts.AnyFact] = field(default_factory=list)
    lookups: dict[int, tuple[effects.ListRepository | effects.ReadRemote, facts.AnyFact]] = field(default_factory=dict)
    lost_lookups: set[int] = field(default_factory=set)
    downloads: dict[str, Download] = field(default_factory=dict)
    children: dict[int, Child] = field(default_factory=dict)

    def busy(self) -> bool:
        """Whether a fact is still pending without a further request."""
        at_work = any(child.task or child.leaving or not child.ready for child in self.children.values())
        return bool(self.waiting or self.lookups or self.downloads or at_work)

    # -- effects -------------------------------------------------------------------------------------------------

    def perform(self, effect: effects.AnyEffect) -> None:
        """Start what the core asks for; now and then the adapter raises instead."""
        if isinstance(effect, RAISING) and self.rng.random() < 0.01:
            self.waiting.append(facts.WorkFailed(effect=effect, why="a bug of an adapter"))
            return
        match effect:
            case effects.StartPull(job=job):
                assert job not in self.downloads, f"two downloads at once for {job}"
                self.downloads[job] = Download(effect, stuck=self._is_lost())
            case effects.StopPull(job=job):
                self._stop_pull(job)
            case effects.StartWorker(run=number):
                self.children[number] = Child(effect)
            case effects.StopWorker(run=number):
                if number in self.children:
                    self.children[number].leaving = True
            case effects.TellWorker(run=number, order=order):
                if number in self.children:
                    self._tell(self.children[number], order)
            case effects.ListRepository(lookup=number) | effects.ReadRemote(lookup=number):
                self.lookups[number] = (effect, self._looked_up(effect))
                if self._is_lost():
                    self.lost_lookups.add(number)
            case effects.SearchHub(lookup=number):
                if not self._is_lost():
                    self.waiting.append(facts.HubSearched(lookup=number, repositories=[], next=""))
            case effects.Continue(ticket=ticket):
                self.waiting.append(facts.Continued(ticket=ticket))
            case effects.LimitPulls():
                pass
            case _:
                self.waiting.extend(self._answer(effect))

    def _is_lost(self) -> bool:
        return self.lossy and self.rng.random() < 0.2

    def _answer(self, effect: effects.AnyEffect) -> Iterator[facts.AnyFact]:
        """The fact that answers an effect which the daemon performs in a thread."""
        chance = self.rng.random()
        if self._is_lost():
            return
        if chance > 0.96:
            yield facts.WorkFailed(effect=effect, why="a bug")
            return
        match effect:
            case effects.Inspect():
                yield self._inspected(effect)
            case effects.LookForFiles(paths=paths):
                there = [key for key in paths if self._are_there(paths[key]) and self.rng.random() < 0.95]
                yield facts.FilesLookedFor(there=there, gone=[key for key in paths if key not in there])
            case effects.RemoveFiles(model=key, file_names=names, ticket=ticket):
                failure = _BROKEN if chance < 0.15 else None
                if failure is None:
                    self.files.difference_update(names)
                yield facts.FileRemoved(model=key, ticket=ticket, failure=failure)
            case effects.ScanExternalModels(add=add, all=everything, ticket=ticket):
                file = facts.ExternalFile(
                    program="Ollama", name="llama3:8b", path="/o/1", size_bytes=5, header=self._header()
                )
                yield facts.ExternalModelsScanned(files=[file], looked=["/o"], add=add, all=everything, ticket=ticket)
            case effects.ReadRuns(model=key, ticket=ticket):
                yield facts.RunsRead(model=key, ticket=ticket, runs=self._stored_runs())
            case effects.ReadBackup(ticket=ticket):
                yield facts.BackupRead(ticket=ticket, failure=_BROKEN if chance < 0.1 else None)
            case effects.SaveBackup(ticket=ticket):
                latest = msgspec.structs.replace(run().result, timestamp=self.rng.choice(EXTREME_TIMES))
                if chance < 0.1:
                    yield facts.BackupSaved(ticket=ticket, failure=_BROKEN)
                if chance < 0.05:
                    yield facts.SavingFailed(failure=_BROKEN)
                    return
                yield facts.BackupSaved(ticket=ticket, latest={"alpha": latest})
                yield facts.SavingWorks()
            case effects.MergeSettings(ticket=ticket):
                yield facts.SettingsMerged(ticket=ticket, failure=_BROKEN if chance < 0.1 else None)

    def _are_there(self, paths: list[str]) -> bool:
        return all(path.removeprefix("/models/") in self.files for path in paths)

    def _stored_runs(self) -> list[views.BenchmarkRun]:
        """A history; its figures may be impossible ones."""
        stored = []
        for _ in range(self.rng.randint(0, 3)):
            deviation = views.Figure(mean=self.rng.choice(EXTREME), stddev=self.rng.choice(EXTREME), n=3)
            stored.append(msgspec.structs.replace(run(speed=self.rng.choice(EXTREME)), decode=deviation))
        return stored

    def _inspected(self, effect: effects.Inspect) -> facts.FileInspected:
        there = self._are_there([effect.path or effect.file_name])
        bad = not there and self.rng.random() < 0.2
        return facts.FileInspected(
            model=effect.model,
            path=effect.path or f"/models/{effect.file_name}",
            header=self._header() if there else None,
            failure=Failure(code=ErrorCode.BAD_MODEL_FILE, message="bad") if bad else None,
            ticket=effect.ticket,
        )

    def _looked_up(self, effect: effects.ListRepository | effects.ReadRemote) -> facts.AnyFact:
        if self.rng.random() < 0.2:
            return facts.LookupFailed(lookup=effect.lookup, failure=_MISSING)
        if isinstance(effect, effects.ReadRemote):
            header = self._header() if self.rng.random() < 0.8 else None
            free = self.rng.choice([0, 10 * GIB, 10 * GIB, 10 * GIB])
            size = self.rng.choice(EXTREME_SIZES)
            return facts.RemoteRead(lookup=effect.lookup, header=header, size_bytes=size, disk_free=free, commit="c")
        split = ("w-Q8_0-00001-of-00002.gguf", "w-Q8_0-00002-of-00002.gguf")
        names = split if "split" in effect.repo else ("r.Q4_K_M.gguf", "r.Q8_0.gguf")
        size = self.rng.choice(EXTREME_SIZES)
        files = [facts.RemoteFile(path=name, size_bytes=size, sha256="0" * 64) for name in names]
        return facts.RepositoryListed(lookup=effect.lookup, files=files)

    def _stop_pull(self, job: str) -> None:
        """Like the hub and the downloader: a lookup of the download is cancelled at once, a transfer when possible.

        Instead of the stop, a lookup may report the result that was on its way already.
        """
        given_up = [number for number, (effect, _) in self.lookups.items() if effect.job == job]
        for number in given_up:
            effect, result = self.lookups.pop(number)
            crossed = self.rng.random() < 0.3
            self.waiting.append(result if crossed else facts.PullStopped(job=job, run=effect.run))
        if job in self.downloads:
            self.downloads[job].stopped = True

    def _tell(self, child: Child, order: workers.AnyOrder) -> None:
        if isinstance(order, workers.Answer | workers.Measure):
            assert child.task is None, "two tasks at once for a worker"
            child.task, child.steps, child.stop_task = order, 0, False
        elif isinstance(order, workers.Stop) and child.task is not None and child.task.task == order.task:
            child.stop_task = True

    # -- facts ---------------------------------------------------------------------------------------------------

    def next_fact(self) -> facts.AnyFact | None:
        """The next fact of one of the adapters; None if none has one."""
        sources = [
            *([self._waiting_fact] * 3 if self.waiting else []),
            *([self._lookup_fact] if self.lookups.keys() - self.lost_lookups else []),
            *([self._download_fact] if self._moving() else []),
            *([self._child_fact] * 2 if self.children else []),
        ]
        return self.rng.choice(sources)() if sources else None

    def _waiting_fact(self) -> facts.AnyFact:
        place = self.rng.randrange(len(self.waiting)) if self.rng.random() < 0.5 else 0
        return self.waiting.pop(place)

    def _lookup_fact(self) -> facts.AnyFact:
        _, fact = self.lookups.pop(self.rng.choice(sorted(self.lookups.keys() - self.lost_lookups)))
        return fact

    def _moving(self) -> list[str]:
        """The downloads that report something."""
        return [job for job, download in self.downloads.items() if download.stopped or not download.stuck]

    def _download_fact(self) -> facts.AnyFact:
        job = self.rng.choice(self._moving())
        download = self.downloads[job]
        number, chance = download.order.run, self.rng.random()
        if chance < 0.6 and not download.stopped:
            download.done += 100
            return facts.PullAdvanced(
                job=job, run=number, done_bytes=download.done, total_bytes=1000, phase=Phase.DOWNLOADING
            )
        del self.downloads[job]
        if chance < 0.8:
            name = download.order.file_name
            parts = (2, 1 if "00001" in name else 2) if "-of-" in name else (1, 1)
            header = msgspec.structs.replace(self._header(), parts=parts[0], part=parts[1])
            path = f"/models/{name}"
            self.files.add(name)
            return facts.PullFinished(job=job, run=number, path=path, header=header, sha256="0" * 64, verified=True)
        if download.stopped:
            return facts.PullStopped(job=job, run=number)
        code = self.rng.choice([ErrorCode.DISK_FULL, ErrorCode.NOT_FOUND, ErrorCode.HASH_MISMATCH])
        return facts.PullBroke(job=job, run=number, failure=Failure(code=code, message="no"))

    def _child_fact(self) -> facts.AnyFact | None:
        number = self.rng.choice(list(self.children))
        child = self.children[number]
        last_words = child.leaving and child.said_hello and self.rng.random() < 0.3
        if (child.leaving and not last_words) or self.rng.random() < 0.04:
            del self.children[number]
            return facts.WorkerGone(run=number, exit_code=0 if child.leaving else -9, detail="it crashed")
        if not child.said_hello:
            child.said_hello = True
            return facts.WorkerSaid(run=number, news=workers.Hello(pid=1000 + number))
        if not child.ready:
            return facts.WorkerSaid(run=number, news=self._loaded(child))
        news = self._worked(child)
        return facts.WorkerSaid(run=number, news=news) if news is not None else None

    def _loaded(self, child: Child) -> workers.AnyNews:
        if self.rng.random() < 0.1:
            child.ready = child.leaving = True
            return workers.LoadFailed(failure=Failure(code=ErrorCode.LOAD_FAILED, message="no"))
        child.ready = True
        return READY

    def _worked(self, child: Child) -> workers.AnyNews | None:
        """One step of a child's task, or its end."""
        task = child.task
        if task is None:
            return None
        child.steps += 1
        ends = child.stop_task or self.rng.random() < 0.3
        if not ends and isinstance(task, workers.Measure):
            return workers.MeasureProgress(
                task=task.task, step=child.steps, steps=10, phase=Phase.PP, tokens_per_second=1.0
            )
        if not ends:
            return workers.Piece(task=task.task, text="a", completion_tokens=child.steps, context_used=child.steps)
        child.task = None
        if isinstance(task, workers.Measure):
            cancelled = Failure(code=ErrorCode.CANCELLED, message="stopped")
            if child.stop_task or self.rng.random() < 0.3:
                return workers.TaskFailed(task=task.task, failure=cancelled)
            return workers.Measured(task=task.task, run=run())
        finish = "cancelled" if child.stop_task else self.rng.choice(["stop", "context_full"])
        ends_as: list[workers.AnyNews] = [
            workers.Answered(task=task.task, generation=generation(finish=finish)),
            workers.Refused(task=task.task, prompt_tokens=999, context_size=256),
            workers.TaskFailed(task=task.task, failure=Failure(code=ErrorCode.GENERATION_FAILED, message="no")),
        ]
        return self.rng.choice(ends_as)

    def sampled(self) -> facts.Sampled:
        """The machine's current memory and CPU."""
        system = views.SystemView(
            memory_total=16 * GIB,
            memory_available=self.rng.randint(1, 16) * GIB,
            cpu_percent=self.rng.choice([1.0, 90.0]),
        )
        memory = {number: (self.rng.randint(1, 9) * 10**7, 10**8) for number in self.children}
        return facts.Sampled(system=system, workers=memory)

    def _header(self) -> views.HeaderView:
        return msgspec.structs.replace(
            HEADER,
            context_length=self.rng.choice([0, 256, 2048]),
            file_bytes=self.rng.choice([1000, 100_000_000, 6 * GIB]),
        )
