"""Random lives of the core; FUZZ_CORE_STEPS sets how many steps they have together (``make fuzz``: two million)."""

import os

import pytest
from support.core_fuzz.simulation import Simulation

STEPS = int(os.environ.get("FUZZ_CORE_STEPS", "50_000"))
LIFE = 400
"""Steps of one life."""
BATCHES = 10


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_promise_breaks_in_random_lives(batch: int) -> None:
    for seed in range(batch, STEPS // LIFE, BATCHES):
        Simulation(seed, LIFE).run()
