"""What one hung worker costs: the answers of another model meanwhile, and when its own waiters are answered.

    python bench/hung_worker.py

Two small models are loaded. Half of the rounds stop the worker of one of them (SIGSTOP) in the middle of a generation.
"""

import concurrent.futures
import os
import signal
import tempfile
import time
from pathlib import Path

import fresh_daemon
import report
from modelctl import Client, ModeldError
from support import tiny_gguf

ROUNDS = 8
ANSWERS = 250
SILENCE_S = 3.0
SETTINGS = {"MODELD_WORKER_SILENCE_S": str(SILENCE_S), "LLM_CPU_THREADS": "1"}


def main() -> None:
    """Measure and print."""
    normal: list[float] = []
    hung: list[float] = []
    waited: list[float] = []
    with tempfile.TemporaryDirectory() as folder, fresh_daemon.running(SETTINGS) as (client, _):
        file = Path(folder) / "tiny.gguf"
        tiny_gguf.write(file)
        for key in ("hangs", "lives"):
            client.add(key, str(file))
        client.load("lives")
        _answers(client)  # warm
        for number in range(ROUNDS):
            client.load("hangs")
            if number % 2:
                hung.extend(_beside_a_hung_worker(client, waited))
            else:
                normal.extend(_answers(client))
    both = [_part(normal, 0.99), _part(hung, 0.99)]
    rows = [
        ["answer of the other model, ms, p50", f"{_part(normal, 0.5):.2f}", f"{_part(hung, 0.5):.2f}", ""],
        ["answer of the other model, ms, p99", *(f"{value:.2f}" for value in both), f"{both[1] / both[0]:.2f}"],
        [f"waiter of the hung one, s after {SILENCE_S:.0f} s of silence", "", f"{max(waited) - SILENCE_S:.2f}", ""],
    ]
    print(report.table(["", "normal", "one worker hangs", "ratio"], rows))
    print(f"\n{report.conditions(f'{len(normal)} and {len(hung)} answers of 8 tokens, in turn')}")


def _answers(client: Client) -> list[float]:
    """Milliseconds of each of some short answers."""
    took = []
    for _ in range(ANSWERS):
        began = time.perf_counter()
        client.generate("lives", "abc", max_tokens=8)
        took.append(1000 * (time.perf_counter() - began))
    return took


def _beside_a_hung_worker(client: Client, waited: list[float]) -> list[float]:
    """The same while the worker of the other model is stopped; it is killed at its deadline."""
    loaded = client.show("hangs").loaded
    assert loaded is not None
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        os.kill(loaded.pid, signal.SIGSTOP)
        waiter = pool.submit(_wait_for_the_failure, client)
        took = _answers(client)
        waited.append(waiter.result())
    return took


def _wait_for_the_failure(client: Client) -> float:
    """Seconds until a generation of the hung model is answered."""
    began = time.perf_counter()
    with Client(client.transport.places) as own:
        try:
            own.generate("hangs", "abc", max_tokens=8)
        except ModeldError:
            return time.perf_counter() - began
    raise SystemExit("a stopped worker answered")


def _part(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]


if __name__ == "__main__":
    main()
