"""One job: its state table, and what is known of it."""

from dataclasses import dataclass, field
from enum import StrEnum, auto

from modeld.core.downloads.rate import Rate
from modeld.core.state.table import follow
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol.errors import Failure
from modeld.protocol.states import FINAL, JobKind, JobState
from modeld.protocol.views import BenchmarkRun, HeaderView, JobView, Progress


class JobFact(StrEnum):
    """What can happen to a job."""

    STARTED = auto()
    FINISHED = auto()
    BROKE = auto()
    HELD = auto()
    RESUMED = auto()
    DROPPED = auto()
    INTERRUPTED = auto()


_S, _F = JobState, JobFact

TABLE: dict[tuple[JobState, JobFact], JobState] = {
    (_S.QUEUED, _F.STARTED): _S.RUNNING,
    (_S.QUEUED, _F.HELD): _S.PAUSED,
    (_S.QUEUED, _F.DROPPED): _S.CANCELLED,
    (_S.RUNNING, _F.FINISHED): _S.DONE,
    (_S.RUNNING, _F.BROKE): _S.FAILED,
    (_S.RUNNING, _F.HELD): _S.PAUSED,
    (_S.RUNNING, _F.DROPPED): _S.CANCELLED,
    (_S.RUNNING, _F.INTERRUPTED): _S.QUEUED,
    (_S.PAUSED, _F.RESUMED): _S.QUEUED,
    (_S.PAUSED, _F.DROPPED): _S.CANCELLED,
}


@dataclass
class Job(Tracked):
    """One job as the manager sees it. ``run`` numbers its attempts: news of an older one is dropped."""

    id: str
    kind: JobKind
    model: str
    created_at: str
    state: JobState = JobState.QUEUED
    started_at: str = ""
    ended_at: str = ""
    run: int = 0
    progress: Progress = field(default_factory=Progress)
    already_there: bool = False
    failure: Failure | None = None
    benchmark: BenchmarkRun | None = None
    repetitions: int = 3
    max_tokens: int = 128
    stopping: bool = False
    pausing: bool = False
    keep_partial: bool = True
    rate: Rate | None = None
    rank: int = 0
    limit: int = 0
    waiters: list[Ticket] = field(default_factory=list)
    inspect_first: bool = False
    created_model: bool = False
    lookup: int = 0
    headers: list[HeaderView] = field(default_factory=list)
    finished_parts_bytes: int = 0

    @property
    def ended(self) -> bool:
        """Whether the job is in a state it never leaves."""
        return self.state in FINAL

    def move(self, fact: JobFact) -> None:
        """Take the step the table has for ``fact``; raises ImpossibleMoveError where it has none."""
        self.state = follow(TABLE, self.state, fact, f"job {self.id}")

    def view(self) -> JobView:
        """The job as clients see it."""
        measures = self.kind is JobKind.BENCHMARK
        return JobView(
            id=self.id,
            kind=self.kind,
            model=self.model,
            state=self.state,
            created_at=self.created_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            progress=self.progress,
            already_there=self.already_there,
            failure=self.failure,
            benchmark=self.benchmark,
            rank=self.rank,
            limit=self.limit,
            repetitions=self.repetitions if measures else 0,
            max_tokens=self.max_tokens if measures else 0,
        )
