"""Speed, time left and stalls, told by a clock of our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modeld.core.downloads.rate import Rate


def flowing(seconds: int, per_second: int, start: int = 0) -> Rate:
    """A count that grew evenly, ten samples a second, from 0 to ``seconds``."""
    rate = Rate()
    for tick in range(seconds * 10 + 1):
        rate.add(tick / 10, start + tick * per_second // 10)
    return rate


def test_an_even_flow_has_its_speed() -> None:
    assert flowing(10, 1000).speed(10.0) == pytest.approx(1000)


def test_what_was_there_before_does_not_count_as_speed() -> None:
    assert flowing(2, 1000, start=10**9).speed(2.0) == pytest.approx(1000)


def test_speed_is_of_the_last_seconds_and_not_of_the_whole() -> None:
    rate = flowing(10, 1000)
    for tick in range(1, 41):
        rate.add(10 + tick / 10, 10_000 + tick * 10)
    assert rate.speed(14.0) == pytest.approx(100)


def test_without_news_speed_falls_by_itself_and_ends_at_nought() -> None:
    rate = flowing(10, 1000)
    speeds = [rate.speed(10 + tick / 10) for tick in range(0, 41)]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[15] < 0.8 * speeds[0]
    assert speeds[30] == speeds[40] == 0.0


def test_a_stall_counts_from_the_last_byte() -> None:
    rate = flowing(5, 1000)
    assert rate.stalled_since(7.9) is None
    assert rate.stalled_since(8.0) == 5.0


def test_samples_that_do_not_grow_do_not_hide_a_stall() -> None:
    rate = flowing(5, 1000)
    for tick in range(1, 101):
        rate.add(5 + tick / 10, 5000)
    assert rate.stalled_since(15.0) == 5.0
    assert rate.speed(15.0) == 0.0


def test_a_stall_ends_with_the_next_byte() -> None:
    rate = flowing(5, 1000)
    rate.add(20.0, 5001)
    assert rate.stalled_since(20.0) is None
    rate.add(21.0, 6001)
    assert 0 < rate.speed(21.0) <= 1001


def test_the_time_to_a_stall_can_be_chosen() -> None:
    rate = Rate(stall_s=10.0)
    rate.add(0.0, 1)
    assert rate.stalled_since(9.9) is None
    assert rate.stalled_since(10.0) == 0.0


def test_nothing_is_known_before_the_first_sample() -> None:
    rate = Rate()
    assert (rate.speed(5.0), rate.eta(5.0, 0, 100), rate.stalled_since(5.0)) == (0.0, None, None)


def test_time_left_follows_from_the_speed() -> None:
    assert flowing(10, 1000).eta(10.0, 10_000, 15_000) == pytest.approx(5.0)


def test_time_left_is_unknown_while_nothing_moves_or_the_whole_is_unknown() -> None:
    rate = flowing(10, 1000)
    assert rate.eta(10.0, 10_000, 0) is None
    assert rate.eta(30.0, 10_000, 15_000) is None


def test_time_left_is_never_below_nought() -> None:
    assert flowing(10, 1000).eta(10.0, 10_000, 9_000) == 0.0


def test_a_clock_that_stands_still_gives_no_speed_and_no_error() -> None:
    rate = Rate()
    for count in range(100):
        rate.add(7.0, count)
    assert rate.speed(7.0) == 0.0
    assert rate.eta(7.0, 99, 200) is None


def test_a_first_burst_in_no_time_is_no_wild_speed() -> None:
    rate = Rate()
    rate.add(0.0, 0)
    rate.add(1e-9, 65_536)
    assert rate.speed(1e-9) <= 65_536 * 20


def test_a_smaller_count_starts_anew() -> None:
    rate = flowing(10, 1000)
    rate.add(10.1, 0)
    assert rate.speed(10.1) == 0.0
    rate.add(11.1, 500)
    assert rate.speed(11.1) == pytest.approx(500)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 10**9)), max_size=60))
def test_speed_is_a_number_not_below_nought_whatever_comes(steps: list[tuple[float, int]]) -> None:
    rate, now = Rate(), 0.0
    for step, count in steps:
        now += step
        rate.add(now, count)
        eta = rate.eta(now, count, 10**9)
        assert 0 <= rate.speed(now) < float("inf")
        assert eta is None or eta >= 0
