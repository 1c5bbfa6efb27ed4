"""The environment of a worker process."""

from collections.abc import Mapping

from modeld.settings import without_secrets

SPIN_COUNT = "300"
"""Loop turns that GNU OpenMP spins at a barrier before it sleeps: some 10 µs on processors of the last ten years.

Engine threads meet at a barrier after each node of the graph. By default GNU OpenMP spins there for milliseconds, so
two engines on the same cores, or an engine beside any busy program, wait for threads that cannot run.
bench/contention.py measures it.
"""


def for_worker(environment: Mapping[str, str], keys: Mapping[str, str]) -> dict[str, str]:
    """The daemon's environment without its secrets, with ``keys`` and what llama.cpp should do as a child.

    What the user set for OpenMP stays.
    """
    child = without_secrets(environment)
    if "OMP_WAIT_POLICY" not in child:
        child.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    # When llama.cpp aborts it starts a debugger for a backtrace, which takes seconds and prints after the cause.
    child["GGML_NO_BACKTRACE"] = "1"
    return child | dict(keys)
