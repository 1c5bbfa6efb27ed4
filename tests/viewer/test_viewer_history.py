"""The history's curves, rows and axes, without a window."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from modelctl.desktop.viewer.history.series import RunPoints, benchmarked, curve, headers, reach, run_rows, stale, ticks
from modelctl.desktop.viewer.style.local_time import date_and_time, seconds, time_of_day
from modeld.protocol.views import Figure
from support.views.dialogs import history, model, result, run, snapshot

DAY_S = 86400.0


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person whose clock shows UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def moment(year: int, month: int, day: int, hour: int = 0) -> float:
    return datetime(year, month, day, hour, tzinfo=UTC).timestamp()


def test_of_many_runs_some_are_marked_and_the_newest_always() -> None:
    numbers = [float(number) for number in range(10)]
    points = RunPoints(numbers, numbers, numbers, numbers)

    assert points.thinned(1) == points
    assert points.thinned(4).at == points.thinned(4).memory == [1.0, 5.0, 9.0]
    assert RunPoints().thinned(3) == RunPoints()


def test_a_curve_has_every_run_and_sets_disturbed_ones_apart() -> None:
    runs = [
        run(1, 40.0, at="2026-11-01T10:00:00+00:00"),
        run(2, 30.0, at="2026-11-02T10:00:00+00:00", disturbance="busy"),
        run(3, 42.0, at="2026-11-03T10:00:00+00:00"),
    ]
    drawn = curve(history(runs))
    assert drawn.title == "MISTRAL"
    assert drawn.line.speed == [40.0, 30.0, 42.0]
    assert drawn.line.deviation == [0.41] * 3
    assert drawn.line.at[0] == moment(2026, 11, 1, 10)
    assert (drawn.quiet.speed, drawn.disturbed.speed) == ([40.0, 42.0], [30.0])
    assert (drawn.average_speed, drawn.average_memory) == (44.0, 4800.0)


def test_a_run_without_a_readable_time_is_not_drawn_but_listed() -> None:
    runs = [run(1, at="yesterday")]
    assert curve(history(runs)).line.at == []
    assert run_rows([history(runs)])[0].cells[0] == "yesterday"


def test_the_runs_of_all_models_are_listed_newest_first() -> None:
    first = history([run(1, at="2026-11-01T10:00:00+00:00"), run(3, at="2026-11-03T10:00:00+00:00")])
    second = history([run(2, at="2026-11-02T10:00:00+00:00", key="phi")], "phi")
    assert [row.cells[:2] for row in run_rows([first, second])] == [
        ("2026-11-03 10:00", "MISTRAL"),
        ("2026-11-02 10:00", "PHI"),
        ("2026-11-01 10:00", "MISTRAL"),
    ]


def test_what_was_not_measured_is_not_available_and_not_zero() -> None:
    imported = msgspec.structs.replace(
        run(), prefill=Figure(mean=0.0, n=0), first_token_ms=Figure(mean=0.0, n=0), pp=None, energy_j=None
    )
    cells = dict(zip(headers(), run_rows([history([imported])])[0].cells, strict=True))
    assert {cells[name] for name in ("Prefill", "pp", "tg", "First token(ms)", "GPU memory", "Energy")} == {"n/a"}
    assert cells["Tokens/Sec"] == "45.32 ± 0.41"


def test_a_disturbed_run_says_so_in_its_row() -> None:
    (row,) = run_rows([history([run(disturbance="1.6 cores were busy.")])])
    assert row.disturbed
    assert row.cells[-1] == "disturbed: 1.6 cores were busy"


def test_a_history_is_asked_for_when_chosen_and_again_after_a_new_run() -> None:
    old = benchmarked(snapshot([model("mistral", latest=result(at="1")), model("phi")]))
    assert old == {"mistral": "1"}
    assert stale(["mistral"], old, {}) == ["mistral"]
    assert stale(["mistral"], old, {"mistral": "1"}) == []
    new = benchmarked(snapshot([model("mistral", latest=result(at="2"))]))
    assert stale(["mistral"], new, {"mistral": "1"}) == ["mistral"]
    assert stale(["gone"], new, {}) == []


def test_an_axis_shows_all_values_with_some_room() -> None:
    low, high = reach([10.0, 20.0], least=1.0)
    assert low < 10.0 < 20.0 < high
    assert high - low < 15.0


def test_an_axis_of_a_single_value_is_not_a_point() -> None:
    assert reach([5.0], least=2.0) == (4.0, 6.0)
    assert reach([], least=2.0) == (0.0, 2.0)


@pytest.mark.parametrize("days", [1 / 24, 0.05, 0.4, 1.0, 3.0, 10.0, 45.0, 170.0, 400.0, 4000.0])
def test_an_axis_of_time_has_a_few_marks_that_fit(days: float) -> None:
    low = moment(2026, 6, 8, 9)
    high = low + days * DAY_S
    marks = ticks(low, high)
    assert 1 <= len(marks) <= 5
    assert all(low < at < high for _label, at in marks)
    assert len({label for label, _at in marks}) == len(marks)


def test_days_are_marked_at_midnight_with_their_date() -> None:
    marks = ticks(moment(2026, 6, 8, 9), moment(2026, 6, 12, 9))
    assert ("06-10\n2026", moment(2026, 6, 10)) in marks


def test_times_are_those_of_the_persons_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    assert time_of_day("2026-07-01T12:03:11+00:00") == "14:03:11"
    assert date_and_time("2026-12-01T23:30:00+00:00") == "2026-12-02 00:30"
    assert seconds("not a time") is None
