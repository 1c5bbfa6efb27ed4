"""Random lives of the core; FUZZ_CORE_STEPS sets how many steps they have together (``make fuzz``: two million)."""

import os
from typing import get_args

import pytest
from modeld.core import facts
from modeld.protocol import requests
from support.core_fuzz.simulation import Simulation

STEPS = int(os.environ.get("FUZZ_CORE_STEPS", "50_000"))
LIFE = 400
LONG_LIFE = 10_000
"""Steps of a life; a long one has more ended jobs than the daemon remembers."""

BATCHES = 8
BUGS = 0.01
"""The share of calls that raise in the lives with planted bugs."""

LONG_LIVES = max(1, STEPS // 50_000)
LIVES = max(BATCHES, (STEPS - LONG_LIVES * LONG_LIFE) // LIFE)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_promise_breaks_in_random_lives(batch: int) -> None:
    for seed in range(batch, LIVES, BATCHES):
        Simulation(seed, LIFE).run()


@pytest.mark.parametrize("seed", range(LONG_LIVES))
def test_no_promise_breaks_in_a_long_random_life(seed: int) -> None:
    Simulation(seed, LONG_LIFE).run()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_promise_breaks_when_the_core_has_bugs(batch: int) -> None:
    bugs_met = 0
    for seed in range(batch, LIVES, BATCHES):
        life = Simulation(seed, LIFE, bugs=BUGS)
        life.run()
        bugs_met += life.bugs_met
    assert bugs_met


def test_random_lives_have_every_request_and_every_fact() -> None:
    met: set[type] = set()
    for seed in range(20):
        life = Simulation(seed, LIFE)
        life.run()
        met |= life.met
    assert met == {*get_args(requests.AnyRequest), *get_args(facts.AnyFact)}
