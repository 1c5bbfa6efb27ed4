"""What fits: memory by context, disk by bytes."""

from modeld.core.memory.estimate import estimate_bytes
from modeld.core.memory.fits import DISK_RESERVE_BYTES, reckon, refuse_disk
from modeld.protocol.views import SystemView
from support.manager_world import GIB, HEADER


def system(available: int, workers: int = 0) -> SystemView:
    return SystemView(memory_total=16 * GIB, memory_available=available, workers_memory=workers)


def test_it_fits_where_the_estimate_is_available():
    needed = estimate_bytes(HEADER, GIB, 2048)
    fit = reckon(HEADER, GIB, 2048, system(needed))
    assert (fit.verdict, fit.memory_bytes, fit.max_context) == ("fits", needed, 2048)


def test_what_is_loaded_counts_as_room_that_can_be_made():
    needed = estimate_bytes(HEADER, GIB, 2048)
    assert reckon(HEADER, GIB, 2048, system(needed - 1, workers=1)).verdict == "after_unloading"
    assert reckon(HEADER, GIB, 2048, system(needed - 2, workers=1)).verdict == "too_large"


def test_the_largest_context_that_fits_is_told_in_whole_steps():
    room = estimate_bytes(HEADER, GIB, 1000)
    fit = reckon(HEADER, GIB, 2048, system(room))
    assert (fit.verdict, fit.max_context) == ("too_large", 768)
    assert reckon(HEADER, GIB, 2048, system(GIB)).max_context == 0


def test_a_disk_without_room_for_file_and_reserve_is_refused_with_both_numbers():
    assert refuse_disk("m", GIB, GIB + DISK_RESERVE_BYTES) is None
    refused = refuse_disk("m", GIB, GIB)
    assert refused is not None and "1.06 GiB" in refused.message and "1.00 GiB" in refused.message
