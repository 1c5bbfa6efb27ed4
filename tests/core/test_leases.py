"""Ranges lent to connections: nothing twice, nothing forgotten, and no slow one decides the end."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some
from modeld.downloader.plan.leases import LEAST_BYTES, LEAST_SPLIT_BYTES, MIB, MOST_BYTES, Lease, Leases
from modeld.downloader.plan.pieces import Pieces


def flow(lease: Lease, now: float, seconds: float, rate: float) -> None:
    """An answer that began ``seconds`` ago and brought bytes evenly."""
    lease.begin(now - seconds)
    lease.position = min(lease.end, lease.start + int(seconds * rate))


def download(speeds: list[float], size: int, *, replace: bool, chance: random.Random) -> tuple[float, Leases]:
    """Simulated seconds that connections of these speeds need together; a replaced one comes back as another."""
    leases = Leases(size, Pieces())
    holding: dict[int, Lease] = {}
    now, step = 0.0, 0.05
    while not leases.complete():
        for number in range(len(speeds)):
            if number not in holding and (lease := leases.take(now, len(speeds))) is not None:
                lease.begin(now)
                holding[number] = lease
        now += step
        for number, lease in list(holding.items()):
            lease.position = min(lease.end, lease.position + int(speeds[number] * step))
            if not lease.left:
                leases.give_back(holding.pop(number), now)
        leases.measure(now)
        for slow in leases.slow(now) if replace else []:
            number = next(number for number, lease in holding.items() if lease is slow)
            leases.give_back(holding.pop(number), now)
            speeds[number] = chance.choice([20 * MIB] * 8 + [2 * MIB] * 2)
        assert now < 1000
    return now, leases


def test_leases_are_lent_in_file_order_and_not_too_long() -> None:
    leases = Leases(1000 * MIB, Pieces())
    taken = [leases.take(0.0, 4) for _ in range(4)]
    starts = [lease.start for lease in taken if lease]
    assert starts == sorted(starts) and starts[0] == 0
    assert all(LEAST_BYTES <= lease.left <= MOST_BYTES for lease in taken if lease)


def test_leases_get_shorter_towards_the_end() -> None:
    leases, lengths = Leases(1000 * MIB, Pieces()), []
    while (lease := leases.take(0.0, 8)) is not None:
        lengths.append(lease.left)
        lease.begin(0.0)
        lease.position = lease.end
        leases.give_back(lease, 1.0)
    assert lengths == sorted(lengths, reverse=True) and lengths[-1] <= 2 * LEAST_BYTES
    assert leases.complete()


def test_one_connection_alone_takes_all_that_is_missing_in_one() -> None:
    leases = Leases(1000 * MIB, Pieces(((0, 10 * MIB),)))
    lease = leases.take(0.0, 1)
    assert lease and (lease.start, lease.end) == (10 * MIB, 1000 * MIB)


def test_a_server_without_ranges_gets_one_request_for_everything() -> None:
    leases = Leases(1000 * MIB, Pieces(), whole=True)
    assert (lease := leases.take(0.0, 8)) and lease.left == 1000 * MIB
    assert leases.take(10.0, 8) is None


def test_an_idle_connection_splits_the_lease_that_would_end_last() -> None:
    leases = Leases(8 * MIB, Pieces())
    fast, slow = (leases.take(0.0, 2) for _ in range(2))
    assert fast and slow
    flow(fast, 1.0, 1.0, 3 * MIB)
    flow(slow, 1.0, 1.0, MIB)
    end = slow.end
    part = leases.take(1.0, 2)
    assert part and part.end == end and slow.end == part.start
    assert part.left > slow.left >= LEAST_SPLIT_BYTES


def test_a_lease_that_ends_soon_is_not_split() -> None:
    leases = Leases(4 * MIB, Pieces())
    lease = leases.take(0.0, 2)
    assert lease
    flow(lease, 1.0, 1.0, 3.5 * MIB)
    assert leases.take(1.0, 2) is None


def test_one_that_has_no_answer_yet_is_taken_over_whole() -> None:
    leases = Leases(4 * MIB, Pieces())
    silent = leases.take(0.0, 2)
    assert silent and leases.take(0.5, 2) is None
    other = leases.take(2.0, 2)
    assert other and other.left == 4 * MIB and silent.left == 0


def test_what_a_lease_did_not_bring_is_lent_again() -> None:
    leases = Leases(8 * MIB, Pieces())
    lease = leases.take(0.0, 1)
    assert lease
    lease.position = 3 * MIB
    leases.give_back(lease, 1.0)
    assert leases.pieces().done == ((0, 3 * MIB),)
    again = leases.take(1.0, 1)
    assert again and again.start == 3 * MIB


def test_a_connection_far_below_the_others_is_slow_and_one_that_keeps_up_is_not() -> None:
    leases = Leases(1000 * MIB, Pieces())
    first, second, third = (leases.take(0.0, 4) for _ in range(3))
    assert first and second and third
    for lease in (first, second, third):
        lease.begin(0.0)
    first.position += 20 * MIB
    second.position += 2 * MIB
    third.position += 15 * MIB
    leases.measure(1.1)
    assert leases.slow(1.1) == [second]


def test_silence_before_the_answer_is_slow_after_a_while() -> None:
    leases = Leases(1000 * MIB, Pieces())
    first, silent = (leases.take(0.0, 4) for _ in range(2))
    assert first and silent
    first.begin(0.0)
    first.position += 20 * MIB
    leases.measure(1.1)
    assert leases.slow(2.0) == [] and leases.slow(3.5) == [silent]


def test_a_connection_alone_is_never_slow() -> None:
    leases = Leases(1000 * MIB, Pieces())
    lease = leases.take(0.0, 1)
    assert lease
    lease.begin(0.0)
    for second in range(1, 20):
        lease.position += 1000
        leases.measure(second * 1.1)
        assert leases.slow(second * 1.1) == []


def test_replacing_ends_some_time_so_that_a_download_is_not_all_reconnecting() -> None:
    leases = Leases(10_000 * MIB, Pieces())
    fast, slow = (leases.take(0.0, 2) for _ in range(2))
    assert fast and slow
    fast.begin(0.0)
    slow.begin(0.0)
    found = 0
    for second in range(1, 200):
        fast.position += MIB // 4
        leases.measure(second * 1.1)
        found += len(leases.slow(second * 1.1))
    assert 0 < found <= 32


@pytest.mark.parametrize("seed", range(5))
def test_slow_connections_cost_little_when_they_are_replaced(seed: int) -> None:
    speeds = [20 * MIB] * 8
    for number in random.Random(seed).sample(range(8), 2):
        speeds[number] = 2 * MIB
    seconds, _ = download([float(speed) for speed in speeds], 512 * MIB, replace=True, chance=random.Random(seed))
    assert seconds <= 1.35 * 512 / 160


def test_without_replacing_a_slow_one_costs_its_own_share_only() -> None:
    speeds = [20.0 * MIB] * 7 + [2.0 * MIB]
    seconds, _ = download(speeds, 512 * MIB, replace=False, chance=random.Random(0))
    assert seconds <= 1.15 * 512 / 142


ranges = some.lists(some.tuples(some.integers(0, 60), some.integers(0, 60)), max_size=6)


@given(ranges, some.lists(some.tuples(some.integers(0, 3), some.integers(0, 12), some.booleans()), max_size=200))
def test_whatever_happens_every_byte_comes_and_no_two_leases_overlap(
    there: list[tuple[int, int]], moves: list[tuple[int, int, bool]]
) -> None:
    pieces = Pieces()
    for start, end in there:
        pieces = pieces.add(start * MIB, end * MIB)
    size = 60 * MIB
    leases, now = Leases(size, pieces), 0.0
    held: dict[int, Lease] = {}
    for number, amount, drop in moves:
        now += 0.2
        lease = held.get(number)
        if lease is None:
            lease = leases.take(now, 4)
            if lease is None:
                continue
            held[number] = lease
            continue
        if not lease.opened:
            lease.begin(now)
        lease.position = min(max(lease.end, lease.position), lease.position + amount * MIB // 2)
        if drop or not lease.left:
            leases.give_back(held.pop(number), now)
        leases.measure(now)
        spans = sorted((one.position, one.end) for one in leases.active if one.left)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    for lease in held.values():
        leases.give_back(lease, now)
    while (lease := leases.take(now, 4)) is not None:
        lease.position = lease.end
        leases.give_back(lease, now)
    assert leases.complete() and leases.pieces().done == ((0, size),)
