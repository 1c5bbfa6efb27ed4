"""What a client can ask, one struct per ``op``; unknown fields are refused by name."""

import msgspec

from modeld.protocol import views
from modeld.protocol.wire import VERSION, Int64


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag=str.lower, forbid_unknown_fields=True):
    """The part every request has.

    ``id`` comes back in the reply. ``key`` (optional, for requests that change something) makes a repetition safe: the
    same key again from anyone gets the first answer.
    """

    v: Int64 = VERSION
    id: str
    key: str = ""


class Change(Request, frozen=True, kw_only=True):
    """The base of the requests that change something; ``key`` counts for these alone."""


class Ping(Request, frozen=True, kw_only=True):
    """Ask whether the daemon is there, and which one it is."""


class Snapshot(Request, frozen=True, kw_only=True):
    """Ask for everything at one moment, to start following the events from."""


class Status(Request, frozen=True, kw_only=True):
    """Ask for the daemon and the machine's memory."""


class List(Request, frozen=True, kw_only=True):
    """Ask for all models."""


class Show(Request, frozen=True, kw_only=True):
    """Ask for one model.

    With ``look`` the header of one that is not downloaded is read from where it lies first, so that ``fits`` is known.
    """

    model: str
    look: bool = False


class Add(Change, frozen=True, kw_only=True):
    """Add a model: ``source`` is an https URL, a hub's repository or the absolute path of a file (used in place).

    A repository is ``hf:org/repo``, ``hf:org/repo:Q4_K_M`` or ``hf:org/repo:FILE.gguf``, with ``@revision`` after it.
    """

    model: str
    source: str
    display_name: str = ""
    description: str = ""
    sha256: str = ""


class Remove(Change, frozen=True, kw_only=True):
    """Remove exactly this model; ``keep_file`` leaves its file on disk."""

    model: str
    keep_file: bool = False


class Pull(Change, frozen=True, kw_only=True):
    """Download a model; the reply names the job. With ``wait`` the answer comes when it ends.

    ``model`` may be a source (``hf:org/repo:Q4_K_M`` or a URL): it is added first, under a key made of its name. With
    ``look`` the header of a file at a URL is read before the download, as it always is of one on a hub.
    """

    model: str
    wait: bool = False
    look: bool = False


class Jobs(Request, frozen=True, kw_only=True):
    """Ask for the jobs; ``model`` narrows."""

    model: str = ""


class Cancel(Change, frozen=True, kw_only=True):
    """Cancel a job by id, the running job of a model, or a generation by the ``id`` of its request (same connection).

    Exactly one of the three. ``keep`` leaves a pull's partial file for a later resume.
    """

    job: str = ""
    model: str = ""
    request: str = ""
    keep: bool = True


class Pause(Change, frozen=True, kw_only=True):
    """Hold a download by job id or by model, or every unended one with neither; what is on disk stays."""

    job: str = ""
    model: str = ""


class Resume(Change, frozen=True, kw_only=True):
    """Let a held download go on, by job id or by model, or every held one with neither."""

    job: str = ""
    model: str = ""


class Move(Change, frozen=True, kw_only=True):
    """Give a download, by job id or by model, another place among those that have not ended; 1 is the first."""

    job: str = ""
    model: str = ""
    place: Int64


class Limit(Change, frozen=True, kw_only=True):
    """Bound the speed of one download, by job id or by model, or of all together with neither; 0 lifts the bound.

    The bound of all together lasts until the daemon ends; the setting ``download_limit`` is what it begins with.
    """

    bytes_per_s: Int64
    job: str = ""
    model: str = ""


class Load(Change, frozen=True, kw_only=True):
    """Load a model into a worker; zero or absent means the setting's value. ``gpu_layers`` -1 means all.

    An empty ``model`` means the default one, here and in ``generate`` and ``chat``.
    """

    model: str
    context_size: Int64 = 0
    gpu_layers: Int64 | None = None
    threads: Int64 = 0
    wait: bool = False


class Unload(Change, frozen=True, kw_only=True):
    """Unload a model, or all with an empty ``model``."""

    model: str = ""
    wait: bool = False


class Pin(Change, frozen=True, kw_only=True):
    """Keep a model loaded (never evicted, never idle-unloaded), or stop doing so."""

    model: str
    pinned: bool = True


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the next token is chosen; ``temperature`` 0 is greedy; ``seed`` None is random."""

    temperature: float = 0.8
    top_k: Int64 = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: Int64 | None = None
    stop: list[str] = []


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn of a conversation; ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


class Generate(Change, frozen=True, kw_only=True):
    """Continue ``prompt`` as it stands (no template). Loads the model if needed.

    ``max_tokens`` 0: until the model ends or the context is full. ``stream`` needs a DEALER.
    """

    model: str
    prompt: str
    max_tokens: Int64 = 0
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    stream: bool = False


class Chat(Change, frozen=True, kw_only=True):
    """Answer a conversation through the model's own chat template. Loads the model if needed."""

    model: str
    messages: list[Message]
    max_tokens: Int64 = 0
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    stream: bool = False


class Benchmark(Change, frozen=True, kw_only=True):
    """Benchmark models, each a job; loads what is needed. Empty ``models`` with ``all`` means every one on disk."""

    models: list[str] = []
    all: bool = False
    repetitions: Int64 = 3
    max_tokens: Int64 = 128
    wait: bool = False


class Results(Request, frozen=True, kw_only=True):
    """Ask for a model's benchmark history, at most the newest ``limit``."""

    model: str
    limit: Int64 = 10


class Compare(Request, frozen=True, kw_only=True):
    """Ask for the newest result of each benchmarked model (or of ``models``), fastest first."""

    models: list[str] = []


class Backup(Request, frozen=True, kw_only=True):
    """Ask for what was set, added and measured."""


class Restore(Change, frozen=True, kw_only=True):
    """Take in what another home, or an earlier time, set, added and measured. Merges: what is here already stays.

    ``settings`` is TOML and counts from the next start; ``results`` are records of ``model_benchmarks.json``. A large
    backup is sent in several requests, since one has at most 1 MiB. Refused over the network.
    """

    settings: str = ""
    models: list[views.AddedModel] = []
    runs: list[views.BenchmarkRun] = []
    results: list[views.BenchmarkResult] = []


class Files(Request, frozen=True, kw_only=True):
    """Ask for the GGUF models in a hub's repository: ``repo`` is ``hf:org/repo`` or ``hf:org/repo@revision``."""

    repo: str


class Search(Request, frozen=True, kw_only=True):
    """Ask the hub for repositories with GGUF files, the most downloaded first; ``cursor``: a reply's ``next``."""

    words: str
    limit: Int64 = 20
    cursor: str = ""


class Scan(Change, frozen=True, kw_only=True):
    """Look for models in the folders of other programs; use those named in ``add`` (or ``all``) where they lie."""

    add: list[str] = []
    all: bool = False


class Shutdown(Change, frozen=True, kw_only=True):
    """Stop the daemon in order: children ended, state saved."""


AnyRequest = (
    Ping
    | Snapshot
    | Status
    | List
    | Show
    | Add
    | Remove
    | Pull
    | Jobs
    | Cancel
    | Pause
    | Resume
    | Move
    | Limit
    | Load
    | Unload
    | Pin
    | Generate
    | Chat
    | Benchmark
    | Results
    | Compare
    | Backup
    | Restore
    | Files
    | Search
    | Scan
    | Shutdown
)
"""Every request there is."""
