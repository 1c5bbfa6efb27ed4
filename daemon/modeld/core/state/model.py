"""One model: its state table, and what is known of it."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum, auto

import msgspec

from modeld.core.state.pulse import Pulse
from modeld.core.state.table import follow
from modeld.core.state.task import Task, Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol.errors import Failure, Note
from modeld.protocol.requests import Load
from modeld.protocol.states import HAS_FILE, ModelState
from modeld.protocol.views import BenchmarkAverage, BenchmarkResult, FitView, HeaderView, LoadedView, ModelView


class ModelFact(StrEnum):
    """What can happen to a model."""

    FILE_FOUND = auto()
    PULL_STARTED = auto()
    PULL_FINISHED = auto()
    PULL_DROPPED = auto()
    REMOVED = auto()
    LOAD_STARTED = auto()
    WORKER_READY = auto()
    UNLOAD_STARTED = auto()
    WORKER_GONE = auto()
    WORK_BEGUN = auto()
    WORK_ENDED = auto()


_S, _F = ModelState, ModelFact

TABLE: dict[tuple[ModelState, ModelFact], ModelState] = {
    (_S.ABSENT, _F.PULL_STARTED): _S.DOWNLOADING,
    (_S.ABSENT, _F.FILE_FOUND): _S.ON_DISK,
    (_S.DOWNLOADING, _F.PULL_FINISHED): _S.ON_DISK,
    (_S.DOWNLOADING, _F.PULL_DROPPED): _S.ABSENT,
    (_S.ON_DISK, _F.LOAD_STARTED): _S.LOADING,
    (_S.ON_DISK, _F.REMOVED): _S.ABSENT,
    (_S.LOADING, _F.WORKER_READY): _S.LOADED,
    (_S.LOADING, _F.UNLOAD_STARTED): _S.UNLOADING,
    (_S.LOADING, _F.WORKER_GONE): _S.ON_DISK,
    (_S.LOADED, _F.WORK_BEGUN): _S.BUSY,
    (_S.LOADED, _F.UNLOAD_STARTED): _S.UNLOADING,
    (_S.LOADED, _F.WORKER_GONE): _S.ON_DISK,
    (_S.BUSY, _F.WORK_ENDED): _S.LOADED,
    (_S.BUSY, _F.UNLOAD_STARTED): _S.UNLOADING,
    (_S.BUSY, _F.WORKER_GONE): _S.ON_DISK,
    (_S.UNLOADING, _F.WORKER_GONE): _S.ON_DISK,
    (_S.UNLOADING, _F.WORKER_READY): _S.UNLOADING,
    (_S.UNLOADING, _F.WORK_ENDED): _S.UNLOADING,
}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model on a hub: where it is in its repository, and what it is called here."""

    path: str
    file_name: str
    size_bytes: int = 0
    sha256: str = ""


class Loading(msgspec.Struct, frozen=True, kw_only=True):
    """The options to load a model with, from the client or the settings."""

    context_size: int
    gpu_layers: int
    threads: int


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a model across restarts.

    ``path`` is set when the file lies outside the models folder and is used in place; else the file is ``file_name`` in
    that folder. ``size_bytes`` and ``sha256`` are what is expected of a download (0 and empty when unknown) or what was
    found after it (``verified`` then says whether the hash was checked against a known one). ``parts`` are the files
    that a hub's repository was found to have for it at ``commit``; ``file_name`` is then the first one's. ``resident``
    are the options of a model that is in memory: a daemon that was killed leaves them, and the next one loads it again.
    """

    key: str
    source: str
    file_name: str = ""
    path: str = ""
    display_name: str = ""
    description: str = ""
    size_bytes: int = 0
    sha256: str = ""
    verified: bool = False
    context_length: int = 0
    builtin: bool = False
    pinned: bool = False
    parts: list[Part] = []
    commit: str = ""
    resident: Loading | None = None

    @property
    def file_names(self) -> list[str]:
        """Its files in the models folder."""
        return [part.file_name for part in self.parts] or [self.file_name]


@dataclass
class Model(Tracked):
    """One model as the manager sees it: the spec, the state and what belongs to it now."""

    spec: ModelSpec
    state: ModelState = ModelState.ABSENT
    path: str = ""
    file_bytes: int = 0
    header: HeaderView | None = None
    failure: Failure | None = None
    estimated_bytes: int = 0
    run: int = 0
    loaded: LoadedView | None = None
    loading: Loading | None = None
    last_load_s: float = 0.0
    last_used: float = 0.0
    unload_cause: Note | None = None
    active: bool = False
    latest: BenchmarkResult | None = None
    average: BenchmarkAverage | None = None
    tasks: deque[Task] = field(default_factory=deque)
    current: Task | None = None
    load_waiters: list[tuple[Ticket, Load]] = field(default_factory=list)
    context_published_at: float = 0.0
    pulse: Pulse = field(default_factory=Pulse)
    remote: HeaderView | None = None
    fits: FitView | None = None

    @property
    def key(self) -> str:
        """The name people use."""
        return self.spec.key

    def move(self, fact: ModelFact, failure: Failure | None = None) -> None:
        """Take the step the table has for ``fact``; raises ImpossibleMoveError where it has none.

        ``failure`` says why the step was a bad one; a step without it clears the failure of an earlier one.
        """
        self.state = follow(TABLE, self.state, fact, f"model {self.key}")
        self.failure = failure

    def fail(self, failure: Failure | None) -> None:
        """Show ``failure`` (None: no failure) in the state the model is in."""
        self.failure = failure

    # -- what is remembered of it --------------------------------------------------------------------------------

    def pin(self, pinned: bool) -> None:
        """Keep the model loaded, or stop doing so."""
        self._respec(pinned=pinned)

    def set_resident(self, options: Loading | None) -> None:
        """Note with which options the model is in memory; None: it is not."""
        self._respec(resident=options)

    def expect(self, size_bytes: int) -> None:
        """Note how large the download will be."""
        self._respec(size_bytes=size_bytes)

    def choose_files(self, parts: list[Part], commit: str, size_bytes: int) -> None:
        """Note the files of a repository that the model consists of.

        A download that began at another commit keeps it as long as all files are the same bytes there.
        """
        spec = self.spec
        hashes = [(part.path, part.sha256) for part in parts]
        same = spec.commit and all(part.sha256 for part in parts)
        if same and [(part.path, part.sha256) for part in spec.parts] == hashes:
            commit = spec.commit
        self._respec(parts=parts, commit=commit, file_name=parts[0].file_name, size_bytes=size_bytes)

    def downloaded(self, size_bytes: int, sha256: str, verified: bool) -> None:
        """Note what a complete download turned out to be."""
        self._respec(size_bytes=size_bytes, sha256=sha256, verified=verified)

    def _respec(self, **changes: object) -> None:
        self.spec = msgspec.structs.replace(self.spec, **changes)

    def take_file(self, path: str, header: HeaderView) -> None:
        """Note what the model's file is."""
        self.path = path
        self.header = header
        self.file_bytes = header.file_bytes

    def forget_file(self) -> None:
        """Forget what was known of the model's file, and what went wrong with it."""
        self.header, self.failure, self.remote, self.fits = None, None, None, None

    # -- its tasks -----------------------------------------------------------------------------------------------

    def enqueue(self, task: Task) -> None:
        """Put a task behind those that wait."""
        self.tasks.append(task)
        self._count_waiting()

    def begin_task(self) -> Task:
        """Make the task that waited longest the current one."""
        self.current = self.tasks.popleft()
        self._count_waiting()
        return self.current

    def withdraw(self, task: Task) -> None:
        """Take out a task that waits."""
        self.tasks.remove(task)
        self._count_waiting()

    def fail_current(self, failure: Failure) -> None:
        """Fail the task that the worker is at."""
        task, self.current = self.current, None
        if task is not None:
            task.fail(failure)

    def fail_waiting(self, failure: Failure) -> None:
        """Fail the tasks that wait."""
        tasks = list(self.tasks)
        self.tasks.clear()
        self._count_waiting()
        for task in tasks:  # not before the queue is empty: a failed measurement may put the next one into it
            task.fail(failure)

    def fail_tasks(self, failure: Failure) -> None:
        """Fail the current task and those that wait."""
        if self.current is not None:
            self.tasks.appendleft(self.current)
            self.current = None
        self.fail_waiting(failure)

    def _count_waiting(self) -> None:
        if self.loaded is not None:
            self.loaded = msgspec.structs.replace(self.loaded, requests_waiting=len(self.tasks))

    def view(self) -> ModelView:
        """The model as clients see it."""
        spec = self.spec
        here = self.state in HAS_FILE
        return ModelView(
            key=spec.key,
            state=self.state,
            display_name=spec.display_name or spec.key,
            description=spec.description,
            source=spec.source,
            builtin=spec.builtin,
            path=self.path if here else "",
            in_place=bool(spec.path),
            size_bytes=self.file_bytes if here else spec.size_bytes,
            sha256=spec.sha256,
            verified=spec.verified and here,
            context_length=spec.context_length or (self.header.context_length if self.header else 0),
            estimated_bytes=self.estimated_bytes,
            pinned=spec.pinned,
            active=self.active,
            header=self.header if here else None,
            loaded=self.loaded,
            last_load_s=self.last_load_s,
            latest=self.latest,
            average=self.average,
            failure=self.failure,
            parts=max(len(spec.parts), self.header.parts if self.header else 1, 1),
            fits=self.fits,
        )
