"""Whether a model fits, in words."""

import msgspec
import pytest
from modelctl.cli.fit import fit_lines, verdict
from modeld.protocol.views import FitView

GIB = 1024**3
FIT = FitView(
    verdict="fits",
    context_size=8192,
    memory_bytes=5 * GIB,
    memory_available=8 * GIB,
    memory_total=16 * GIB,
    max_context=32768,
    disk_bytes=4 * GIB,
    disk_free=9 * GIB,
)


def test_what_it_needs_is_said_beside_what_there_is():
    assert fit_lines(FIT) == [
        "Memory: needs 5.0 GB with a context of 8192 tokens; 8.0 GB of 16.0 GB are available.",
        "It fits this machine.",
        "Disk: 4.0 GB to download; 9.0 GB are free.",
    ]


@pytest.mark.parametrize(
    ("changes", "says", "word"),
    [
        ({"verdict": "after_unloading"}, "once other models are unloaded", "after unloading"),
        ({"verdict": "too_large", "max_context": 2048}, "It fits with a context of up to 2048 tokens", "too large"),
        ({"verdict": "too_large", "max_context": 0}, "Choose a smaller model", "too large"),
    ],
)
def test_what_is_too_much_says_what_would_do(changes: dict[str, object], says: str, word: str):
    fit = msgspec.structs.replace(FIT, **changes)
    assert says in " ".join(fit_lines(fit)) and verdict(fit) == word


def test_a_disk_without_room_is_the_first_thing_to_say_in_a_table():
    assert verdict(msgspec.structs.replace(FIT, disk_free=GIB)) == "disk too full"


def test_nothing_is_said_of_the_disk_where_nothing_is_to_be_downloaded():
    assert len(fit_lines(msgspec.structs.replace(FIT, disk_bytes=0))) == 2
