"""What a model needs, and who makes room for it."""

import dataclasses

import msgspec
import pytest
from modeld.core.memory.estimate import MIB, Candidate, Eviction, estimate_bytes, who_must_go
from modeld.protocol.reasons import Reason
from modeld.protocol.views import HeaderView

SMOLLM2 = HeaderView(
    architecture="llama",
    parameters=134_515_008,
    quantization="Q4_1",
    context_length=8192,
    layers=30,
    embedding_length=576,
    heads=9,
    heads_kv=3,
    key_length=64,
    value_length=64,
    vocabulary=49_152,
    file_bytes=98_362_432,
)

OLD = Candidate(key="old", memory_bytes=100, last_used=1.0, pinned=False, busy=False)
MIDDLE = Candidate(key="middle", memory_bytes=100, last_used=2.0, pinned=False, busy=False)
NEW = Candidate(key="new", memory_bytes=100, last_used=3.0, pinned=False, busy=False)


@pytest.mark.parametrize(("context_size", "measured_mib"), [(2048, 214.6), (8192, 349.7)])
def test_the_estimate_of_smollm2_is_within_a_twentieth_of_what_was_measured(
    context_size: int, measured_mib: float
) -> None:
    estimate = estimate_bytes(SMOLLM2, SMOLLM2.file_bytes, context_size)
    assert estimate / MIB == pytest.approx(measured_mib, rel=0.05)


def test_a_longer_context_costs_the_key_value_cache_llama_cpp_says() -> None:
    longer = estimate_bytes(SMOLLM2, 0, 8192) - estimate_bytes(SMOLLM2, 0, 2048)
    assert longer == (180 - 45) * MIB


def test_weights_count_byte_for_byte() -> None:
    assert estimate_bytes(SMOLLM2, 5000, 512) - estimate_bytes(SMOLLM2, 0, 512) == 5000


def test_grouped_heads_take_less_cache_than_full_ones() -> None:
    full = msgspec.structs.replace(SMOLLM2, heads_kv=9)
    assert estimate_bytes(full, 0, 2048) - estimate_bytes(SMOLLM2, 0, 2048) == 2 * 45 * MIB


def test_nobody_goes_when_it_fits() -> None:
    assert who_must_go(50, 50, [OLD, NEW], None) == Eviction(())


def test_the_least_recently_used_go_first_and_no_more_than_needed() -> None:
    eviction = who_must_go(150, 10, [NEW, OLD, MIDDLE], None)
    assert eviction is not None
    assert eviction.keys == ("old", "middle")


def test_of_two_used_at_the_same_moment_the_first_by_key_goes() -> None:
    twin = dataclasses.replace(OLD, key="earlier")
    eviction = who_must_go(100, 0, [OLD, twin], None)
    assert eviction is not None
    assert eviction.keys == ("earlier",)


@pytest.mark.parametrize("held", [{"pinned": True}, {"busy": True}])
def test_a_pinned_or_busy_model_stays(held: dict[str, bool]) -> None:
    eviction = who_must_go(100, 0, [dataclasses.replace(OLD, **held), NEW], None)
    assert eviction is not None
    assert eviction.keys == ("new",)


@pytest.mark.parametrize("held", [{"pinned": True}, {"busy": True}])
def test_there_is_no_way_when_those_who_may_go_are_not_enough(held: dict[str, bool]) -> None:
    assert who_must_go(150, 0, [dataclasses.replace(OLD, **held), NEW], None) is None
    assert who_must_go(1000, 0, [OLD, NEW], None) is None
    assert who_must_go(10, 10, [dataclasses.replace(OLD, **held)], 1) is None


def test_one_too_many_goes_although_there_is_memory() -> None:
    eviction = who_must_go(10, 10_000, [OLD, NEW], 2)
    assert eviction == Eviction(("old",), Reason.LOADED_LIMIT.note(limit=2))


def test_memory_that_is_overdrawn_already_must_be_made_up_for() -> None:
    eviction = who_must_go(50, -100, [OLD, NEW], None)
    assert eviction is not None
    assert eviction.keys == ("old", "new")


def test_the_reason_names_what_is_needed_and_what_there_is() -> None:
    big = dataclasses.replace(OLD, memory_bytes=900 * MIB)
    eviction = who_must_go(700 * MIB, 300 * MIB, [big], 1)
    assert eviction is not None
    cause = Reason.MEMORY_SHORT_AND_LOADED_LIMIT.note(needed_mib=700, available_mib=300, limit=1)
    assert eviction.cause == cause
