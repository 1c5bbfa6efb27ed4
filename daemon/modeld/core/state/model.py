"""One model: its state table, and what is known of it."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum, auto

import msgspec

from modeld.core.state.table import follow
from modeld.core.state.task import Task, Ticket
from modeld.protocol.errors import Failure
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


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a model across restarts.

    ``path`` is set when the file lies outside the models folder and is used in place; else the file is ``file_name`` in
    that folder. ``size_bytes`` and ``sha256`` are what is expected of a download (0 and empty when unknown) or what was
    found after it (``verified`` then says whether the hash was checked against a known one). ``parts`` are the files
    that a hub's repository was found to have for it at ``commit``; ``file_name`` is then the first one's.
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

    @property
    def file_names(self) -> list[str]:
        """Its files in the models folder."""
        return [part.file_name for part in self.parts] or [self.file_name]


@dataclass
class Loading:
    """How a model is to be loaded, as the client or the settings said."""

    context_size: int
    gpu_layers: int
    threads: int


@dataclass
class Model:
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
    unload_reason: str = ""
    active: bool = False
    latest: BenchmarkResult | None = None
    average: BenchmarkAverage | None = None
    tasks: deque[Task] = field(default_factory=deque)
    current: Task | None = None
    load_waiters: list[Ticket] = field(default_factory=list)
    context_told: float = 0.0
    remote: HeaderView | None = None
    fits: FitView | None = None

    @property
    def key(self) -> str:
        """The name people use."""
        return self.spec.key

    def move(self, fact: ModelFact) -> None:
        """Take the step the table has for ``fact``; raises ImpossibleMoveError where it has none."""
        self.state = follow(TABLE, self.state, fact, f"model {self.key}")

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
