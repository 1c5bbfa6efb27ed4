"""A thread with a large stack, for calls that recurse once for each character of a long text.

llama.cpp splits a prompt with std::regex, which recurses; on a stack of 8 MiB that ends the process for long prompts.
The stack is address space: only what a call uses becomes memory.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MIB = 1024 * 1024
_SIZES = (1024 * MIB, 256 * MIB, 64 * MIB, 0)
"""The size to try first, and smaller ones for a process whose address space is limited; 0 is the system's default."""
_DEFAULT = 8 * MIB

Result = TypeVar("Result")


class LargeStack:
    """One thread, made at once; make it before other threads are made at the same time, since the size is global."""

    def __init__(self) -> None:
        before = threading.stack_size()
        try:
            self._executor, self._bytes = next(made for size in _SIZES if (made := _started(size)) is not None)
        finally:
            threading.stack_size(before)

    @property
    def most_characters(self) -> int:
        """The longest run of characters that std::regex can match on this stack: each takes 500 bytes (measured)."""
        return self._bytes // 1024

    def run(self, work: Callable[[], Result]) -> Result:
        """Call ``work`` in the thread, and wait for its result."""
        return self._executor.submit(work).result()


def _started(size: int) -> tuple[ThreadPoolExecutor, int] | None:
    """An executor whose only thread runs, and the size of its stack; None where the system refuses one."""
    threading.stack_size(size)
    executor = ThreadPoolExecutor(1, thread_name_prefix="large-stack")
    try:
        executor.submit(int).result()
    except RuntimeError:
        if not size:
            raise
        return None
    return executor, size or _DEFAULT
