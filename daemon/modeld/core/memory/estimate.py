"""Memory: what a model will need, and which models must be unloaded so that it fits."""

from collections.abc import Sequence
from dataclasses import dataclass

from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import HeaderView

MIB = 1024 * 1024
PROCESS_BYTES = 48 * MIB
"""The worker process itself: the interpreter and the libraries."""

BATCH = 512
"""Tokens computed at once; it sizes the compute buffer."""

ACTIVATION_ROWS = 16
"""Rows of the embedding's length that computing one token touches, in f32: measured, see ``estimate_bytes``."""

TOKEN_BYTES = 350
"""What llama.cpp's tables of texts and merges take for each token of the vocabulary: measured."""

KV_BYTES = 2
"""Bytes of one cached value (f16)."""


def estimate_bytes(header: HeaderView, size_bytes: int, context_size: int) -> int:
    """The resident memory of a loaded model on the CPU: weights, KV cache, activations, vocabulary, process.

    The weights are the file's bytes. KV cache as llama.cpp allocates it (llama-kv-cache.cpp): context x layers x KV
    heads x (key + value length) x 2 bytes. llama.cpp reserves a compute buffer of batch x (vocabulary + 2 x embedding)
    x 4 bytes, but only the logits of one token are ever asked for, so most of it is never touched: counted are the
    rows that are. With SmolLM2-135M (Q4_1) a process holds 215 MiB after a full batch at a context of 2048, 350 MiB at
    8192; this says 221 and 356. Without flash attention it says too little, with a sliding window too much.
    """
    kv = context_size * header.layers * header.heads_kv * (header.key_length + header.value_length) * KV_BYTES
    activations = BATCH * header.embedding_length * ACTIVATION_ROWS * 4
    vocabulary = header.vocabulary * (TOKEN_BYTES + 4)
    return size_bytes + kv + activations + vocabulary + PROCESS_BYTES


@dataclass(frozen=True)
class Candidate:
    """A model in memory that might make room; ``last_used`` in seconds, larger is later."""

    key: str
    memory_bytes: int
    last_used: float
    pinned: bool
    busy: bool


@dataclass(frozen=True)
class Eviction:
    """The models that must go (none, if it fits as it is), and why."""

    keys: tuple[str, ...]
    cause: Note | None = None


def who_must_go(
    needed_bytes: int, available_bytes: int, loaded: Sequence[Candidate], max_loaded: int | None
) -> Eviction | None:
    """The least recently used models to unload so that ``needed_bytes`` fit; None if that cannot be reached.

    A pinned or busy model never goes. ``max_loaded`` counts the new model too; None means no limit but memory.
    """
    going: list[str] = []
    free = available_bytes
    count = len(loaded) + 1
    allowed = sorted((c for c in loaded if not c.pinned and not c.busy), key=lambda c: (c.last_used, c.key))
    too_many = max_loaded is not None and count > max_loaded
    short = needed_bytes > free
    for candidate in allowed:
        if needed_bytes <= free and (max_loaded is None or count <= max_loaded):
            break
        going.append(candidate.key)
        free += candidate.memory_bytes
        count -= 1
    if needed_bytes > free or (max_loaded is not None and count > max_loaded):
        return None
    return Eviction(tuple(going), _cause(needed_bytes, available_bytes, short, max_loaded if too_many else None))


def _cause(needed_bytes: int, available_bytes: int, short: bool, limit: int | None) -> Note | None:
    needed_mib, available_mib = needed_bytes // MIB, max(available_bytes, 0) // MIB
    if short and limit is not None:
        return Reason.MEMORY_SHORT_AND_LOADED_LIMIT.note(
            needed_mib=needed_mib, available_mib=available_mib, limit=limit
        )
    if short:
        return Reason.MEMORY_SHORT.note(needed_mib=needed_mib, available_mib=available_mib)
    return Reason.LOADED_LIMIT.note(limit=limit) if limit is not None else None
