"""The states a model and a job can be in, by the names the wire uses."""

from enum import StrEnum


class ModelState(StrEnum):
    """Where a model stands; the moves between them are in ``modeld.core.state.model``."""

    ABSENT = "absent"
    DOWNLOADING = "downloading"
    ON_DISK = "on_disk"
    LOADING = "loading"
    LOADED = "loaded"
    BUSY = "busy"
    UNLOADING = "unloading"


class JobState(StrEnum):
    """Where a job stands; the moves between them are in ``modeld.core.state.jobs``."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobKind(StrEnum):
    """What a job does."""

    PULL = "pull"
    BENCHMARK = "benchmark"


class Phase(StrEnum):
    """The step a running job is at."""

    RESOLVING = "resolving"
    CONNECTING = "connecting"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    WAITING_TO_RETRY = "waiting to retry"
    WAITING_FOR_NETWORK = "waiting for network"
    WAITING_FOR_CONNECTION = "waiting for a connection"
    STARTING_OVER = "starting over"
    COMPLETED = "completed"
    ALREADY_EXISTS = "already_exists"
    WARM_UP = "warm-up"
    PROMPT = "prompt"
    PP = "pp"
    TG = "tg"


IN_MEMORY = frozenset({ModelState.LOADED, ModelState.BUSY})
"""The states in which a worker holds the model and can answer."""

HAS_WORKER = IN_MEMORY | {ModelState.LOADING, ModelState.UNLOADING}
"""The states in which a worker process exists."""

HAS_FILE = HAS_WORKER | {ModelState.ON_DISK}
"""The states in which the whole model file is there."""

FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
"""The states a job never leaves."""


class ModelKind(StrEnum):
    """What a GGUF file holds; only a text model can be loaded."""

    TEXT = "text"
    EMBEDDING = "embedding"
    RERANKER = "reranker"
    ENCODER_DECODER = "encoder_decoder"
    DIFFUSION = "diffusion"
    ADAPTER = "adapter"
    CONTROL_VECTOR = "control_vector"
    PROJECTOR = "projector"
    IMPORTANCE_MATRIX = "imatrix"
    VOCABULARY = "vocabulary"
    OTHER = "other"
