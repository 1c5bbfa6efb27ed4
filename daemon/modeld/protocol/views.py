"""What the daemon shows of itself: the nouns in replies, events and snapshots.

Times are ISO 8601 strings in UTC; sizes are bytes; durations are seconds unless the name says otherwise.
"""

import msgspec

from modeld.protocol import limits
from modeld.protocol.errors import Failure, Note
from modeld.protocol.states import JobKind, JobState, ModelState

REMEMBERED_JOBS = 200
"""Ended jobs in a snapshot; an event names each older one that the daemon forgets."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every view: immutable, named fields, new fields have defaults."""


class SamplingSetting(View, frozen=True, kw_only=True):
    """A sampling setting in a model's file: ``name`` is llama.cpp's, after ``general.sampling.``.

    ``applied`` is false for a setting that modeld does not apply, or whose value is out of range.
    """

    name: str
    value: str
    applied: bool = True


class HeaderView(View, frozen=True, kw_only=True):
    """What a GGUF file says of itself in its header.

    A model in several files is described by its first one, ``part`` 1 of ``parts``, with the parameters and bytes of
    all of them; the others hold tensors only and have no ``architecture``. ``kind`` is what the file holds
    (``ModelKind``); only a ``text`` model can be loaded. ``sampling`` lists the file's own sampling settings,
    which apply where a request does not say a value.
    """

    architecture: str
    name: str = ""
    parameters: int
    quantization: str
    context_length: int = 0
    layers: int = 0
    embedding_length: int = 0
    heads: int = 0
    heads_kv: int = 0
    key_length: int = 0
    value_length: int = 0
    sliding_window: int = 0
    vocabulary: int = 0
    chat_template: bool = False
    file_bytes: int = 0
    part: int = 1
    parts: int = 1
    kind: str = "text"
    sampling: list[SamplingSetting] = []


class Figure(View, frozen=True, kw_only=True):
    """A measured number: mean and sample standard deviation over ``n`` repetitions."""

    mean: float
    stddev: float = 0.0
    n: int = 1


class BenchmarkResult(View, frozen=True, kw_only=True):
    """One run in the nine keys of ``model_benchmarks.json``.

    ``tokens_per_second`` is the decode rate; ``inference_time`` is the whole answer, prefill and decode, in
    milliseconds; ``memory_usage_mb`` is the peak resident memory of the worker in MiB.
    """

    model_key: str
    tokens_per_second: float
    inference_time: float
    context_used: int
    context_available: int
    timestamp: str
    prompt_tokens: int
    completion_tokens: int
    memory_usage_mb: float


class Environment(View, frozen=True, kw_only=True):
    """What a benchmark ran on; kept with every run."""

    cpu: str = ""
    cores: int = 0
    threads: int = 0
    gpu: str = ""
    gpu_layers: int = 0
    driver: str = ""
    library: str = ""
    os: str = ""
    python: str = ""
    power: str = "n/a"


class BenchmarkRun(View, frozen=True, kw_only=True):
    """Everything one benchmark measured.

    ``prefill`` and ``decode`` (tokens/s) and ``first_token_ms`` are of the standard prompt; ``pp`` and ``tg``
    (tokens/s) are llama-bench's ``pp<pp_tokens>`` and ``tg<tg_tokens>``. ``None`` means not available here.
    """

    id: str
    result: BenchmarkResult
    prefill: Figure
    decode: Figure
    first_token_ms: Figure
    inference_ms: Figure
    pp: Figure | None = None
    pp_tokens: int = 0
    tg: Figure | None = None
    tg_tokens: int = 0
    load_s: float = 0.0
    memory_peak_bytes: int = 0
    gpu_memory_bytes: int | None = None
    energy_j: float | None = None
    disturbed: bool = False
    disturbance: str = ""
    disturbances: list[Note] = []
    environment: Environment = msgspec.field(default_factory=Environment)


class BenchmarkAverage(View, frozen=True, kw_only=True):
    """The mean over a model's whole history of ``runs`` benchmarks."""

    runs: int
    avg_tokens_per_second: float
    avg_inference_time: float
    avg_memory_usage_mb: float


class LoadedView(View, frozen=True, kw_only=True):
    """The worker that holds a model: where it runs and what it takes, measured."""

    run: int
    pid: int = 0
    device: str = "CPU"
    gpu_layers: int = 0
    threads: int = 0
    context_size: int = 0
    context_used: int = 0
    memory_bytes: int = 0
    memory_peak_bytes: int = 0
    load_s: float = 0.0
    loaded_at: str = ""
    last_used_at: str = ""
    requests_waiting: int = 0


class FitView(View, frozen=True, kw_only=True):
    """Whether a model will run here: the memory it needs with a context of ``context_size``, and what there is.

    ``verdict`` is ``fits``, ``after_unloading`` (when what is loaded now makes room) or ``too_large``; ``max_context``
    is the largest context that would fit (0: none). ``disk_bytes`` are still to be downloaded; both numbers of the disk
    are 0 where nothing is.
    """

    verdict: str
    context_size: int
    memory_bytes: int
    memory_available: int
    memory_total: int
    max_context: int = 0
    disk_bytes: int = 0
    disk_free: int = 0


class RepoFileView(View, frozen=True, kw_only=True):
    """A model in a hub's repository: its file (the first of ``parts``), and the ``source`` to add or pull it by."""

    file: str
    source: str
    quantization: str = ""
    size_bytes: int = 0
    parts: int = 1
    sha256: str = ""
    fits: FitView | None = None


class RepositoryView(View, frozen=True, kw_only=True):
    """A repository of a hub; a ``gated`` one is downloaded only after its authors were asked."""

    id: str
    downloads: int = 0
    likes: int = 0
    gated: bool = False
    updated_at: str = ""


class FoundView(View, frozen=True, kw_only=True):
    """A model that another ``program`` has on this disk; ``model`` is the key it is used by already, or empty.

    ``key`` is the name it would get here. ``failure`` says why it cannot be used.
    """

    key: str
    program: str
    name: str
    path: str
    size_bytes: int
    header: HeaderView | None = None
    model: str = ""
    failure: Failure | None = None


class ModelView(View, frozen=True, kw_only=True):
    """One model, whole.

    ``size_bytes`` is the file on disk or, before the download, what it will take (0 when unknown).
    ``estimated_bytes`` is the memory a load will need; compare with ``loaded.memory_bytes``.
    """

    key: str
    state: ModelState
    display_name: str
    description: str = ""
    source: str = ""
    builtin: bool = False
    path: str = ""
    in_place: bool = False
    size_bytes: int = 0
    sha256: str = ""
    verified: bool = False
    context_length: int = 0
    estimated_bytes: int = 0
    pinned: bool = False
    active: bool = False
    header: HeaderView | None = None
    loaded: LoadedView | None = None
    last_load_s: float = 0.0
    latest: BenchmarkResult | None = None
    average: BenchmarkAverage | None = None
    failure: Failure | None = None
    parts: int = 1
    fits: FitView | None = None


class Progress(View, frozen=True, kw_only=True):
    """How far a job is.

    A pull counts bytes in ``done`` and ``total`` (``total`` 0: unknown) with ``rate`` in bytes/s; a benchmark
    counts steps, with ``rate`` the newest tokens/s. ``percent`` is 0 to 100 or None; ``eta_s`` None when unknown.
    ``stalled_since`` is set while no byte arrives; ``retries`` counts reconnections; ``connections`` is how many a pull
    has open. A pull that waits to try again, or that starts over, says why in ``cause`` (``trouble`` is its English),
    and in ``retry_in_s`` how long it waits.
    """

    done: int = 0
    total: int = 0
    percent: float | None = None
    rate: float = 0.0
    eta_s: float | None = None
    phase: str = ""
    stalled_since: str = ""
    retries: int = 0
    connections: int = 0
    retry_in_s: float | None = None
    trouble: str = ""
    cause: Note | None = None


class JobView(View, frozen=True, kw_only=True):
    """One job, whole. ``already_there`` marks a pull that found its file complete and verified.

    Downloads that have not ended run in the order of their ``rank``; ``limit`` bounds one's bytes/s (0: no bound).
    ``repetitions`` and ``max_tokens`` are those of a benchmark.
    """

    id: str
    kind: JobKind
    model: str
    state: JobState
    created_at: str
    started_at: str = ""
    ended_at: str = ""
    progress: Progress = msgspec.field(default_factory=Progress)
    already_there: bool = False
    failure: Failure | None = None
    benchmark: BenchmarkRun | None = None
    rank: int = 0
    limit: int = 0
    repetitions: int = 0
    max_tokens: int = 0


class GpuView(View, frozen=True, kw_only=True):
    """One graphics processor: its memory in bytes, and how busy it is (0 to 100; None where that cannot be read)."""

    name: str
    memory_total: int = 0
    memory_used: int = 0
    busy_percent: float | None = None


class SystemView(View, frozen=True, kw_only=True):
    """The machine: its memory, and what the daemon and its workers take of it, in bytes; processors and graphics.

    ``cpu_percent`` is of all cores together, 0 to 100, over the last second.
    """

    memory_total: int = 0
    memory_available: int = 0
    daemon_memory: int = 0
    workers_memory: int = 0
    disk_free: int = 0
    disk_total: int = 0
    cpu_percent: float = 0.0
    on_battery: bool = False
    gpus: list[GpuView] = []


class DaemonView(View, frozen=True, kw_only=True):
    """The daemon itself, and those of its settings that a client shows or needs.

    ``download_limit`` bounds the bytes/s of all downloads together (0: no bound). ``not_saving`` says why changes are
    not saved at the moment; they are in effect, and lost if the daemon ends before it can save them.
    """

    version: str
    pid: int
    started_at: str
    home: str = ""
    models_dir: str = ""
    log_file: str = ""
    default_model: str = ""
    use_gpu: bool = False
    max_loaded_models: int = 0
    hub_endpoint: str = ""
    download_limit: int = 0
    not_saving: Failure | None = None


class Comparison(View, frozen=True, kw_only=True):
    """Benchmarked models side by side, fastest first; ``fastest`` and ``most_efficient`` are keys or empty."""

    rows: list[BenchmarkResult]
    fastest: str = ""
    most_efficient: str = ""


class Change(View, frozen=True, kw_only=True):
    """The newest run against the one before it; ``significant`` when larger than the noise of both.

    ``percent`` is the change of the decode rate, positive when faster.
    """

    percent: float
    significant: bool


class History(View, frozen=True, kw_only=True):
    """A model's benchmark runs, oldest first, their average and the last change."""

    model: str
    runs: list[BenchmarkRun]
    average: BenchmarkAverage | None = None
    change: Change | None = None


class Generation(View, frozen=True, kw_only=True):
    """How a generation ended, with true counts and separate times.

    ``finish`` is ``stop`` (the model ended), ``length`` (the limit asked for), ``context_full`` or ``cancelled``.
    ``decode_steps`` is how many tokens were computed in ``decode_ms``; the decode rate in tokens/s is
    ``decode_steps / decode_ms * 1000``, and with 0 steps there is none. The first token comes out of the prefill, so n
    tokens take n - 1 steps, and n where the model itself ended the answer.
    """

    model: str
    text: str
    finish: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prefill_ms: float
    decode_ms: float
    first_token_ms: float
    context_used: int
    context_size: int
    decode_steps: int = 0


class AddedModel(View, frozen=True, kw_only=True):
    """A model that a person added, as a backup holds it: where it comes from and what is known of its file."""

    key: str
    source: str
    display_name: limits.Name = ""
    description: str = ""
    sha256: str = ""
    size_bytes: int = 0
    context_length: int = 0
    pinned: bool = False


class Backup(View, frozen=True, kw_only=True):
    """What a person set, added and measured; the file of ``modelctl backup`` is this object.

    ``settings`` is TOML, without the hub's token. Model files are not in it.
    """

    format: int
    at: str
    daemon_version: str
    settings: str = ""
    models: list[AddedModel] = []
    runs: list[BenchmarkRun] = []


class Snapshot(View, frozen=True, kw_only=True):
    """Everything at one moment: apply events of ``epoch`` with a ``seq`` above this one."""

    epoch: str
    seq: int
    at: str
    daemon: DaemonView
    system: SystemView
    models: list[ModelView]
    jobs: list[JobView]
