"""The arithmetic and parsing under the manager: speed, memory, figures, pieces, sources."""

import dataclasses

import msgspec
import pytest
from core.desk_fixture import HEADER, run
from hypothesis import given
from hypothesis import strategies as some
from modeld.core import figures, memory
from modeld.core.memory import Candidate
from modeld.core.pieces import Pieces
from modeld.core.rate import Rate
from modeld.core.source import Source, parse
from modeld.protocol.errors import Failure

HUB = "https://huggingface.co"


# -- speed -----------------------------------------------------------------------------------------------------------


def test_speed_is_that_of_the_last_seconds_and_not_of_the_whole_run():
    rate = Rate()
    for second in range(10):
        rate.add(second, second * 1000)
    for second in range(10, 20):
        rate.add(second, 9000 + (second - 9) * 100)
    assert rate.speed(19) == pytest.approx(100, rel=0.05)


def test_speed_falls_to_zero_by_itself_and_the_stall_is_dated():
    rate = Rate()
    rate.add(0, 0)
    rate.add(1, 1000)
    assert rate.speed(1) > 0 and rate.stalled_since(1) is None
    assert rate.speed(10) == 0 and rate.stalled_since(10) == 1 and rate.eta(10, 1000, 5000) is None


def test_a_count_that_falls_starts_anew():
    rate = Rate()
    rate.add(0, 5000)
    rate.add(1, 6000)
    rate.add(2, 0)
    rate.add(3, 100)
    assert rate.speed(3) == pytest.approx(100)


def test_a_clock_that_stands_still_is_no_division_by_zero():
    rate = Rate()
    rate.add(5, 0)
    rate.add(5, 1000)
    assert rate.speed(5) >= 0


# -- memory ----------------------------------------------------------------------------------------------------------


def test_the_estimate_counts_the_kv_cache_as_llama_cpp_allocates_it():
    small = memory.estimate_bytes(HEADER, 0, 1000)
    large = memory.estimate_bytes(HEADER, 0, 2000)
    assert large - small == 1000 * 2 * 4 * (16 + 16) * 2


def candidate(key: str, last_used: float = 0.0, **more: bool) -> Candidate:
    plain = Candidate(key=key, memory_bytes=100, last_used=last_used, pinned=False, busy=False)
    return dataclasses.replace(plain, **more)


def test_nobody_goes_when_it_fits():
    eviction = memory.who_must_go(50, 100, [candidate("a")], None)
    assert eviction is not None and eviction.keys == ()


def test_the_least_recently_used_goes_and_no_more_than_needed():
    loaded = [candidate("new", 3.0), candidate("old", 1.0), candidate("mid", 2.0)]
    eviction = memory.who_must_go(150, 100, loaded, None)
    assert eviction is not None and eviction.keys == ("old",) and "needed" in eviction.reason


def test_pinned_and_busy_models_stay_even_if_nothing_else_helps():
    loaded = [candidate("a", pinned=True), candidate("b", busy=True)]
    assert memory.who_must_go(150, 100, loaded, None) is None


def test_the_limit_of_loaded_models_counts_the_new_one():
    eviction = memory.who_must_go(1, 100, [candidate("a", 1.0), candidate("b", 2.0)], 2)
    assert eviction is not None and eviction.keys == ("a",) and "at most 2" in eviction.reason


# -- figures ---------------------------------------------------------------------------------------------------------


def test_an_average_is_the_mean_of_each_figure():
    average = figures.average([run(10.0, 100.0).result, run(20.0, 300.0).result])
    assert average is not None
    assert (average.runs, average.avg_tokens_per_second, average.avg_memory_usage_mb) == (2, 15.0, 200.0)
    assert figures.average([]) is None


def test_a_change_beyond_the_noise_is_significant_and_one_within_is_not():
    def measured(speed: float, stddev: float, disturbed: bool = False):
        figure = msgspec.structs.replace(run().decode, mean=speed, stddev=stddev)
        return msgspec.structs.replace(run(), decode=figure, disturbed=disturbed)

    assert figures.change(measured(100, 1), measured(120, 1)).significant
    assert not figures.change(measured(100, 20), measured(120, 20)).significant
    assert not figures.change(measured(100, 1), measured(120, 1, disturbed=True)).significant
    assert figures.change(measured(100, 1), measured(80, 1)).percent == pytest.approx(-20)


@pytest.mark.parametrize(
    "change",
    [
        {"tokens_per_second": float("nan")},
        {"tokens_per_second": 0.0},
        {"tokens_per_second": 2e6},
        {"inference_time": -1.0},
        {"memory_usage_mb": 0.0},
        {"context_used": 9999},
        {"completion_tokens": 0},
    ],
)
def test_what_cannot_be_true_is_said(change: dict[str, float]):
    assert figures.implausible(msgspec.structs.replace(run().result, **change))
    assert not figures.implausible(run().result)


# -- pieces ----------------------------------------------------------------------------------------------------------

ranges = some.lists(some.tuples(some.integers(0, 200), some.integers(0, 200)), max_size=20)


@given(ranges, some.integers(1, 200))
def test_pieces_and_what_is_missing_make_the_whole_file_once(added: list[tuple[int, int]], size: int):
    pieces = Pieces()
    there: set[int] = set()
    for start, end in added:
        pieces = pieces.add(start, end)
        there |= set(range(start, end))
    assert pieces.count() == len(there)
    missing = {byte for start, end in pieces.missing(size) for byte in range(start, end)}
    assert missing == set(range(size)) - there
    assert all(byte in there for byte in range(pieces.front()))
    assert list(pieces.done) == sorted(pieces.done)


# -- sources ---------------------------------------------------------------------------------------------------------


def test_a_hub_file_becomes_its_download_address():
    found = parse("hf:org/repo:Model.Q4.gguf", "https://mirror.example/", False)
    assert found == Source(url="https://mirror.example/org/repo/resolve/main/Model.Q4.gguf", file_name="Model.Q4.gguf")


def test_a_path_stays_a_path():
    assert parse("/models/a.gguf", HUB, False) == Source(path="/models/a.gguf")


def test_http_is_for_this_machine_unless_allowed():
    assert isinstance(parse("http://example.org/a.gguf", HUB, False), Failure)
    assert isinstance(parse("http://example.org/a.gguf", HUB, True), Source)
    assert isinstance(parse("http://127.0.0.1:8000/a.gguf", HUB, False), Source)


@pytest.mark.parametrize(
    "source",
    [
        "hf:org:file.gguf",
        "hf:org/repo:../../x",
        "https://example.org/model.bin",
        "https://example.org/..%2f.gguf",
        "https:///a.gguf",
        "ftp://example.org/a.gguf",
        "file:///etc/passwd",
        "https://[broken/a.gguf",
        "https://example.org/con.gguf",
    ],
)
def test_what_names_no_model_file_is_refused_with_what_may_be_said(source: str):
    refused = parse(source, HUB, False)
    assert isinstance(refused, Failure) and refused.hint and "'" in refused.message
