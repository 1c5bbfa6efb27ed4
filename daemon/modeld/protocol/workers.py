"""What the daemon and a worker child say to each other.

The daemon's frames are ``AnyOrder``, the worker's ``AnyNews``. A worker announces itself with ``Hello``, is told
``LoadFile`` once, answers ``Ready`` or ``LoadFailed`` (and exits), then does one task at a time. ``task`` numbers are
the daemon's.
"""

from enum import StrEnum, auto

import msgspec

from modeld.protocol.errors import Failure
from modeld.protocol.requests import Message, Sampling
from modeld.protocol.states import Phase
from modeld.protocol.views import BenchmarkRun, Generation
from modeld.protocol.wire import snake

SERVER_KEY = "MODELD_WORKER_SERVER_KEY"
OWN_SECRET = "MODELD_WORKER_SECRET"
"""Environment of a child whose line to the daemon is tcp: keys, since anyone may see a process's arguments."""


MOST_THREADS = 512
"""More threads end llama.cpp (ggml.h, GGML_MAX_N_THREADS)."""


class Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=snake):
    """The base of what a worker is told."""


class LoadFile(Order, frozen=True, kw_only=True):
    """Load this file; ``threads`` 0 means physical cores, ``gpu_layers`` -1 means all, 0 means none."""

    model: str
    path: str
    context_size: int
    gpu_layers: int = 0
    threads: int = 0
    batch_size: int = 512


class Answer(Order, frozen=True, kw_only=True):
    """Generate: from ``messages`` through the chat template, else from ``prompt`` as it stands."""

    task: int
    prompt: str = ""
    messages: list[Message] = []
    max_tokens: int = 0
    sampling: Sampling = msgspec.field(default_factory=Sampling)


class Measure(Order, frozen=True, kw_only=True):
    """Benchmark: ``prompt`` through the chat template, greedily, then ``pp``/``tg`` as llama-bench does."""

    task: int
    prompt: str
    max_tokens: int = 128
    repetitions: int = 3
    pp_tokens: int = 512
    tg_tokens: int = 128


class Stop(Order, frozen=True, kw_only=True):
    """Give up the task, soon."""

    task: int


class Exit(Order, frozen=True, kw_only=True):
    """Free everything and end with exit code 0."""


class Activity(StrEnum):
    """What a worker is busy with."""

    LOADING = auto()
    TEMPLATE = auto()
    """Rendering the chat template: code from the model's file, which can take for ever and gives no sign of life."""

    PREFILL = auto()
    DECODE = auto()


class News(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=snake):
    """The base of what a worker says."""


class Hello(News, frozen=True, kw_only=True):
    """The worker process runs and can be told what to load."""

    pid: int


class Alive(News, frozen=True, kw_only=True):
    """A sign of life, at most once a second, and one at each change of ``activity``.

    Only the thread that does the work sends it, so that a worker that hangs is silent.
    """

    activity: Activity


class Ready(News, frozen=True, kw_only=True):
    """The model is in memory; the figures are as llama.cpp reports them."""

    device: str
    gpu_layers: int
    threads: int
    context_size: int
    load_s: float
    memory_bytes: int
    library: str


class LoadFailed(News, frozen=True, kw_only=True):
    """The file could not be loaded; the worker exits after this."""

    failure: Failure


class Piece(News, frozen=True, kw_only=True):
    """New text of a task (coalesced: the first token at once, then at most 25 a second), with totals so far."""

    task: int
    text: str
    completion_tokens: int
    context_used: int


class Answered(News, frozen=True, kw_only=True):
    """A task ended well; ``generation.text`` is the whole answer."""

    task: int
    generation: Generation


class Refused(News, frozen=True, kw_only=True):
    """A prompt does not fit: both numbers, and nothing was computed."""

    task: int
    prompt_tokens: int
    context_size: int


class Measured(News, frozen=True, kw_only=True):
    """A benchmark ended; ``run.id`` and ``run.load_s`` are filled in by the daemon."""

    task: int
    run: BenchmarkRun


class MeasureProgress(News, frozen=True, kw_only=True):
    """A benchmark's step of ``steps`` ended; ``phase`` is ``warm-up``, ``prompt``, ``pp`` or ``tg``."""

    task: int
    step: int
    steps: int
    phase: Phase
    tokens_per_second: float = 0.0


class TaskFailed(News, frozen=True, kw_only=True):
    """A task ended badly (also when it was stopped, with code ``cancelled``, in a benchmark)."""

    task: int
    failure: Failure


AnyOrder = LoadFile | Answer | Measure | Stop | Exit
AnyNews = Hello | Alive | Ready | LoadFailed | Piece | Answered | Refused | Measured | MeasureProgress | TaskFailed
