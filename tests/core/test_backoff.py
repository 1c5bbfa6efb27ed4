"""How long to wait after a fault."""

import pytest
from modeld.http.backoff import MOST_ASKED_S, MOST_S, PROGRESS_BYTES, Backoff, asked


def test_waits_double_up_to_a_minute_and_chance_decides_below_that() -> None:
    backoff = Backoff()
    assert [backoff.failed(0, 1.0) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert backoff.failed(0, 0.0) == 0.0


def test_an_attempt_that_brought_something_is_soon_followed_by_the_next() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.failed(0, 1.0)
    assert backoff.failed(PROGRESS_BYTES, 1.0) <= 0.25
    assert backoff.failed(0, 1.0) == 1.0


def test_a_server_that_names_a_time_is_not_asked_earlier() -> None:
    assert 30.0 <= Backoff().failed(0, 0.0, 30.0) <= Backoff().failed(0, 1.0, 30.0) <= 31.0


@pytest.mark.parametrize(
    ("retry_after", "rate_limit", "date_s", "wait"),
    [
        ("", "", None, None),
        ("7", "", None, 7.0),
        ("999999", "", None, MOST_ASKED_S),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "", 42.0, 42.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "", -9e7, 0.0),
        ("", '"resolvers";r=0;t=55', None, 55.0),
        ("soon", "nonsense", None, None),
    ],
)
def test_what_a_server_asks_for(retry_after: str, rate_limit: str, date_s: float | None, wait: float | None) -> None:
    assert asked(retry_after, rate_limit, date_s) == wait
    assert wait is None or wait <= max(MOST_S, MOST_ASKED_S)
