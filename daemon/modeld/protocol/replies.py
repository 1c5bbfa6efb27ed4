"""What the daemon answers: a result, a chunk or an error, exactly one in each frame."""

import msgspec

from modeld.protocol import views
from modeld.protocol.errors import Failure, Note
from modeld.protocol.wire import VERSION


class Result(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """The base of every result; ``type`` names it."""


class Pong(Result, frozen=True, kw_only=True):
    """The daemon answers, and this is which one."""

    version: str
    protocol: int
    pid: int
    epoch: str


class Snapshot(Result, frozen=True, kw_only=True):
    """The whole state at one moment."""

    snapshot: views.Snapshot


class Status(Result, frozen=True, kw_only=True):
    """The daemon, the machine, the loaded models and the running jobs."""

    daemon: views.DaemonView
    system: views.SystemView
    loaded: list[views.ModelView]
    running: list[views.JobView]


class Models(Result, frozen=True, kw_only=True):
    """All requested models: those of the catalogue in its order, then the others by key."""

    models: list[views.ModelView]


class Model(Result, frozen=True, kw_only=True):
    """One model as it is now; ``notes`` say what a person should know (``note`` is their English)."""

    model: views.ModelView
    note: str = ""
    notes: list[Note] = []


class Jobs(Result, frozen=True, kw_only=True):
    """The requested jobs, oldest first."""

    jobs: list[views.JobView]


class Generated(Result, frozen=True, kw_only=True):
    """The end of a generation."""

    generation: views.Generation


class History(Result, frozen=True, kw_only=True):
    """A model's benchmark history."""

    history: views.History


class Comparison(Result, frozen=True, kw_only=True):
    """Benchmarked models side by side."""

    comparison: views.Comparison


class Backup(Result, frozen=True, kw_only=True):
    """The settings, the added models and the benchmark results."""

    backup: views.Backup


class Restored(Result, frozen=True, kw_only=True):
    """What was restored, what existed already and is unchanged, and what was refused.

    ``refusals`` say why something was refused (``refused`` is their English, a sentence each).
    """

    models: list[str] = []
    models_known: list[str] = []
    runs: int = 0
    runs_known: int = 0
    settings: list[str] = []
    settings_known: list[str] = []
    refused: list[str] = []
    refusals: list[Note] = []


class Files(Result, frozen=True, kw_only=True):
    """The GGUF models of a hub's repository at one commit, smallest first; ``chosen`` is the one that is pulled.

    ``notes`` say what a person should know (``note`` is their English).
    """

    repo: str
    commit: str = ""
    files: list[views.RepoFileView]
    chosen: str = ""
    note: str = ""
    notes: list[Note] = []


class Repositories(Result, frozen=True, kw_only=True):
    """The repositories that the hub found; ``next`` is the ``cursor`` for the next page, empty on the last."""

    repositories: list[views.RepositoryView]
    next: str = ""


class Found(Result, frozen=True, kw_only=True):
    """Models in the folders of other programs; ``added`` are those that this request added, ``looked`` the folders."""

    found: list[views.FoundView]
    looked: list[str] = []
    added: list[views.ModelView] = []


class Done(Result, frozen=True, kw_only=True):
    """The request succeeded; ``notes`` say what a person should know (``note`` is their English)."""

    note: str = ""
    notes: list[Note] = []


AnyResult = (
    Pong
    | Snapshot
    | Status
    | Models
    | Model
    | Jobs
    | Generated
    | History
    | Comparison
    | Backup
    | Restored
    | Files
    | Repositories
    | Found
    | Done
)
"""Every result there is."""


def done(*notes: Note) -> Done:
    """The request succeeded, and this is what a person should know."""
    return Done(note=_english(notes), notes=list(notes))


def model(view: views.ModelView, *notes: Note) -> Model:
    """One model as it is now, and what a person should know."""
    return Model(model=view, note=_english(notes), notes=list(notes))


def _english(notes: tuple[Note, ...]) -> str:
    return " ".join(note.message for note in notes)


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a streamed answer: ``text`` is new, the counts are totals so far."""

    text: str
    completion_tokens: int
    context_used: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One frame back to the client that asked."""

    v: int = VERSION
    id: str
    ok: bool
    result: AnyResult | msgspec.UnsetType = msgspec.UNSET
    chunk: Chunk | msgspec.UnsetType = msgspec.UNSET
    error: Failure | msgspec.UnsetType = msgspec.UNSET
