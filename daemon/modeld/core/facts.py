"""What comes into the core: a client sent a request, or an adapter reports."""

import msgspec

from modeld.core.effects import AnyEffect
from modeld.core.state.task import Ticket
from modeld.protocol.errors import Failure, Note
from modeld.protocol.requests import AnyRequest
from modeld.protocol.states import Phase
from modeld.protocol.views import (
    BenchmarkAverage,
    BenchmarkResult,
    BenchmarkRun,
    HeaderView,
    RepositoryView,
    SystemView,
)
from modeld.protocol.workers import AnyNews


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every fact."""


class Asked(Fact, frozen=True, kw_only=True):
    """A client sent a request that could be read."""

    client: bytes
    request: AnyRequest


class ClientGone(Fact, frozen=True, kw_only=True):
    """A frame could not be delivered: the client has disconnected, or is so slow that its queue is full."""

    client: bytes


class Ticked(Fact, frozen=True, kw_only=True):
    """Another second passed."""


class Sampled(Fact, frozen=True, kw_only=True):
    """Memory was measured; ``workers`` maps a run to its resident and its peak bytes."""

    system: SystemView
    workers: dict[int, tuple[int, int]]


class FileInspected(Fact, frozen=True, kw_only=True):
    """A model file was looked at: its header, a failure, or neither when there is no file."""

    model: str
    path: str
    header: HeaderView | None = None
    failure: Failure | None = None
    ticket: Ticket | None = None


class FileRemoved(Fact, frozen=True, kw_only=True):
    """A model's files were deleted, or could not be."""

    model: str
    ticket: Ticket
    failure: Failure | None = None


class FilesLookedFor(Fact, frozen=True, kw_only=True):
    """Which models' files are all ``there``, and which are ``gone`` or were never there."""

    there: list[str]
    gone: list[str]


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a hub's repository; ``sha256`` is empty where the hub does not say it."""

    path: str
    size_bytes: int
    sha256: str = ""


class RepositoryListed(Fact, frozen=True, kw_only=True):
    """What is in a repository."""

    lookup: int
    files: list[RemoteFile]


class RemoteRead(Fact, frozen=True, kw_only=True):
    """The header of a remote file (None: it cannot be had, ``why`` says it), and what came with it.

    ``taken_bytes`` are on the disk of it already, ``disk_free`` are free where downloads go.
    """

    lookup: int
    header: HeaderView | None = None
    size_bytes: int = 0
    sha256: str = ""
    commit: str = ""
    disk_free: int = 0
    taken_bytes: int = 0
    why: Failure | None = None


class HubSearched(Fact, frozen=True, kw_only=True):
    """What the hub found."""

    lookup: int
    repositories: list[RepositoryView]
    next: str


class LookupFailed(Fact, frozen=True, kw_only=True):
    """The hub refused, or was not reached."""

    lookup: int
    failure: Failure


class ExternalFile(msgspec.Struct, frozen=True, kw_only=True):
    """A model file in the folder of another ``program``, by the ``name`` it has there."""

    program: str
    name: str
    path: str
    size_bytes: int
    header: HeaderView | None = None
    failure: Failure | None = None


class ExternalModelsScanned(Fact, frozen=True, kw_only=True):
    """The model files in the folders of other programs."""

    files: list[ExternalFile]
    looked: list[str]
    add: list[str]
    all: bool
    ticket: Ticket


class PullAdvanced(Fact, frozen=True, kw_only=True):
    """A download has ``done_bytes`` on disk of ``total_bytes`` (0: unknown) in ``phase``, over so many ``connections``.

    ``cause`` says why it waits to try again (for ``retry_in_s``) or starts over.
    """

    job: str
    run: int
    done_bytes: int
    total_bytes: int
    phase: Phase
    retries: int = 0
    connections: int = 0
    retry_in_s: float | None = None
    cause: Note | None = None


class PullFinished(Fact, frozen=True, kw_only=True):
    """A download is complete under its final name; ``verified`` when its hash was known beforehand."""

    job: str
    run: int
    path: str
    header: HeaderView
    sha256: str
    verified: bool
    already_there: bool = False


class PullStopped(Fact, frozen=True, kw_only=True):
    """A download was stopped as asked."""

    job: str
    run: int


class PullBroke(Fact, frozen=True, kw_only=True):
    """A download failed; the partial file is kept."""

    job: str
    run: int
    failure: Failure


class WorkerSaid(Fact, frozen=True, kw_only=True):
    """A message of a worker."""

    run: int
    news: AnyNews


class WorkerGone(Fact, frozen=True, kw_only=True):
    """A worker process ended; ``exit_code`` is negative for a signal. ``detail`` is what it last printed."""

    run: int
    exit_code: int
    detail: str = ""


class RunsRead(Fact, frozen=True, kw_only=True):
    """The benchmark history asked for, oldest first; or why it cannot be read."""

    model: str
    ticket: Ticket
    runs: list[BenchmarkRun] = []
    failure: Failure | None = None


class BackupRead(Fact, frozen=True, kw_only=True):
    """The settings, without secrets, and all runs; or why they could not be read."""

    ticket: Ticket
    settings: str = ""
    runs: list[BenchmarkRun] = []
    failure: Failure | None = None


class BackupSaved(Fact, frozen=True, kw_only=True):
    """The models and runs of a backup are committed, or not yet.

    ``latest`` and ``averages`` are of the models of these runs.
    """

    ticket: Ticket
    added_runs: int = 0
    latest: dict[str, BenchmarkResult] = {}
    averages: dict[str, BenchmarkAverage] = {}
    failure: Failure | None = None


class SettingsMerged(Fact, frozen=True, kw_only=True):
    """The settings of a backup: which were ``added`` to the file, which were ``known``, why others were not taken."""

    ticket: Ticket
    added: list[str] = []
    known: list[str] = []
    refusals: list[Note] = []
    failure: Failure | None = None


class Continued(Fact, frozen=True, kw_only=True):
    """It is time for the rest of a long request."""

    ticket: Ticket


class SavingFailed(Fact, frozen=True, kw_only=True):
    """The disk or the database refuses what is to be saved; it is kept and tried again."""

    failure: Failure


class SavingWorks(Fact, frozen=True, kw_only=True):
    """Everything that was refused is saved."""


class WorkFailed(Fact, frozen=True, kw_only=True):
    """A blocking task crashed with an unexpected exception."""

    effect: AnyEffect
    why: str


class StopAsked(Fact, frozen=True, kw_only=True):
    """A signal asks the daemon to stop."""


AnyFact = (
    Asked
    | ClientGone
    | Ticked
    | Sampled
    | FileInspected
    | FileRemoved
    | FilesLookedFor
    | RepositoryListed
    | RemoteRead
    | HubSearched
    | LookupFailed
    | ExternalModelsScanned
    | PullAdvanced
    | PullFinished
    | PullStopped
    | PullBroke
    | WorkerSaid
    | WorkerGone
    | RunsRead
    | BackupRead
    | BackupSaved
    | SettingsMerged
    | Continued
    | SavingFailed
    | SavingWorks
    | WorkFailed
    | StopAsked
)
