"""How many connections a download uses."""

import pytest
from modeld.downloader.plan.growth import LIMITED_BYTES_PER_S, MOST, START, Growth


def grown(growth: Growth, speed_of: list[float]) -> int:
    """The number after so many steps, each with the speed that this number of connections has."""
    number = growth.wanted(0.0, 0.0)
    for step in range(1, 20):
        number = growth.wanted(step * 2.5, speed_of[number])
    return number


def test_it_begins_with_two_and_grows_to_four_while_that_helps() -> None:
    growth = Growth()
    assert growth.wanted(0.0, 0.0) == START == 2
    assert grown(Growth(), [0, 10, 20, 30, 40, 50, 60]) == MOST == 4


def test_it_stays_where_another_one_does_not_help() -> None:
    assert grown(Growth(), [0, 10, 20, 20.5, 20.5, 20.5]) == 3


def test_nothing_is_judged_by_a_stall() -> None:
    growth = Growth()
    growth.wanted(0.0, 0.0)
    assert growth.wanted(10.0, 0.0) == START


@pytest.mark.parametrize(("chosen", "number"), [(1, 1), (8, 8), (16, 16), (99, 16)])
def test_a_number_that_was_chosen_is_opened_at_once(chosen: int, number: int) -> None:
    assert Growth(chosen).wanted(0.0, 0.0) == number


def test_a_server_that_refuses_gets_fewer_and_never_none() -> None:
    growth = Growth(3)
    for _ in range(5):
        growth.refused()
    assert growth.wanted(0.0, 0.0) == 1


@pytest.mark.parametrize(("limit", "number"), [(1000.0, 1), (3 * LIMITED_BYTES_PER_S, 3), (1e12, 8)])
def test_a_slow_limit_needs_few_connections(limit: float, number: int) -> None:
    assert Growth(8).wanted(0.0, 0.0, limit) == number
