"""Whether a model will run on this machine: what it needs, and what there is."""

from modeld.core.memory.estimate import MIB, estimate_bytes
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.views import FitView, HeaderView, SystemView

GIB = 1024**3
DISK_RESERVE_BYTES = 64 * MIB
"""Disk space that a download leaves free."""

STEP_TOKENS = 256
"""The largest context is given in steps of this, as llama.cpp rounds it."""


def estimate(
    header: HeaderView,
    size_bytes: int,
    context_size: int,
    system: SystemView,
    *,
    disk_bytes: int = 0,
    disk_free: int = 0,
) -> FitView:
    """What a model of ``size_bytes`` needs with this context, beside what ``system`` has.

    Memory of loaded models counts as free for ``after_unloading``; the machine's whole memory never counts.
    """
    needed = estimate_bytes(header, size_bytes, context_size)
    free, most = system.memory_available, system.memory_available + system.workers_memory
    verdict = "fits" if needed <= free else "after_unloading" if needed <= most else "too_large"
    return FitView(
        verdict=verdict,
        context_size=context_size,
        memory_bytes=needed,
        memory_available=free,
        memory_total=system.memory_total,
        max_context=_largest_context(header, size_bytes, most),
        disk_bytes=disk_bytes,
        disk_free=disk_free,
    )


def _largest_context(header: HeaderView, size_bytes: int, most: int) -> int:
    least = estimate_bytes(header, size_bytes, 0)
    each = estimate_bytes(header, size_bytes, 1) - least
    if least > most:
        return 0
    trained = header.context_length
    if each == 0:
        return trained
    room = (most - least) // each
    return trained if trained and room >= trained else room // STEP_TOKENS * STEP_TOKENS


def refuse_disk(key: str, missing_bytes: int, disk_free: int) -> Failure | None:
    """Why a download of so many bytes cannot begin; None when there is room."""
    needed = missing_bytes + DISK_RESERVE_BYTES
    if needed <= disk_free:
        return None
    return Reason.DISK_TOO_FULL.failure(
        key=key,
        needed_gib=needed / GIB,
        reserve_mib=DISK_RESERVE_BYTES // MIB,
        free_gib=disk_free / GIB,
    )
