"""The number of threads that decode, with a clock and waits of the test's own."""

import pytest
from modeld.worker.sharing import LONGEST_S, LOOK_S, TRY_AGAIN_S, DecodeThreads, waited_ns


class Machine:
    """One thread of the engine, which waits for a core for a part of the time that passes."""

    def __init__(self, most: int) -> None:
        self.now = 100.0
        self.waited_s = 0.0
        self.used: list[int] = []
        self.threads = DecodeThreads(most, self.used.append, lambda: {"1": int(self.waited_s * 1e9)}, lambda: self.now)
        self.threads.look()

    def run(self, seconds: float, waiting: float) -> None:
        for _ in range(round(seconds / LOOK_S)):
            self.now += LOOK_S
            self.waited_s += LOOK_S * waiting
            self.threads.look()


def test_on_an_idle_machine_all_threads_decode():
    machine = Machine(8)
    machine.run(60, waiting=0.01)
    assert machine.used == [] and machine.threads.count == 8


def test_beside_other_programs_the_threads_are_halved_until_none_waits():
    machine = Machine(8)
    machine.run(2 * LOOK_S, waiting=0.5)
    assert machine.used == [4, 2]
    machine.run(TRY_AGAIN_S - LOOK_S, waiting=0.0)
    assert machine.used == [4, 2]


def test_at_least_one_thread_decodes():
    machine = Machine(2)
    machine.run(10, waiting=0.9)
    assert machine.used == [1]


def test_all_threads_decode_again_when_the_other_programs_have_ended():
    machine = Machine(2)
    machine.run(1, waiting=0.5)
    machine.run(LONGEST_S, waiting=0.0)
    assert machine.used == [1, 2]


def test_more_threads_are_tried_less_and_less_often_while_the_cores_stay_wanted():
    machine = Machine(2)
    machine.run(1, waiting=0.5)
    tries = 0
    for _ in range(round(120 / LOOK_S)):
        before = len(machine.used)
        machine.run(LOOK_S, waiting=0.5 if machine.threads.count == 2 else 0.0)
        tries += machine.used[before:] == [2]
    assert 3 <= tries <= 6


def test_what_happened_while_nothing_was_decoded_does_not_count():
    machine = Machine(2)
    machine.now += 3600
    machine.waited_s += 3000
    machine.threads.look()
    assert machine.used == []


def test_all_threads_are_used_on_demand():
    machine = Machine(4)
    machine.run(LOOK_S, waiting=0.5)
    machine.threads.use_all()
    assert machine.used == [2, 4] and machine.threads.count == 4


def test_linux_counts_the_waits_of_this_process():
    waits = waited_ns()
    if not waits:
        pytest.skip("this system does not count")
    assert all(ns >= 0 for ns in waits.values())
