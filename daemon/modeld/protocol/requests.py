"""What a client can request, one struct per ``op``. Unknown fields are refused by name."""

import msgspec

from modeld.protocol import limits, views
from modeld.protocol.wire import VERSION, Int64


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag=str.lower, forbid_unknown_fields=True):
    """The fields of every request.

    The reply carries the same ``id``. ``key`` (optional, for requests that change something) makes a repetition safe: a
    request with a key that was used before, by any client, gets the first answer. A text may have as many characters as
    its type in ``modeld.protocol.limits`` allows.
    """

    v: Int64 = VERSION
    id: limits.Id
    key: limits.Id = ""


class Change(Request, frozen=True, kw_only=True):
    """The base of the requests that change something; only these use ``key``."""


class Ping(Request, frozen=True, kw_only=True):
    """Ask whether the daemon answers, and for its version, process and epoch."""


class Snapshot(Request, frozen=True, kw_only=True):
    """Ask for the whole state at one moment, from which a client follows the events."""


class Status(Request, frozen=True, kw_only=True):
    """Ask for the state of the daemon, the machine, loaded models and running jobs."""


class List(Request, frozen=True, kw_only=True):
    """Ask for all models."""


class Show(Request, frozen=True, kw_only=True):
    """Ask for one model.

    With ``look``, the daemon fills ``fits`` for a model that is not downloaded: it reads the header from the source.
    """

    model: str
    look: bool = False


class Add(Change, frozen=True, kw_only=True):
    """Add a model: ``source`` is an https URL, a hub's repository or the absolute path of a file (used in place).

    A repository is ``hf:org/repo``, ``hf:org/repo:Q4_K_M`` or ``hf:org/repo:FILE.gguf``, with ``@revision`` after it.
    """

    model: str
    source: str
    display_name: limits.Name = ""
    description: str = ""
    sha256: str = ""


class Remove(Change, frozen=True, kw_only=True):
    """Remove exactly this model; ``keep_file`` leaves its file on disk."""

    model: str
    keep_file: bool = False


class Pull(Change, frozen=True, kw_only=True):
    """Download a model; the reply names the job. With ``wait``, the reply comes when the job ends.

    ``model`` may be a source (``hf:org/repo:Q4_K_M`` or a URL): the daemon adds it first, under a key made from its
    name. With ``look``, the daemon reads the header of a file at a URL before the download, as it always does on a hub.
    """

    model: str
    wait: bool = False
    look: bool = False


class Jobs(Request, frozen=True, kw_only=True):
    """Ask for the jobs, or for those of one ``model``."""

    model: str = ""


class ClearJobs(Change, frozen=True, kw_only=True):
    """Forget the jobs that have ended, or those of one ``model``; answers with the forgotten jobs."""

    model: str = ""


class Cancel(Change, frozen=True, kw_only=True):
    """Cancel a job by id, the running job of a model, or a generation by the ``id`` of its request (same connection).

    Name exactly one of the three. ``keep`` keeps the partial file of a download for a later pull.
    """

    job: str = ""
    model: str = ""
    request: limits.Id = ""
    keep: bool = True


class Pause(Change, frozen=True, kw_only=True):
    """Pause a download, by job id or by model, or all of them if neither is given. Its data stays on disk."""

    job: str = ""
    model: str = ""


class Resume(Change, frozen=True, kw_only=True):
    """Resume a paused download, by job id or by model, or all of them if neither is given."""

    job: str = ""
    model: str = ""


class Move(Change, frozen=True, kw_only=True):
    """Move a download, by job id or by model, to a place in the queue; 1 is the first."""

    job: str = ""
    model: str = ""
    place: Int64


class Limit(Change, frozen=True, kw_only=True):
    """Limit the speed of one download, by job id or by model, or of all together if neither is given; 0: no limit.

    The limit for all together lasts until the daemon stops; it starts with the setting ``download_limit``.
    """

    bytes_per_s: Int64
    job: str = ""
    model: str = ""


class Load(Change, frozen=True, kw_only=True):
    """Load a model into a worker; zero or absent means the value from the settings. ``gpu_layers`` -1 means all.

    An empty ``model`` means the default model, here and in ``generate`` and ``chat``.
    """

    model: str
    context_size: Int64 = 0
    gpu_layers: Int64 | None = None
    threads: Int64 = 0
    wait: bool = False


class Unload(Change, frozen=True, kw_only=True):
    """Unload a model, or all models if ``model`` is empty."""

    model: str = ""
    wait: bool = False


class Pin(Change, frozen=True, kw_only=True):
    """Keep a model loaded (never evicted, never idle-unloaded), or stop doing so."""

    model: str
    pinned: bool = True


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the next token is chosen; ``temperature`` 0 is greedy; ``seed`` None is random.

    For a field that is absent or null the value in the model's file applies (``sampling`` in its header), and if it has
    none: ``temperature`` 0.8, ``top_k`` 40, ``top_p`` 0.95, ``min_p`` 0.05, ``repeat_penalty`` 1.0 (off),
    ``repeat_last_n`` 64. ``top_k`` 0 is every token. ``repeat_penalty`` applies to the tokens among the last
    ``repeat_last_n`` of prompt and answer; -1 is the whole context.

    With a seed (0 to 4294967294) the same prompt gets the same answer, as long as the model is loaded in the same way
    on the same machine; for that, only whole batches of the prompt are taken from the KV cache. Without a seed, even a
    greedy answer can depend on how much of the prompt was in the cache.
    """

    temperature: float | None = None
    top_k: Int64 | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: Int64 | None = None
    seed: Int64 | None = None
    stop: list[str] = []


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn of a conversation; ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: limits.Whole


class Generate(Change, frozen=True, kw_only=True):
    """Continue ``prompt`` without a chat template. Loads the model if needed.

    ``max_tokens`` 0: until the model ends or the context is full. ``stream`` needs a DEALER.
    """

    model: str
    prompt: limits.Whole
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
    """Benchmark models, one job each; loads them as needed. Empty ``models`` with ``all`` means every model on disk."""

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
    """Ask for the settings, the added models and the benchmark results."""


class Restore(Change, frozen=True, kw_only=True):
    """Merge a backup: settings, added models and benchmark results. What exists already stays.

    ``settings`` is TOML and applies from the next start; ``results`` are records of ``model_benchmarks.json``. Models
    and results are stored all or none. Settings with an address, a folder, a permission or a limit on clients are held
    back, unless ``trust_settings`` says that the user agrees. Send a large backup in several requests, since a request
    has at most 1 MiB. The daemon refuses this over the network.
    """

    settings: limits.SettingsText = ""
    trust_settings: bool = False
    models: list[views.AddedModel] = []
    runs: list[views.BenchmarkRun] = []
    results: list[views.BenchmarkResult] = []


class Files(Request, frozen=True, kw_only=True):
    """Ask for the GGUF models in a hub's repository: ``repo`` is ``hf:org/repo`` or ``hf:org/repo@revision``."""

    repo: str


class Search(Request, frozen=True, kw_only=True):
    """Search the hub for repositories with GGUF files, most downloads first; ``cursor`` is the ``next`` of a reply."""

    words: str
    limit: Int64 = 20
    cursor: str = ""


class Scan(Change, frozen=True, kw_only=True):
    """Find models in the folders of other programs; add those named in ``add`` (or ``all``), used in place."""

    add: list[str] = []
    all: bool = False


class Shutdown(Change, frozen=True, kw_only=True):
    """Stop the daemon: end its workers and save its state."""


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
    | ClearJobs
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
