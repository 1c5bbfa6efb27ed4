"""Memory that was used once goes back to the system."""

import subprocess
import sys

import pytest

PROGRAM = """
import os
from modeld.adapters.process_memory import ProcessMemory, _resident_bytes

memory = ProcessMemory()
before = _resident_bytes()
blocks = [bytearray(os.urandom(1000)) for _ in range(60_000)]
wall = bytearray(1000)  # what lies above the blocks keeps glibc from returning them by itself
grown = _resident_bytes()
memory.trim(now=0.0)  # nothing is free yet
blocks.clear()
memory.trim(now=1.0)  # too early for another
memory.trim(now=6.0)
print(before, grown, _resident_bytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is on Linux only")
def test_freed_memory_is_returned():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, grown, after = map(int, done.stdout.split())
    assert grown - before > 40 * 1024**2
    assert after - before < 16 * 1024**2
