"""What the core asks the adapters to do; they report facts."""

import msgspec

from modeld.core.state.model import ModelSpec
from modeld.core.state.task import Ticket
from modeld.protocol.events import AnyEvent
from modeld.protocol.replies import Reply
from modeld.protocol.views import BenchmarkRun, JobView
from modeld.protocol.workers import AnyOrder


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every effect."""


class Send(Effect, frozen=True, kw_only=True):
    """Answer a client; with ``after_commit``, once everything that was to be saved before is in the database.

    If it cannot be saved, the answer is a failure instead, unless it holds ``even_unsaved``: a model is loaded, whether
    that can be remembered or not.
    """

    client: bytes
    reply: Reply
    after_commit: bool = False
    even_unsaved: bool = False


class Publish(Effect, frozen=True, kw_only=True):
    """Send an event to all subscribers."""

    event: AnyEvent


class Inspect(Effect, frozen=True, kw_only=True):
    """Look at a model file: ``path``, or ``file_name`` in the models folder where ``path`` is empty."""

    model: str
    path: str = ""
    file_name: str = ""
    ticket: Ticket | None = None


class LookForFiles(Effect, frozen=True, kw_only=True):
    """See whether models' files (key -> paths) are there, all of each."""

    paths: dict[str, list[str]]


class RemoveFiles(Effect, frozen=True, kw_only=True):
    """Delete the downloaded files of a model and its partial files."""

    model: str
    file_names: list[str]
    ticket: Ticket


class DropPartial(Effect, frozen=True, kw_only=True):
    """Delete partial files of downloads that will not be resumed; with ``whole`` also complete files."""

    file_names: list[str]
    whole: bool = False


class ListRepository(Effect, frozen=True, kw_only=True):
    """Ask the hub what is in a repository. For a download (``job``, ``run``) faults are retried."""

    lookup: int
    repo: str
    revision: str
    job: str = ""
    run: int = 0


class ReadRemote(Effect, frozen=True, kw_only=True):
    """Read the header of the file at ``url`` by range requests, and see what room there is for ``file_names``."""

    lookup: int
    url: str
    size_bytes: int = 0
    file_names: list[str] = []
    job: str = ""
    run: int = 0


class SearchHub(Effect, frozen=True, kw_only=True):
    """Search the hub for repositories with GGUF files."""

    lookup: int
    words: str
    limit: int
    cursor: str


class ScanExternalModels(Effect, frozen=True, kw_only=True):
    """Look for models in the folders of other programs."""

    add: list[str]
    all: bool
    ticket: Ticket


class StartPull(Effect, frozen=True, kw_only=True):
    """Download ``url`` to ``file_name`` in the models folder, going on from what is there."""

    job: str
    run: int
    url: str
    file_name: str
    size_bytes: int = 0
    sha256: str = ""


class LimitPulls(Effect, frozen=True, kw_only=True):
    """Limit the bytes/s of all downloads together and of single ones, from now on; 0 means no limit."""

    bytes_per_s: int
    jobs: dict[str, int]


class StopPull(Effect, frozen=True, kw_only=True):
    """Stop a download; ``keep`` leaves its partial file."""

    job: str
    keep: bool


class ReportBug(Effect, frozen=True, kw_only=True):
    """Log that ``fact`` could not be handled, with the traceback."""

    fact: str
    trace: str


class StartWorker(Effect, frozen=True, kw_only=True):
    """Start a worker process numbered ``run``; it gets ``order`` once it says hello."""

    run: int
    order: AnyOrder


class TellWorker(Effect, frozen=True, kw_only=True):
    """Send a worker an order."""

    run: int
    order: AnyOrder


class StopWorker(Effect, frozen=True, kw_only=True):
    """End a worker: ask it to exit, and kill it after ``grace_s``."""

    run: int
    grace_s: float = 5.0


class SaveModel(Effect, frozen=True, kw_only=True):
    """Remember a model."""

    spec: ModelSpec


class SaveResident(SaveModel, frozen=True, kw_only=True):
    """Remember whether a model is in memory, for the next daemon; everything else of it is as it was."""


class ForgetModel(Effect, frozen=True, kw_only=True):
    """Forget a model."""

    model: str


class SaveJob(Effect, frozen=True, kw_only=True):
    """Remember a job as it is now."""

    job: JobView


class ForgetJob(Effect, frozen=True, kw_only=True):
    """Forget a job that ended."""

    job: str


class SaveRun(Effect, frozen=True, kw_only=True):
    """Remember a benchmark run."""

    run: BenchmarkRun


class SaveBackup(Effect, frozen=True, kw_only=True):
    """Remember the models and the runs of a backup, all or none; a run that is known stays as it is."""

    models: list[ModelSpec]
    runs: list[BenchmarkRun]
    ticket: Ticket


AnySave = SaveModel | ForgetModel | SaveJob | ForgetJob | SaveRun | SaveBackup
"""What goes into the database, with everything that waits there in one transaction."""


class ReadRuns(Effect, frozen=True, kw_only=True):
    """Read a model's newest ``limit`` benchmark runs."""

    model: str
    limit: int
    ticket: Ticket


class ReadBackup(Effect, frozen=True, kw_only=True):
    """Read the settings file and all benchmark runs."""

    ticket: Ticket


class MergeSettings(Effect, frozen=True, kw_only=True):
    """Add the settings of a backup to the settings file; without ``trust`` those that open the daemon are held back."""

    settings: str
    trust: bool
    ticket: Ticket


class Continue(Effect, frozen=True, kw_only=True):
    """Come back for the rest of a long request, after the facts that wait now."""

    ticket: Ticket


AnyEffect = (
    Send
    | Publish
    | Inspect
    | LookForFiles
    | RemoveFiles
    | DropPartial
    | ListRepository
    | ReadRemote
    | SearchHub
    | ScanExternalModels
    | StartPull
    | StopPull
    | LimitPulls
    | ReportBug
    | StartWorker
    | TellWorker
    | StopWorker
    | SaveModel
    | ForgetModel
    | SaveJob
    | ForgetJob
    | SaveRun
    | ReadRuns
    | ReadBackup
    | SaveBackup
    | MergeSettings
    | Continue
)
