"""A limit on bytes per second, told by a clock of our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from modeld.downloader.plan.bucket import BURST_S, Bucket


def brought(bucket: Bucket, seconds: float, read: int, now: float = 0.0) -> tuple[int, float]:
    """Bytes that one reader gets in so much time, and the time then."""
    until, total = now + seconds, 0
    while now < until:
        total += read
        now += bucket.wait(now, bucket.spend(now, read))
    return total, now


@pytest.mark.parametrize("rate", [1e6, 5e6, 1e8])
def test_ten_seconds_bring_what_the_limit_says_within_three_percent(rate: float) -> None:
    total, now = brought(Bucket(rate), 10.0, int(rate * 0.05))
    assert total / now == pytest.approx(rate, rel=0.03)


def test_many_readers_share_one_limit() -> None:
    bucket, now, total = Bucket(1e6), 0.0, 0
    marks = [(0.0, reader) for reader in range(8)]
    while now < 10.0:
        mark, reader = min(marks)
        marks.remove((mark, reader))
        now += bucket.wait(now, mark)
        marks.append((bucket.spend(now, 16_384), reader))
        total += 16_384
    assert total / now == pytest.approx(1e6, rel=0.05)


def test_no_limit_is_no_wait() -> None:
    bucket = Bucket()
    assert bucket.wait(0.0, bucket.spend(0.0, 10**12)) == 0.0


def test_what_was_not_used_is_saved_up_for_a_moment_only() -> None:
    bucket = Bucket(1000.0)
    assert bucket.wait(100.0, bucket.spend(100.0, int(1000 * BURST_S))) == 0.0
    assert bucket.wait(100.0, bucket.spend(100.0, 1000)) == pytest.approx(1.0)


def test_who_waits_goes_by_a_new_limit_at_once() -> None:
    bucket = Bucket(1000.0)
    mark = bucket.spend(0.0, 100_000)
    before = bucket.wait(0.0, mark)
    bucket.change(0.0, 10_000.0)
    assert bucket.wait(0.0, mark) == pytest.approx(before / 10)
    bucket.change(0.0, 0.0)
    assert bucket.wait(0.0, mark) == 0.0


def test_a_lifted_limit_leaves_no_debt_for_the_next() -> None:
    bucket = Bucket(1000.0)
    bucket.spend(0.0, 10**9)
    bucket.change(1.0, 0.0)
    bucket.change(2.0, 1000.0)
    assert bucket.wait(2.0, bucket.spend(2.0, 1000)) <= 1.0


def test_a_clock_that_goes_back_does_no_harm() -> None:
    bucket = Bucket(1000.0, now=10.0)
    assert 0 <= bucket.wait(5.0, bucket.spend(5.0, 1000)) <= 1.0


@given(some.lists(some.tuples(some.floats(0, 2), some.integers(1, 10**6), some.integers(0, 10**6)), max_size=50))
def test_the_wait_is_never_negative_and_never_longer_than_all_that_was_spent(
    steps: list[tuple[float, int, int]],
) -> None:
    bucket, now, spent = Bucket(1000.0), 0.0, 0
    for passed, count, rate in steps:
        now += passed
        bucket.change(now, rate)
        spent += count
        wait = bucket.wait(now, bucket.spend(now, count))
        assert 0 <= wait <= (spent / rate + 1e-6 if rate else 0)
